package dev.octet.quantize;

import dev.octet.core.recipe.Recipe;
import dev.octet.graph.Model;
import dev.octet.graph.onnx.OnnxWriter;
import dev.octet.quantize.data.Samples;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** A digest of everything that decides what a calibration learns. */
final class Fingerprint {
  private Fingerprint() {}

  static String of(Model model, Recipe recipe, Samples samples) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update(OnnxWriter.toBytes(model));
      digest.update(recipe.toString().getBytes(StandardCharsets.UTF_8));
      digest.update(samples.description().getBytes(StandardCharsets.UTF_8));
      digest.update(Long.toString(samples.size().orElse(-1)).getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
