package dev.octet.quantize.demo;

import dev.octet.quantize.data.Preprocessing;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;

/**
 * A small convolutional network in float32 that tells the classes of {@link DemoImages} apart,
 * shipped with Octet as an ONNX model (opset 17).
 *
 * <p>It has what makes quantization interesting: batch normalizations that are not folded yet,
 * residual additions, depthwise convolutions, Relu and Clip, and channels that were made to differ
 * in size after training. Its one input {@link #INPUT} is [n, 3, 32, 32], its one output {@link
 * #OUTPUT} [n, {@link DemoImages#CLASSES}], for any batch size n. Layers, training and measured
 * accuracy are in {@code docs/demo-model.md}.
 */
public final class DemoModel {
  /** The name of the input: preprocessed images, [n, 3, 32, 32]. */
  public static final String INPUT = "image";

  /** The name of the output: one unnormalized score per class, [n, 12]. */
  public static final String OUTPUT = "logits";

  /** What is subtracted from a pixel once it is scaled to [0, 1], for each channel. */
  public static final float MEAN = 0.5f;

  /** What a pixel is divided by after {@link #MEAN} is subtracted, for each channel. */
  public static final float STANDARD_DEVIATION = 0.25f;

  private static final String RESOURCE = "demo.onnx";

  private DemoModel() {}

  /**
   * Returns the ONNX file.
   *
   * @return a new array, less than 500 KB
   * @throws UncheckedIOException if the resource is missing from the class path or cannot be read
   */
  public static byte[] onnx() {
    try (InputStream in = DemoModel.class.getResourceAsStream(RESOURCE)) {
      if (in == null) {
        throw new FileNotFoundException(
            "resource '"
                + RESOURCE
                + "' is not beside "
                + DemoModel.class.getName()
                + "; rebuild octet-quantize");
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Returns the names of the classes in the order of the scores: those of {@link DemoImages}. */
  public static List<String> classNames() {
    return DemoImages.classNames();
  }

  /** How images become the model's input: p/255 less {@link #MEAN}, over the deviation. */
  public static Preprocessing preprocessing() {
    return Preprocessing.builder()
        .mean(MEAN, MEAN, MEAN)
        .std(STANDARD_DEVIATION, STANDARD_DEVIATION, STANDARD_DEVIATION)
        .build();
  }

  /**
   * Turns pixels into the numbers the network was trained on, (p / 255 - {@link #MEAN}) / {@link
   * #STANDARD_DEVIATION}, computed in float32; they lie in [-2, 2].
   *
   * @param pixels unsigned bytes in any layout, not changed
   * @return a new array in the same layout
   */
  public static float[] preprocess(byte[] pixels) {
    float[] values = new float[pixels.length];
    for (int i = 0; i < pixels.length; i++) {
      values[i] = ((pixels[i] & 0xFF) / 255f - MEAN) / STANDARD_DEVIATION;
    }
    return values;
  }
}
