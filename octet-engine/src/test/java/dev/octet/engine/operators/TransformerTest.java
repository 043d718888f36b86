package dev.octet.engine.operators;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.engine.Engine;
import dev.octet.engine.EngineOptions;
import dev.octet.engine.reference.Closeness;
import dev.octet.engine.reference.OrtReference;
import dev.octet.graph.Model;
import dev.octet.graph.Tensor;
import dev.octet.graph.onnx.OnnxReader;
import dev.octet.testing.SharedFolder;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** A real transformer gives what ONNX Runtime gives, and is fused as one would by hand. */
class TransformerTest {
  private static final int LENGTH = 64;

  @Test
  void classifiesSentencesAsOnnxRuntimeDoes() {
    Model model = OnnxReader.read(SharedFolder.require("models/sst2-transformer.onnx"));
    Random random = new Random(3);
    try (Engine engine = Engine.load(model, EngineOptions.defaults().withThreads(1))) {
      for (int batch = 1; batch <= 3; batch++) {
        Map<String, Tensor> feeds = sentences(random, batch);
        Map<String, Tensor> wanted = OrtReference.outputs(model, feeds);
        Map<String, Tensor> made = engine.run(feeds);
        wanted.forEach((name, tensor) -> Closeness.check(name, made.get(name), tensor, 1e-5));
      }
      String plan =
          engine
              .explain(
                  Map.of(
                      "input_ids",
                      new long[] {1, LENGTH},
                      "attention_mask",
                      new long[] {1, LENGTH}))
              .toString();
      assertThat(plan).contains("matmul+gelu_erf", "matmul+linear+add", "matmul+add");
      assertThat(plan).doesNotContain("Erf", "reorder");
    }
  }

  private static Map<String, Tensor> sentences(Random random, int batch) {
    long[] words = random.longs((long) batch * LENGTH, 0, 5000).toArray();
    long[] mask = new long[words.length];
    for (int row = 0; row < batch; row++) {
      int length = 1 + random.nextInt(LENGTH);
      for (int i = 0; i < length; i++) {
        mask[row * LENGTH + i] = 1;
      }
    }
    return Map.of(
        "input_ids",
        Tensor.ofLongs(words, batch, LENGTH),
        "attention_mask",
        Tensor.ofLongs(mask, batch, LENGTH));
  }
}
