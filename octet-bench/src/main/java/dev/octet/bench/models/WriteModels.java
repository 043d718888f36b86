package dev.octet.bench.models;

import dev.octet.core.recipe.Recipe;
import dev.octet.graph.onnx.OnnxWriter;
import dev.octet.quantize.PostTraining;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Writes the networks of the {@link Suite} into a folder: {@code NAME.onnx} in float, and {@code
 * NAME.int8.onnx} quantized by the default recipe on random samples.
 *
 * <pre>
 * octet-bench/write-models.sh FOLDER [NAME ...]
 * </pre>
 */
public final class WriteModels {
  private static final int SAMPLES = 8;

  private WriteModels() {}

  /** Runs it. */
  public static void main(String[] args) throws IOException {
    Path folder = SideBySide.folder(args, "WriteModels FOLDER [NAME ...]");
    List<String> wanted = List.of(args).subList(1, args.length);
    for (Network network : Suite.networks()) {
      if (wanted.isEmpty() || wanted.contains(network.name())) {
        Path real = folder.resolve(network.name() + ".onnx");
        Path quantized = folder.resolve(network.name() + ".int8.onnx");
        write(network, real, quantized);
        System.out.printf(
            "%-14s %,12d bytes, int8 %,12d bytes%n",
            network.name(), Files.size(real), Files.size(quantized));
      }
    }
  }

  /** Writes {@code network} in float and quantized. */
  static void write(Network network, Path real, Path quantized) {
    OnnxWriter.write(network.model().get(), real);
    PostTraining.of(real)
        .recipe(Recipe.int8())
        .calibrate(new RandomSamples(network, SAMPLES))
        .compareLayers(false)
        .save(quantized);
  }
}
