package dev.octet.quantize.data;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Labels of the images of a folder: from a CSV of {@code file,label}; else from the sub-folder (its
 * number, when all sub-folders are numbers, else its place among them in alphabetical order); else
 * from a number before the first underscore of the file's name.
 */
final class ImageLabels {

  private static final Pattern LEADING = Pattern.compile("(\\d{1,9})_.*");
  private static final Pattern NUMBER = Pattern.compile("\\d{1,9}");
  private static final String DEFAULT_FILE = "labels.csv";
  private static final long LARGEST_FILE = 1 << 26;

  private final Path folder;
  private final Map<String, Integer> byFile;
  private final Map<String, Integer> byFolder;

  private ImageLabels(Path folder, Map<String, Integer> byFile, Map<String, Integer> byFolder) {
    this.folder = folder;
    this.byFile = byFile;
    this.byFolder = byFolder;
  }

  static ImageLabels of(
      Path folder, List<Path> images, SamplesOptions options, Set<String> classes) {
    Path csv = options.labels().orElse(folder.resolve(DEFAULT_FILE));
    Map<String, Integer> byFile =
        options.labels().isPresent() || Files.isRegularFile(csv) ? read(csv) : Map.of();
    TreeSet<String> names = new TreeSet<>(classes);
    for (Path image : images) {
      String path = inside(folder, image);
      if (path.indexOf('/') > 0) {
        names.add(path.substring(0, path.indexOf('/')));
      }
    }
    boolean numbers = names.stream().allMatch(name -> NUMBER.matcher(name).matches());
    List<String> order = new ArrayList<>(names);
    Map<String, Integer> byFolder = new HashMap<>();
    for (String name : order) {
      byFolder.put(name, numbers ? Integer.parseInt(name) : order.indexOf(name));
    }
    return new ImageLabels(folder, byFile, byFolder);
  }

  /** A file's path inside a folder, with slashes on every system. */
  static String inside(Path folder, Path file) {
    return folder.relativize(file).toString().replace('\\', '/');
  }

  OptionalInt of(Path image) {
    String path = inside(folder, image);
    String name = image.getFileName().toString();
    Integer listed = byFile.getOrDefault(path, byFile.get(name));
    if (listed != null) {
      return OptionalInt.of(listed);
    }
    if (!byFile.isEmpty()) {
      return OptionalInt.empty(); // a list that leaves an image out means it: no guessing
    }
    int slash = path.indexOf('/');
    if (slash > 0) {
      Integer label = byFolder.get(path.substring(0, slash));
      return label == null ? OptionalInt.empty() : OptionalInt.of(label);
    }
    Matcher leading = LEADING.matcher(name);
    return leading.matches()
        ? OptionalInt.of(Integer.parseInt(leading.group(1)))
        : OptionalInt.empty();
  }

  private static Map<String, Integer> read(Path csv) {
    Map<String, Integer> labels = new HashMap<>();
    try {
      if (Files.size(csv) > LARGEST_FILE) {
        throw new DataException(
            "'" + csv + "' has " + Files.size(csv) + " bytes; up to " + LARGEST_FILE + " are read");
      }
      List<String> lines =
          new String(Files.readAllBytes(csv), StandardCharsets.UTF_8).lines().toList();
      for (int i = 0; i < lines.size(); i++) {
        String line = lines.get(i).strip();
        int comma = line.lastIndexOf(',');
        String label = line.substring(comma + 1).strip();
        if (comma > 0 && NUMBER.matcher(label).matches()) {
          labels.put(line.substring(0, comma).strip().replace('\\', '/'), Integer.valueOf(label));
        } else if (i > 0 && !line.isEmpty()) { // the first line may be a heading
          throw new DataException(
              "'" + csv + "' line " + (i + 1) + " is '" + line + "'; write file,label");
        }
      }
    } catch (IOException e) {
      throw DataFile.failed(csv, e);
    }
    if (labels.isEmpty()) {
      throw new DataException("'" + csv + "' has no line of file,label");
    }
    return labels;
  }
}
