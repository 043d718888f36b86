package dev.octet.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.engine.reference.Closeness;
import dev.octet.engine.reference.OrtReference;
import dev.octet.graph.Dimension;
import dev.octet.graph.Model;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import dev.octet.graph.onnx.OnnxReader;
import dev.octet.testing.SharedFolder;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** A real model with two LSTMs whose states come in and go out. */
class DtlnTest {
  @Test
  void computesWhatOnnxRuntimeDoes() {
    Model model = OnnxReader.read(SharedFolder.require("models/dtln-1.onnx"));
    Map<String, Tensor> inputs = new HashMap<>();
    Random random = new Random(3);
    for (Value input : model.graph().inputs()) {
      List<Dimension> dims = Objects.requireNonNull(input.shape());
      long[] shape =
          dims.stream().mapToLong(d -> d instanceof Dimension.Fixed f ? f.size() : 1).toArray();
      int count = 1;
      for (long size : shape) {
        count *= (int) size;
      }
      float[] values = new float[count];
      for (int i = 0; i < count; i++) {
        values[i] = random.nextFloat();
      }
      inputs.put(input.name(), Tensor.ofFloats(values, shape));
    }
    Map<String, Tensor> wanted = OrtReference.outputs(model, inputs);
    try (Engine engine = Engine.load(model, EngineOptions.defaults().withThreads(1))) {
      Map<String, Tensor> made = engine.run(inputs);
      assertThat(made.keySet()).isEqualTo(wanted.keySet());
      wanted.forEach(
          (name, tensor) ->
              Closeness.check(name, Objects.requireNonNull(made.get(name)), tensor, 1e-4));
    }
  }
}
