package dev.octet.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** A folder with the demo's model and a few of its images, as a user would have them. */
final class Workplace {
  static final int CALIBRATION_IMAGES = 96;
  static final int EVALUATION_IMAGES = 48;

  /** Options that prepare images as the model wants them. */
  static final List<Object> PREPROCESSING = List.of("--mean", "0.5", "--std", "0.25");

  final Path folder;
  final Path model;
  final Path images;

  Workplace(Path folder) throws IOException {
    this.folder = folder;
    DemoFolder demo = new DemoFolder(folder);
    demo.write(CALIBRATION_IMAGES, EVALUATION_IMAGES);
    model = demo.model();
    images = demo.images();
  }

  Path file(String name) {
    return folder.resolve(name);
  }

  /** Runs {@code octet quantize} on this model and these images, with more words. */
  Run quantize(Object... more) {
    return run(List.of("quantize", model, "--data", images), more);
  }

  /** Runs a command with the preprocessing that the model wants. */
  Run run(List<Object> words, Object... more) {
    return Run.octet(
        Stream.of(words.stream(), PREPROCESSING.stream(), Stream.of(more))
            .flatMap(all -> all)
            .toArray());
  }

  /** The names of everything in the folder that is no input. */
  List<String> results() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> !name.equals("demo.onnx") && !name.equals("images"))
          .sorted()
          .toList();
    }
  }
}
