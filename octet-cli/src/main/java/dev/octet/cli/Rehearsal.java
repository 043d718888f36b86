package dev.octet.cli;

import dev.octet.graph.onnx.OnnxReader;
import dev.octet.quantize.demo.DemoModel;
import dev.octet.quantize.run.Repeatable;
import dev.octet.quantize.run.Runner;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Loads, shows and runs a small model: what most commands begin with. The launcher lets Java do
 * this once and keep an archive of the classes that it loaded, from which later starts are faster.
 */
public final class Rehearsal {
  private Rehearsal() {}

  /** Takes no words. */
  public static void main(String[] words) throws IOException {
    Path model = Files.createTempFile("octet", ".onnx");
    try {
      Files.write(model, DemoModel.onnx());
      Octet.commandLine().execute("inspect", model.toString());
      var inputs = new ShapeOptions().random(OnnxReader.read(model).graph(), 1);
      try (Repeatable run = Runner.ENGINE.prepare(model, inputs, 1)) {
        run.run();
      }
    } finally {
      Files.delete(model);
    }
  }
}
