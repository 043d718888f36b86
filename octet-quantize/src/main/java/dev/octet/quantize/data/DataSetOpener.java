package dev.octet.quantize.data;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Recognises what a path holds, and tells a training part from a test part by their names. */
final class DataSetOpener {

  private static final Pattern TRAINING = Pattern.compile("(train|training)([^a-z].*)?");
  private static final Pattern TEST =
      Pattern.compile("(test|testing|t10k|val|valid|validation|dev|eval|evaluation)([^a-z].*)?");
  private static final Pattern IDX_IMAGES = Pattern.compile(".*images.*idx3.*");
  private static final String UNKNOWN =
      "nothing that is known; give a folder of images, CIFAR-10 .bin files, MNIST idx files, .npy,"
          + " .npz, or a CSV of token ids (label,id,id,...)";

  private final List<ModelInput> inputs;
  private final SamplesOptions options;
  private final Set<String> classes;

  DataSetOpener(List<ModelInput> inputs, SamplesOptions options) {
    this(inputs, options, Set.of());
  }

  private DataSetOpener(List<ModelInput> inputs, SamplesOptions options, Set<String> classes) {
    this.inputs = List.copyOf(inputs);
    this.options = options;
    this.classes = classes;
  }

  DataSet open(Path path) {
    if (!Files.exists(path)) {
      throw new DataException("'" + path + "' does not exist; give a file or folder of samples");
    }
    // An absolute path always has a name, also for "." and for a folder's "..".
    Path named = path.toAbsolutePath().normalize();
    return Files.isDirectory(named) ? folder(named) : file(named);
  }

  private DataSet file(Path path) {
    String name = lower(path);
    if (name.endsWith(".npy")) {
      return DataSet.of(ArraySamples.ofFile(path), Optional.empty());
    }
    if (name.endsWith(".npz")) {
      return DataSet.of(ArraySamples.ofZip(path), Optional.empty());
    }
    DataSet found = records(List.of(path), file -> true);
    if (found == null) {
      throw new DataException("'" + path + "' is " + UNKNOWN);
    }
    return found;
  }

  private DataSet folder(Path folder) {
    List<Path> entries = list(folder);
    Optional<Path> train = subfolder(entries, TRAINING);
    Optional<Path> test = subfolder(entries, TEST);
    if (train.isPresent() && test.isPresent()) {
      return parts(train.get(), test.get());
    }
    List<Path> files = entries.stream().filter(Files::isRegularFile).toList();
    boolean images = entries.stream().anyMatch(DataSetOpener::leadsToImages);
    if (files.stream().anyMatch(file -> lower(file).endsWith(".npy"))) {
      return DataSet.of(ArrayFolder.open(folder, files, inputs), Optional.empty());
    }
    // Beside images, a CSV is a list of their labels.
    DataSet found = records(files, file -> !images && lower(file).endsWith(".csv"));
    if (found != null) {
      return found;
    }
    if (!images) {
      throw new DataException("folder '" + folder + "' holds " + UNKNOWN);
    }
    Preprocessing how = options.preprocessing().apply(PreprocessingGuess.images(inputs));
    return DataSet.of(ImageSamples.ofFolder(folder, how, options, classes), Optional.of(how));
  }

  /** A folder for training and one for testing; classes are numbered over both. */
  private DataSet parts(Path train, Path test) {
    Set<String> names = new HashSet<>();
    Stream.concat(list(train).stream(), list(test).stream())
        .filter(Files::isDirectory)
        .forEach(entry -> names.add(entry.getFileName().toString()));
    DataSetOpener opener = new DataSetOpener(inputs, options, names);
    DataSet training = opener.folder(train);
    return new DataSet(
        training.calibration(), opener.folder(test).evaluation(), false, training.preprocessing());
  }

  /** CIFAR-10, MNIST or token files, whichever there are; null if none. */
  private @Nullable DataSet records(List<Path> files, Predicate<Path> mayBeTokens) {
    Preprocessing cifar = options.preprocessing().apply(PreprocessingGuess.cifar10(inputs));
    DataSet found =
        split(
            files,
            file -> lower(file).endsWith(".bin") || lower(file).endsWith(".bin.gz"),
            file -> new Cifar10Samples(file, cifar, options.skipPolicy()),
            Optional.of(cifar));
    if (found == null) {
      Preprocessing mnist = options.preprocessing().apply(PreprocessingGuess.mnist(inputs));
      found =
          split(
              files,
              file -> IDX_IMAGES.matcher(lower(file)).matches(),
              file -> new MnistSamples(file, labelsOf(file), mnist),
              Optional.of(mnist));
    }
    if (found == null) {
      found =
          split(
              files,
              file -> mayBeTokens.test(file) && TokenSamples.recognises(file),
              file -> new TokenSamples(file, options.skipPolicy()),
              Optional.empty());
    }
    return found;
  }

  /** The files of one kind: those named as test data apart from the others; null if none. */
  private static @Nullable DataSet split(
      List<Path> files,
      Predicate<Path> kind,
      Function<Path, Samples> open,
      Optional<Preprocessing> how) {
    List<Samples> training = new ArrayList<>();
    List<Samples> testing = new ArrayList<>();
    for (Path file : files) {
      if (kind.test(file)) {
        (TEST.matcher(lower(file)).matches() ? testing : training).add(open.apply(file));
      }
    }
    if (training.isEmpty() && testing.isEmpty()) {
      return null;
    }
    if (training.isEmpty() || testing.isEmpty()) {
      return DataSet.of(JoinedSamples.of(training.isEmpty() ? testing : training), how);
    }
    return new DataSet(JoinedSamples.of(training), JoinedSamples.of(testing), false, how);
  }

  private static Path labelsOf(Path images) {
    String name = images.getFileName().toString();
    Path labels = images.resolveSibling(name.replace("images", "labels").replace("idx3", "idx1"));
    if (!Files.isRegularFile(labels)) {
      throw new DataException(
          "'" + images + "' has no labels beside it; expected '" + labels.getFileName() + "'");
    }
    return labels;
  }

  private static boolean leadsToImages(Path entry) {
    if (!Files.isDirectory(entry)) {
      return ImageSamples.isImage(entry);
    }
    try (Stream<Path> walk = Files.walk(entry, ImageSamples.DEEPEST)) {
      return walk.anyMatch(file -> ImageSamples.isImage(file) && Files.isRegularFile(file));
    } catch (IOException | UncheckedIOException e) {
      return false;
    }
  }

  private static Optional<Path> subfolder(List<Path> entries, Pattern name) {
    return entries.stream()
        .filter(entry -> Files.isDirectory(entry) && name.matcher(lower(entry)).matches())
        .findFirst();
  }

  private static List<Path> list(Path folder) {
    try (Stream<Path> entries = Files.list(folder)) {
      return entries.sorted().toList();
    } catch (IOException e) {
      throw DataFile.failed(folder, e);
    }
  }

  private static String lower(Path file) {
    return file.getFileName().toString().toLowerCase(Locale.ROOT);
  }
}
