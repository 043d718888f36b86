package dev.octet.cli;

import dev.octet.quantize.demo.DemoImages;
import dev.octet.quantize.demo.DemoModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The demo's model and images as files, as a user would have them. */
record DemoFolder(Path folder) {
  /** What the model was trained to be fed, as options of the command. */
  static final String PREPROCESSING =
      "--mean " + DemoModel.MEAN + " --std " + DemoModel.STANDARD_DEVIATION;

  /** The float model. */
  Path model() {
    return folder.resolve("demo.onnx");
  }

  /** Its images: {@code train} and {@code test}, a sub-folder for each class. */
  Path images() {
    return folder.resolve("images");
  }

  /** Writes everything, over what may be there. */
  void write(int calibration, int evaluation) throws IOException {
    Files.createDirectories(folder);
    Files.write(model(), DemoModel.onnx());
    new DemoImages(DemoImages.CALIBRATION_SEED).write(images().resolve("train"), calibration);
    new DemoImages(DemoImages.EVALUATION_SEED).write(images().resolve("test"), evaluation);
  }
}
