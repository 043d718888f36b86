package dev.octet.cli;

import java.nio.file.Path;
import picocli.CommandLine.Parameters;

/** The model of commands that are about classifiers. */
final class ClassifierParameter {
  @Parameters(
      paramLabel = "MODEL",
      description = "The float classifier, an ONNX file; its one output is logits.")
  private Path model;

  /** Its file. */
  Path file() {
    return model;
  }

  /** A file in the current folder, named after the model. */
  Path named(String ending) {
    return Path.of(String.valueOf(model.getFileName()).replaceFirst("\\.onnx$", "") + ending);
  }
}
