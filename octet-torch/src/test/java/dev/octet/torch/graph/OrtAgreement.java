package dev.octet.torch.graph;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.graph.Dimension;
import dev.octet.graph.Model;
import dev.octet.graph.Value;
import dev.octet.graph.ValueType;
import dev.octet.quantize.data.HostTensor;
import dev.octet.quantize.run.OnnxRuntimeRunner;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.bytedeco.pytorch.Tensor;

/** Runs a model as a TorchGraph and in ONNX Runtime. */
final class OrtAgreement {
  private OrtAgreement() {}

  /** Asserts equal shapes and values within {@code tolerance} of the largest magnitude. */
  static void assertAgrees(Model model, Map<String, HostTensor> inputs, double tolerance) {
    Map<String, HostTensor> expected = ort(model, inputs);
    try (TorchGraph net = TorchGraph.of(model);
        Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      net.eval();
      Map<String, Tensor> actual = net.run(tensors(inputs));
      assertThat(actual.keySet()).containsExactlyElementsOf(expected.keySet());
      expected.forEach((name, want) -> assertClose(name, want, actual.get(name), tolerance));
    }
  }

  static void assertClose(String name, HostTensor want, Tensor got, double tolerance) {
    assertThat(Tensors.shape(got))
        .as("shape of " + name)
        .isEqualTo(Arrays.stream(want.shape()).asLongStream().toArray());
    float[] expected = floats(want);
    float[] actual = Tensors.toFloats(got);
    double largest = 1e-6;
    for (float value : expected) {
      largest = Float.isFinite(value) ? Math.max(largest, Math.abs(value)) : largest;
    }
    for (int i = 0; i < expected.length; i++) {
      if (Float.compare(expected[i], actual[i]) != 0) {
        assertThat(Math.abs((double) expected[i] - actual[i]) / largest)
            .as("%s at %d: %s, not %s", name, i, actual[i], expected[i])
            .isLessThanOrEqualTo(tolerance);
      }
    }
  }

  static Map<String, HostTensor> ort(Model model, Map<String, HostTensor> inputs) {
    Map<String, HostTensor> outputs = new LinkedHashMap<>();
    try (OnnxRuntimeRunner runner = OnnxRuntimeRunner.open(model)) {
      runner.run(inputs, outputs::put);
    }
    return outputs;
  }

  /** Inputs drawn from a fixed seed; open dimensions become {@code open}. */
  static Map<String, HostTensor> inputs(Model model, int open) {
    Random random = new Random(3);
    Map<String, HostTensor> inputs = new LinkedHashMap<>();
    for (Value value : model.graph().inputs()) {
      if (value.initializer() == null && value.type() instanceof ValueType.TensorType type) {
        List<Dimension> declared = type.shape();
        int[] shape =
            declared.stream()
                .mapToInt(d -> d instanceof Dimension.Fixed fixed ? (int) fixed.size() : open)
                .toArray();
        int count = Arrays.stream(shape).reduce(1, (a, b) -> a * b);
        if (type.elementType() == dev.octet.graph.DataType.INT64) {
          inputs.put(value.name(), HostTensor.ofLongs(shape, random.longs(count, 0, 2).toArray()));
        } else {
          float[] values = new float[count];
          for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextGaussian();
          }
          inputs.put(value.name(), HostTensor.ofFloats(shape, values));
        }
      }
    }
    return inputs;
  }

  static Map<String, Tensor> tensors(Map<String, HostTensor> inputs) {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    inputs.forEach((name, host) -> tensors.put(name, tensor(host)));
    return tensors;
  }

  static Tensor tensor(HostTensor host) {
    long[] shape = Arrays.stream(host.shape()).asLongStream().toArray();
    return switch (host.type()) {
      case FLOAT32 -> Tensors.of(host.floats(), shape);
      case INT64 -> Tensors.of(host.longs(), shape);
      default -> throw new IllegalArgumentException("no test needs " + host.type());
    };
  }

  private static float[] floats(HostTensor host) {
    return switch (host.type()) {
      case FLOAT32 -> host.floats();
      case INT64 -> {
        long[] longs = host.longs();
        float[] floats = new float[longs.length];
        for (int i = 0; i < floats.length; i++) {
          floats[i] = longs[i];
        }
        yield floats;
      }
      default -> {
        var bytes = host.byteBuffer();
        float[] floats = new float[Math.toIntExact(host.elementCount())];
        for (int i = 0; i < floats.length; i++) {
          byte b = bytes.get();
          floats[i] = host.type() == dev.octet.quantize.data.ElementType.INT8 ? b : b & 0xFF;
        }
        yield floats;
      }
    };
  }
}
