package dev.octet.quantize.data;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Stream;

/** Recognises what a path holds, and tells a training part from a test part. */
final class DataSetOpener {

  private static final List<String> TEST_NAMES = List.of("test", "t10k", "val", "dev", "eval");
  private static final String SEQUENCE_INPUT = "-input.npy";
  private static final String SEQUENCE_STATE = "-state-in.npy";

  private final List<ModelInput> inputs;
  private final SamplesOptions options;

  DataSetOpener(List<ModelInput> inputs, SamplesOptions options) {
    this.inputs = List.copyOf(inputs);
    this.options = options;
  }

  DataSet open(Path path) {
    if (!Files.exists(path)) {
      throw new DataException("'" + path + "' does not exist; give a file or folder of samples");
    }
    return Files.isDirectory(path) ? folder(path) : DataSet.of(file(path), preprocessing(path));
  }

  private Samples file(Path path) {
    String name = lower(path);
    if (name.endsWith(".npy")) {
      return ArraySamples.ofFile(path);
    }
    if (name.endsWith(".npz")) {
      return ArraySamples.ofZip(path);
    }
    if (isCifar(path)) {
      return cifar(path);
    }
    if (isIdxImages(path)) {
      return mnist(path);
    }
    if (TokenSamples.recognises(path)) {
      return new TokenSamples(path, options.skipPolicy());
    }
    throw new DataException("'" + path + "' is " + UNKNOWN);
  }

  private static final String UNKNOWN =
      "nothing that is known; give a folder of images, CIFAR-10 .bin files, MNIST idx files, .npy,"
          + " .npz, or a CSV of token ids (label,id,id,...)";

  private DataSet folder(Path folder) {
    List<Path> entries = list(folder);
    Optional<Path> train = subfolder(entries, name -> name.startsWith("train"));
    Optional<Path> test =
        subfolder(entries, name -> TEST_NAMES.stream().anyMatch(name::startsWith));
    if (train.isPresent() && test.isPresent()) {
      DataSet training = folder(train.get());
      return new DataSet(
          training.calibration(), folder(test.get()).evaluation(), false, training.preprocessing());
    }
    List<Path> files = entries.stream().filter(Files::isRegularFile).toList();
    DataSet parts = parts(files, DataSetOpener::isCifar, this::cifar);
    if (parts == null) {
      parts = parts(files, DataSetOpener::isIdxImages, this::mnist);
    }
    if (parts == null && files.stream().anyMatch(file -> lower(file).endsWith(".npy"))) {
      parts = DataSet.of(arrays(folder, files), Optional.empty());
    }
    if (parts == null && entries.stream().noneMatch(this::leadsToImages)) {
      parts =
          parts(
              files,
              file -> lower(file).endsWith(".csv") && TokenSamples.recognises(file),
              file -> new TokenSamples(file, options.skipPolicy()));
    }
    if (parts != null) {
      return parts;
    }
    if (entries.stream().noneMatch(this::leadsToImages)) {
      throw new DataException("folder '" + folder + "' holds " + UNKNOWN);
    }
    Preprocessing how = options.preprocessing().orElseGet(() -> PreprocessingGuess.images(inputs));
    return DataSet.of(ImageSamples.ofFolder(folder, how, options), Optional.of(how));
  }

  /**
   * The files of one kind: those named as test data apart from the others; null if there is none.
   */
  private @org.jspecify.annotations.Nullable DataSet parts(
      List<Path> files, Predicate<Path> kind, Function<Path, Samples> open) {
    List<Samples> training = new ArrayList<>();
    List<Samples> testing = new ArrayList<>();
    Optional<Preprocessing> how = Optional.empty();
    for (Path file : files) {
      if (kind.test(file)) {
        boolean test = TEST_NAMES.stream().anyMatch(lower(file)::startsWith);
        (test ? testing : training).add(open.apply(file));
        how = preprocessing(file);
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

  private Samples arrays(Path folder, List<Path> files) {
    Map<String, ArrayFile> named = new TreeMap<>();
    Map<String, ArrayFile> rows = new TreeMap<>();
    Map<String, ArrayFile> states = new TreeMap<>();
    for (Path file : files) {
      String name = file.getFileName().toString();
      if (!name.endsWith(".npy")) {
        continue;
      }
      String stem = name.substring(0, name.length() - ".npy".length());
      if (stem.equals("labels")
          || inputs.stream().anyMatch(input -> fileStem(input).equals(stem))) {
        named.put(
            inputs.stream()
                .filter(input -> fileStem(input).equals(stem))
                .map(ModelInput::name)
                .findFirst()
                .orElse(stem),
            ArrayFile.of(file));
      } else if (name.endsWith(SEQUENCE_INPUT)) {
        rows.put(name.substring(0, name.length() - SEQUENCE_INPUT.length()), ArrayFile.of(file));
      } else if (name.endsWith(SEQUENCE_STATE)) {
        states.put(name.substring(0, name.length() - SEQUENCE_STATE.length()), ArrayFile.of(file));
      }
    }
    if (named.keySet().stream().anyMatch(name -> !name.equals("labels"))) {
      return ArraySamples.named(folder, named);
    }
    if (!rows.isEmpty()) {
      return ArraySamples.recordings(folder, rows, states);
    }
    throw new DataException(
        "folder '"
            + folder
            + "' has .npy files, but none named after a model input "
            + inputs.stream().map(input -> fileStem(input) + ".npy").toList()
            + " and no sequence <name>"
            + SEQUENCE_INPUT
            + "; rename them, or give one file");
  }

  /** A model input's name as a file name: slashes and colons, which files cannot have, become _. */
  private static String fileStem(ModelInput input) {
    return input.name().replaceAll("[/\\\\:]", "_");
  }

  private Samples cifar(Path file) {
    return new Cifar10Samples(file, preprocessing(file).orElseThrow(), options.skipPolicy());
  }

  private Samples mnist(Path images) {
    String name = images.getFileName().toString();
    Path labels = images.resolveSibling(name.replace("images", "labels").replace("idx3", "idx1"));
    if (!Files.isRegularFile(labels)) {
      throw new DataException(
          "'" + images + "' has no labels beside it; expected '" + labels.getFileName() + "'");
    }
    return new MnistSamples(images, labels, preprocessing(images).orElseThrow());
  }

  private Optional<Preprocessing> preprocessing(Path file) {
    if (isCifar(file)) {
      return Optional.of(
          options.preprocessing().orElseGet(() -> PreprocessingGuess.cifar10(inputs)));
    }
    if (isIdxImages(file)) {
      return Optional.of(options.preprocessing().orElseGet(() -> PreprocessingGuess.mnist(inputs)));
    }
    return Optional.empty();
  }

  private static boolean isCifar(Path file) {
    String name = lower(file);
    return name.endsWith(".bin") || name.endsWith(".bin.gz");
  }

  private static boolean isIdxImages(Path file) {
    return lower(file).matches(".*images.*idx3.*");
  }

  private boolean leadsToImages(Path entry) {
    if (!Files.isDirectory(entry)) {
      return ImageSamples.isImage(entry);
    }
    try (Stream<Path> walk = Files.walk(entry, 8)) {
      return walk.anyMatch(file -> ImageSamples.isImage(file) && Files.isRegularFile(file));
    } catch (IOException | java.io.UncheckedIOException e) {
      return false;
    }
  }

  private static Optional<Path> subfolder(List<Path> entries, Predicate<String> named) {
    return entries.stream()
        .filter(entry -> Files.isDirectory(entry) && named.test(lower(entry)))
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
