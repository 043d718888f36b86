package dev.octet.quantize.emit;

import dev.octet.core.format.Float16;
import dev.octet.graph.DataType;
import dev.octet.graph.Graph;
import dev.octet.graph.Model;
import dev.octet.graph.Node;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import dev.octet.quantize.place.Placement;
import dev.octet.quantize.place.Weights;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * Stores constants as IEEE 754 binary16 behind a Cast to float32: half the bytes, and the model
 * computes in float32 as before. Runtimes carry out the Cast once, when they load the model.
 */
public final class Float16Emitter {
  private Float16Emitter() {}

  /**
   * Changes {@code model} in place.
   *
   * @param placement made for this very model; its {@code quantized} nodes read 16-bit constants
   * @return one sentence for each constant that stays float32 although a chosen node reads it, or
   *     of which values became zero
   */
  public static List<String> emit(Model model, Placement placement) {
    Graph graph = model.graph();
    List<String> warnings = new ArrayList<>();
    for (Value value : List.copyOf(graph.values())) {
      List<Node> readers = value.consumers();
      if (readers.stream().noneMatch(placement.quantized()::contains)
          || !Weights.isLargeFloat(value)) {
        continue;
      }
      if (!Weights.fitFloat16(value)) {
        warnings.add(
            "constant '%s' stays float32: a value passes 65504, the largest 16-bit float"
                .formatted(value.name()));
        continue;
      }
      readers.stream()
          .filter(placement.kept()::containsKey)
          .findFirst()
          .ifPresentOrElse(
              node ->
                  warnings.add(
                      "constant '%s' stays float32: node '%s', which reads it too, is kept in float"
                          .formatted(value.name(), node.label())),
              () -> store(graph, value, warnings));
    }
    return warnings;
  }

  /** The bytes that {@link #emit} saves on the constants of {@code node}. */
  public static long savedBytes(Node node) {
    return node.inputs().stream()
        .filter(Objects::nonNull)
        .filter(Weights::fitFloat16)
        .mapToLong(value -> Objects.requireNonNull(value.constant()).sizeBytes() / 2)
        .sum();
  }

  private static void store(Graph graph, Value value, List<String> warnings) {
    Tensor exact = Objects.requireNonNull(value.constant());
    float[] numbers = exact.toFloats();
    ByteBuffer halves =
        ByteBuffer.allocate(Math.multiplyExact(2, numbers.length)).order(ByteOrder.LITTLE_ENDIAN);
    long vanished = 0;
    for (float number : numbers) {
      short half = Float16.encode(number);
      halves.putShort(half);
      vanished += number != 0 && Float16.decode(half) == 0 ? 1 : 0;
    }
    if (vanished > 0) {
      warnings.add(
          "%d of %d values of constant '%s' are too small for 16-bit floats and became zero"
              .formatted(vanished, numbers.length, value.name()));
    }
    Tensor stored = Tensor.wrap(DataType.FLOAT16, exact.shape(), halves.flip());
    Value real = graph.addFresh(value.name() + "_f", value.type());
    graph.replaceUses(value, real);
    graph.add(
        NodeSpec.of("Cast")
            .named(value.name() + "/Cast")
            .reads(graph.addConstant(value.name() + "_h", stored))
            .makes(real)
            .with("to", DataType.FLOAT.code()));
    Leftovers.remove(graph, List.of(value));
  }
}
