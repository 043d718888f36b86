package dev.octet.torch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.graph.Model;
import dev.octet.graph.Node;
import dev.octet.quantize.data.ElementType;
import dev.octet.quantize.data.HostTensor;
import dev.octet.quantize.run.GraphRunner;
import dev.octet.quantize.run.OnnxRuntimeRunner;
import dev.octet.torch.nn.Module;
import dev.octet.torch.quant.TensorQuantizer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.bytedeco.pytorch.Tensor;

/**
 * Compares each quantized activation of a network with that of its export in ONNX Runtime, every
 * layer being fed the same integers: a quantizer's result is noted, and then exchanged for what the
 * runtime's integers stand for, which the next layers read. So errors do not add up.
 */
public final class LayerByLayer implements AutoCloseable {
  private final Map<String, HostTensor> integers = new LinkedHashMap<>();
  private final List<Module.Hook> hooks = new ArrayList<>();
  private final Map<String, Integer> farthest = new LinkedHashMap<>();
  private long values;
  private long apart;

  /** Runs an export whose activations are quantized to 8 bits in ONNX Runtime. */
  public LayerByLayer(Model export, Map<String, HostTensor> inputs) {
    this(export, inputs, observed -> OnnxRuntimeRunner.open(export, observed));
  }

  /** Runs it in what opens for the values to observe. */
  public LayerByLayer(
      Model export, Map<String, HostTensor> inputs, Function<List<String>, GraphRunner> open) {
    List<String> observed =
        export.graph().nodes().stream()
            .filter(node -> node.is("QuantizeLinear"))
            .map(node -> node.output().name())
            .toList();
    try (GraphRunner runner = open.apply(observed)) {
      runner.run(inputs, integers::put);
    }
  }

  /** The results of the QuantizeLinear nodes with a certain scale, in the order of computation. */
  public static List<String> resultsWithScale(Model export, String scale) {
    return export.graph().nodes().stream()
        .filter(node -> node.is("QuantizeLinear") && reads(node, scale))
        .map(node -> node.output().name())
        .toList();
  }

  /** The results of the QuantizeLinear nodes that a quantizer made, one for each of its calls. */
  public static List<String> resultsOf(Model export, String path) {
    String first = path + "/QuantizeLinear";
    return export.graph().nodes().stream()
        .filter(node -> node.is("QuantizeLinear"))
        .map(node -> node.output().name())
        .filter(name -> name.equals(first) || name.startsWith(first + "_"))
        // Passes move nodes; the trace numbered them.
        .sorted(Comparator.comparingInt(String::length).thenComparing(Comparator.naturalOrder()))
        .toList();
  }

  private static boolean reads(Node node, String scale) {
    return node.input(1) != null && node.input(1).name().equals(scale);
  }

  /** Watches a quantizer whose calls, one after the other, the export has under these names. */
  public void watch(TensorQuantizer quantizer, List<String> names) {
    int[] calls = new int[1];
    hooks.add(
        quantizer.afterForward(
            (module, inputs, output) -> exchanged(quantizer, names.get(calls[0]++), output)));
  }

  private Tensor exchanged(TensorQuantizer quantizer, String name, Tensor output) {
    float scale = quantizer.params().scale(0);
    int zero = quantizer.params().zeroPoint(0);
    HostTensor there = integers.get(name);
    float[] here = Tensors.toFloats(output);
    assertThat(there.elementCount()).as(name).isEqualTo(here.length);
    var bytes = there.byteBuffer();
    float[] meant = new float[here.length];
    int most = 0;
    for (int i = 0; i < here.length; i++) {
      int code = there.type() == ElementType.INT8 ? bytes.get(i) : bytes.get(i) & 0xFF;
      int distance = Math.abs(Math.round(here[i] / scale) + zero - code);
      most = Math.max(most, distance);
      apart += distance == 0 ? 0 : 1;
      meant[i] = scale * (code - zero);
    }
    values += here.length;
    farthest.put(name, most);
    return Tensors.of(meant, Tensors.shape(output));
  }

  /**
   * Asserts that every quantized activation of the export was compared, that none is more than one
   * quantum from the runtime's, and that hardly any is that: where a sum lies in the middle between
   * two integers, its last bit decides.
   */
  public void assertWithinOneQuantum() {
    assertThat(farthest.keySet()).containsExactlyInAnyOrderElementsOf(integers.keySet());
    assertThat(farthest).allSatisfy((name, most) -> assertThat(most).isLessThanOrEqualTo(1));
    assertThat((double) apart / values).as("share that is apart").isLessThan(1e-4);
  }

  @Override
  public void close() {
    hooks.forEach(Module.Hook::close);
  }
}
