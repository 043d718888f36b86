package dev.octet.quantize.data;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * A folder of {@code .npy} files. Either they are named after the model's inputs ({@code
 * <input>.npy}, and perhaps {@code labels.npy}) and have one row for each sample; or each {@code
 * <name>-input.npy} is a sequence with one row for each step, whose first state {@code
 * <name>-state-in.npy} may hold. Other files are left alone.
 */
final class ArrayFolder {

  private static final String SUFFIX = ".npy";
  private static final String LABELS = "labels";
  private static final String SEQUENCE = "-input";
  private static final String STATE = "-state-in";

  private ArrayFolder() {}

  static Samples open(Path folder, List<Path> files, List<ModelInput> inputs) {
    Map<String, Path> named = new TreeMap<>();
    Map<String, ArrayFile> rows = new TreeMap<>();
    Map<String, ArrayFile> states = new TreeMap<>();
    for (Path file : files) {
      String name = file.getFileName().toString();
      if (!name.endsWith(SUFFIX)) {
        continue;
      }
      String stem = name.substring(0, name.length() - SUFFIX.length());
      Optional<String> input =
          inputs.stream().map(ModelInput::name).filter(n -> stem(n).equals(stem)).findFirst();
      if (input.isPresent()) {
        named.put(input.get(), file);
      } else if (stem.endsWith(SEQUENCE)) {
        rows.put(stem.substring(0, stem.length() - SEQUENCE.length()), ArrayFile.of(file));
      } else if (stem.endsWith(STATE)) {
        states.put(stem.substring(0, stem.length() - STATE.length()), ArrayFile.of(file));
      }
    }
    if (!named.isEmpty()) {
      Map<String, ArrayFile> arrays = new TreeMap<>();
      named.forEach((name, file) -> arrays.put(name, ArrayFile.of(file)));
      Path labels = folder.resolve(LABELS + SUFFIX);
      if (files.contains(labels)) {
        arrays.put(LABELS, ArrayFile.of(labels));
      }
      return ArraySamples.named(folder, arrays);
    }
    if (!rows.isEmpty()) {
      return ArraySamples.recordings(folder, rows, states);
    }
    throw new DataException(
        "folder '"
            + folder
            + "' has .npy files, but none named after a model input "
            + inputs.stream().map(input -> stem(input.name()) + SUFFIX).toList()
            + " and no sequence <name>"
            + SEQUENCE
            + SUFFIX
            + "; rename them, or give one file");
  }

  /** An input's name as a file name: slashes and colons, which file names cannot have, become _. */
  private static String stem(String input) {
    return input.replaceAll("[/\\\\:]", "_");
  }
}
