package dev.octet.quantize.emit;

import dev.octet.core.affine.QuantParams;
import dev.octet.core.descriptor.Granularity;
import dev.octet.graph.DataType;
import dev.octet.graph.Graph;
import dev.octet.graph.Model;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import dev.octet.graph.pass.Rewrites;
import dev.octet.quantize.place.Placement;
import dev.octet.quantize.place.Placement.Group;
import dev.octet.quantize.place.Placement.WeightSite;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Writes a placement into its graph in Q/DQ form (ONNX QuantizeLinear and DequantizeLinear): the
 * form that every runtime reads and fuses as it can.
 *
 * <p>A quantized value {@code v} becomes {@code v -> QuantizeLinear -> DequantizeLinear} once.
 * Where a quantized node makes {@code v}, all readers take the dequantized value, so that the
 * runtime can fuse; where {@code v} exists in float anyway, only quantized readers do.
 */
public final class QdqEmitter {
  private final Graph graph;
  private final Placement placement;
  private final Map<Value, Group> groups = new HashMap<>();
  private final Map<Group, Value[]> groupConstants = new HashMap<>();
  private final Map<Tensor, Value> sharedConstants = new HashMap<>();
  private final Map<WeightKey, Value> dequantizedWeights = new HashMap<>();

  private record WeightKey(Value value, QuantParams params) {}

  private QdqEmitter(Graph graph, Placement placement) {
    this.graph = graph;
    this.placement = placement;
    for (Group group : placement.groups()) {
      group.members().forEach(member -> groups.put(member, group));
    }
  }

  /**
   * Changes {@code model}, whose operator set must be one that knows the formats, in place.
   *
   * @param placement made for this very model
   * @param activations the parameters of every group
   * @param weights the integers of every weight site
   * @param biases int32 biases where they are to be stored as integers
   */
  public static void emit(
      Model model,
      Placement placement,
      Map<Group, QuantParams> activations,
      List<QuantizedWeight> weights,
      List<QuantizedBias> biases) {
    QdqEmitter emitter = new QdqEmitter(model.graph(), placement);
    for (QuantizedBias bias : biases) {
      emitter.emitBias(bias);
    }
    for (QuantizedWeight weight : weights) {
      emitter.emitWeight(weight);
    }
    for (Group group : placement.groups()) {
      QuantParams params = activations.get(group);
      if (params == null) {
        throw new IllegalArgumentException("no parameters are given for '" + group.name() + "'");
      }
      for (Value member : group.members()) {
        emitter.emitActivation(member, group, params);
      }
    }
    Rewrites.run(model.graph(), new ClipInTwo(), new ShieldFloatLayers());
  }

  // ---- activations ----

  private void emitActivation(Value value, Group group, QuantParams params) {
    List<Value.Use> readers = placement.readers(value);
    if (readers.isEmpty()) {
      return;
    }
    Value[] constants =
        groupConstants.computeIfAbsent(
            group,
            g -> {
              DataType type = IntegerTensors.typeFor(g.descriptor().bits(), params.qmin() < 0);
              return new Value[] {
                graph.addConstant(g.name() + "_s", Tensor.ofFloats(params.scales())),
                shared("zero_point", IntegerTensors.of(type, params.zeroPoints()))
              };
            });
    Value integers = graph.addFresh(value.name() + "_q", null);
    Value real = graph.addFresh(value.name() + "_dq", value.type());
    graph.add(
        NodeSpec.of("QuantizeLinear")
            .named(value.name() + "/Q")
            .reads(value, constants[0], constants[1])
            .makes(integers));
    graph.add(
        NodeSpec.of("DequantizeLinear")
            .named(value.name() + "/DQ")
            .reads(integers, constants[0], constants[1])
            .makes(real));
    for (Value.Use use : readers) {
      use.node().graph().setInput(use.node(), use.index(), real);
    }
  }

  // ---- constants ----

  private void emitWeight(QuantizedWeight weight) {
    WeightSite site = weight.site();
    Value old = site.value();
    Value real =
        dequantizedWeights.computeIfAbsent(
            new WeightKey(old, weight.params()), key -> dequantized(old, weight));
    graph.setInput(site.node(), site.input(), real);
    removeIfUnused(old);
  }

  private Value dequantized(Value old, QuantizedWeight weight) {
    Tensor integers = weight.integers();
    QuantParams params = weight.params();
    long[] scaleShape = scaleShape(params.granularity(), integers);
    Value scale =
        graph.addConstant(old.name() + "_s", Tensor.ofFloats(params.scales(), scaleShape));
    Value real = graph.addFresh(old.name() + "_dq", null);
    NodeSpec spec =
        NodeSpec.of("DequantizeLinear")
            .named(old.name() + "/DQ")
            .reads(
                graph.addConstant(old.name() + "_q", integers),
                scale,
                zeroPoint(weight, scaleShape))
            .makes(real);
    graph.add(withGranularity(spec, weight.params().granularity()));
    Tensor original = old.constant();
    if (original == null || original.rank() == integers.rank()) {
      return real;
    }
    Value reshaped = graph.addFresh(old.name() + "_r", null);
    Value shape = shared("shape", Tensor.ofLongs(original.shape(), original.rank()));
    graph.add(NodeSpec.of("Reshape").named(old.name() + "/R").reads(real, shape).makes(reshaped));
    return reshaped;
  }

  /**
   * The zero points, or null where all are zero: leaving them out means zero. ONNX Runtime fuses
   * Gemm only when they are spelled out.
   */
  private @Nullable Value zeroPoint(QuantizedWeight weight, long[] shape) {
    int[] zeroPoints = weight.params().zeroPoints();
    boolean allZero = Arrays.stream(zeroPoints).allMatch(z -> z == 0);
    if (allZero && !weight.site().node().is("Gemm")) {
      return null;
    }
    return shared("zero_point", IntegerTensors.of(weight.integers().type(), zeroPoints, shape));
  }

  private static long[] scaleShape(Granularity granularity, Tensor integers) {
    if (granularity instanceof Granularity.PerAxis perAxis) {
      return new long[] {integers.dim(perAxis.axis())};
    }
    if (granularity instanceof Granularity.PerBlock perBlock) {
      long[] shape = integers.shape();
      int axis = perBlock.axis() < 0 ? perBlock.axis() + shape.length : perBlock.axis();
      shape[axis] = (shape[axis] + perBlock.size() - 1) / perBlock.size();
      return shape;
    }
    return new long[0];
  }

  /** One initializer for all equal tensors asked for here. */
  private Value shared(String stem, Tensor tensor) {
    return sharedConstants.computeIfAbsent(tensor, t -> graph.addConstant(stem, t));
  }

  private void emitBias(QuantizedBias bias) {
    Value old = bias.node().input(bias.input());
    if (old == null) {
      throw new IllegalStateException("node '" + bias.node().label() + "' has no bias");
    }
    Value real = graph.addFresh(old.name() + "_dq", null);
    graph.add(
        NodeSpec.of("DequantizeLinear")
            .named(old.name() + "/DQ")
            .reads(
                graph.addConstant(old.name() + "_q", bias.integers()),
                graph.addConstant(old.name() + "_s", bias.scales()))
            .makes(real)
            .with("axis", 0));
    graph.setInput(bias.node(), bias.input(), real);
    removeIfUnused(old);
  }

  private static NodeSpec withGranularity(NodeSpec spec, Granularity granularity) {
    if (granularity instanceof Granularity.PerAxis perAxis) {
      return spec.with("axis", perAxis.axis());
    }
    if (granularity instanceof Granularity.PerBlock perBlock) {
      return spec.with("axis", perBlock.axis()).with("block_size", perBlock.size());
    }
    return spec;
  }

  private void removeIfUnused(Value value) {
    if (value.uses().isEmpty() && !value.isOutput() && !value.isInput()) {
      graph.remove(value);
    }
  }
}
