package dev.octet.quantize.demo;

import static org.assertj.core.api.Assertions.assertThat;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.junit.jupiter.api.Test;

class DemoModelTest {
  /** Top-1 of the float model on the first 2000 evaluation images, from docs/demo-model.md. */
  private static final double DOCUMENTED_ACCURACY = 0.949;

  @Test
  void isSmallEnoughForTheRepository() {
    assertThat(DemoModel.onnx()).hasSizeBetween(100_000, 500_000 - 1);
  }

  @Test
  void stillHasTheLayersThatMakeQuantizationInteresting() {
    String bytes = new String(DemoModel.onnx(), StandardCharsets.ISO_8859_1);
    assertThat(bytes)
        .contains("BatchNormalization", "Relu", "Clip", "GlobalAveragePool", "Gemm")
        .contains("stem.conv/Conv", "block1.add/Add", "block2.depthwise.conv/Conv");
  }

  @Test
  void takesImagesAndGivesOneScorePerClassForAnyBatchSize() throws OrtException {
    try (OrtSession session = open()) {
      TensorInfo input = (TensorInfo) session.getInputInfo().get(DemoModel.INPUT).getInfo();
      TensorInfo output = (TensorInfo) session.getOutputInfo().get(DemoModel.OUTPUT).getInfo();
      assertThat(session.getNumInputs()).isEqualTo(1);
      assertThat(session.getNumOutputs()).isEqualTo(1);
      assertThat(input.getShape()).containsExactly(-1, 3, 32, 32);
      assertThat(output.getShape()).containsExactly(-1, DemoImages.CLASSES);
    }
  }

  @Test
  void isAsAccurateAsDocumentedOnImagesItHasNotSeen() throws OrtException {
    int count = 500;
    DemoImages images = new DemoImages(DemoImages.EVALUATION_SEED);
    FloatBuffer pixels = FloatBuffer.allocate(count * 3 * 32 * 32);
    for (int i = 0; i < count; i++) {
      pixels.put(DemoModel.preprocess(images.image(i)));
    }
    float[][] logits = run(pixels.flip(), count);
    int hits = 0;
    for (int i = 0; i < count; i++) {
      hits += indexOfLargest(logits[i]) == images.label(i) ? 1 : 0;
    }
    assertThat(hits / (double) count).isGreaterThanOrEqualTo(DOCUMENTED_ACCURACY - 0.02);
  }

  @Test
  void preprocessingCentresThePixels() {
    byte[] pixels = {0, (byte) 51, (byte) 255};
    assertThat(DemoModel.preprocess(pixels)).containsExactly(-2f, (0.2f - 0.5f) / 0.25f, 2f);
  }

  private static float[][] run(FloatBuffer pixels, int count) throws OrtException {
    try (OrtSession session = open();
        OnnxTensor input =
            OnnxTensor.createTensor(
                OrtEnvironment.getEnvironment(), pixels, new long[] {count, 3, 32, 32});
        OrtSession.Result result = session.run(Map.of(DemoModel.INPUT, input))) {
      return (float[][]) result.get(0).getValue();
    }
  }

  private static OrtSession open() throws OrtException {
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setIntraOpNumThreads(1);
      return OrtEnvironment.getEnvironment().createSession(DemoModel.onnx(), options);
    }
  }

  private static int indexOfLargest(float[] values) {
    int best = 0;
    for (int i = 1; i < values.length; i++) {
      if (values[i] > values[best]) {
        best = i;
      }
    }
    return best;
  }
}
