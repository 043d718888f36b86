package dev.octet.workflows.pytorch.fx;

import dev.octet.core.affine.QuantParams;
import dev.octet.core.descriptor.Granularity;
import dev.octet.core.range.Range;
import dev.octet.core.recipe.Recipe;
import dev.octet.core.recipe.Target;
import dev.octet.graph.DataType;
import dev.octet.graph.Dimension;
import dev.octet.graph.Graph;
import dev.octet.graph.Model;
import dev.octet.graph.ModelException;
import dev.octet.graph.Node;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import dev.octet.graph.ValueType;
import dev.octet.graph.opset.OpsetRaise;
import dev.octet.graph.pass.RemoveIdentity;
import dev.octet.graph.pass.RemoveUnused;
import dev.octet.graph.pass.Rewrites;
import dev.octet.quantize.QuantizationSteps;
import dev.octet.quantize.adjust.InputWeightEqualization;
import dev.octet.quantize.emit.DynamicEmitter;
import dev.octet.quantize.emit.Float16Emitter;
import dev.octet.quantize.emit.QuantizedWeight;
import dev.octet.quantize.emit.WeightCoder;
import dev.octet.quantize.place.Placement;
import dev.octet.quantize.place.Placement.Group;
import dev.octet.quantize.place.Placement.WeightSite;
import dev.octet.quantize.place.Weights;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Module;
import dev.octet.workflows.pytorch.observer.ActivationPostProcess;
import dev.octet.workflows.pytorch.observer.FakeQuantizeBase;
import dev.octet.workflows.pytorch.observer.MinMaxObserver;
import dev.octet.workflows.pytorch.observer.ObserverBase;
import dev.octet.workflows.pytorch.observer.QParams;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Makes integers of a graph module: one use. */
final class Conversion {
  /** Fewer bits than these need newer types. */
  private static final int BYTE = 8;

  private static final long SMALL_TYPES_OPSET = 21;

  /** Biases as int32 beside integer weights; all else comes from the placement. */
  private static final Recipe FORM = Recipe.int8();

  private final GraphModule source;
  private final boolean allowUnobserved;
  private final Model model;
  private final Map<String, QuantParams> equalized = new LinkedHashMap<>();
  private final Map<String, QuantParams> integers = new LinkedHashMap<>();
  private final List<String> warnings = new ArrayList<>();

  /**
   * What was made.
   *
   * @param integers scale and zero point of inputs and outputs that hold integers
   */
  record Result(Model model, FxReport report, Map<String, QuantParams> integers) {}

  private Conversion(GraphModule source, boolean allowUnobserved) {
    this.source = source;
    this.allowUnobserved = allowUnobserved;
    this.model = source.folded();
  }

  static Result of(GraphModule source, boolean allowUnobserved) {
    try (Scope scope = Scope.open();
        Torch.Switched noGrad = Torch.noGrad()) {
      return new Conversion(source, allowUnobserved).run();
    }
  }

  private Result run() {
    FxPlacement placing = source.placing();
    Plan before = placing.planToConvert(model);
    checkObserved(before);
    warnings.addAll(placing.notEqualized(before));
    equalize(placing.equalized(before));
    if (before.weights().keySet().stream().anyMatch(site -> site.descriptor().bits() < BYTE)) {
      OpsetRaise.to(model, SMALL_TYPES_OPSET);
    }
    Plan plan = placing.planToConvert(model);
    Placement placement = plan.placement();
    List<WeightSite> known = new ArrayList<>();
    List<WeightSite> dynamic = new ArrayList<>();
    plan.weights().forEach((site, how) -> (how.mode() == Mode.DYNAMIC ? dynamic : known).add(site));
    Map<WeightSite, Optional<QuantParams>> weights = new LinkedHashMap<>();
    plan.weights().forEach((site, how) -> weights.put(site, weightParams(site, how)));
    List<QuantizedWeight> multiplied = new ArrayList<>();
    for (WeightSite site : dynamic) {
      multiplied.add(coded(site, weights.getOrDefault(site, Optional.empty())));
    }
    warnings.addAll(
        QuantizationSteps.quantize(
            model,
            new Placement(
                placement.groups(), known, placement.quantized(), placement.kept(), List.of()),
            FORM,
            this::activationParams,
            site -> weights.getOrDefault(site, Optional.empty())));
    if (!dynamic.isEmpty()) {
      warnings.addAll(
          DynamicEmitter.emit(model, only(dynamic, Set.of()), multiplied, Target.OCTET));
    }
    if (!plan.half().isEmpty()) {
      warnings.addAll(Float16Emitter.emit(model, only(List.of(), Set.copyOf(plan.half()))));
    }
    PrepareCustomConfig custom = placing.scopes().root().own();
    custom.inputQuantizedIndexes().forEach(this::takeIntegers);
    custom.outputQuantizedIndexes().forEach(this::giveIntegers);
    Rewrites.run(model.graph(), new RemoveIdentity(), new RemoveUnused());
    return new Result(model, new FxReport(List.copyOf(plan.chains().values()), warnings), integers);
  }

  private static Placement only(List<WeightSite> weights, Set<Node> quantized) {
    return new Placement(List.of(), weights, quantized, Map.of(), List.of());
  }

  private static QuantizedWeight coded(WeightSite site, Optional<QuantParams> params) {
    return params
        .map(known -> WeightCoder.code(site, known, 0, null))
        .orElseGet(() -> WeightCoder.code(site, 0, null));
  }

  // ---- observers ----

  private void checkObserved(Plan plan) {
    if (allowUnobserved) {
      return;
    }
    List<String> unseen = new ArrayList<>();
    for (Group group : plan.placement().groups()) {
      if (!observer(group).isObserved()) {
        unseen.add("'" + group.name() + "'");
      }
    }
    plan.weights()
        .keySet()
        .forEach(
            site -> {
              ActivationPostProcess process = FxPlacement.process(source.weightObserver(site));
              if (process != null && !process.isObserved()) {
                unseen.add("the weights of '" + site.node().label() + "'");
              }
            });
    if (!unseen.isEmpty()) {
      throw new IllegalStateException(
          "the observers of "
              + String.join(", ", unseen)
              + " have seen nothing; call the prepared module on data first, or allow it in the"
              + " ConvertCustomConfig");
    }
  }

  private ActivationPostProcess observer(Group group) {
    ActivationPostProcess process =
        FxPlacement.process(source.activationModules().get(group.name()));
    if (process == null) {
      throw new IllegalStateException("nothing observes '" + group.name() + "'");
    }
    return process;
  }

  private QuantParams activationParams(Group group) {
    QuantParams known = equalized.get(group.name());
    return known != null ? known : params(observer(group), group.name());
  }

  /** With the type's own integers: an observer's narrower ones bound its scale, not the codes. */
  private static QuantParams params(ActivationPostProcess process, String name) {
    try {
      QParams found = process.calculateQParams();
      return QuantParams.affine(
          found.scales()[0],
          (int) Math.rint(found.zeroPoints()[0]),
          found.dtype().min(),
          found.dtype().max());
    } catch (UnsupportedOperationException e) {
      throw new IllegalStateException(
          "'%s' cannot be converted: %s; use a qconfig whose observer learns a range"
              .formatted(name, e.getMessage()),
          e);
    }
  }

  private Optional<QuantParams> weightParams(WeightSite site, Plan.PlannedWeight how) {
    ActivationPostProcess trained = FxPlacement.process(source.weightObserver(site));
    QParams found;
    if (trained != null) {
      found = trained.calculateQParams();
    } else {
      try (Module observer = FxPlacement.presented(site, how.observer().create())) {
        ActivationPostProcess process = FxPlacement.process(observer);
        Tensor weight = site.value().constant();
        if (process == null || weight == null) {
          return Optional.empty();
        }
        observer.call(Tensors.of(weight));
        found = process.calculateQParams();
      }
    }
    if (found.hasFloatZeroPoints()) {
      warnings.add(
          "zero points of the table of '%s' are rounded: ONNX has integers for them only"
              .formatted(site.node().label()));
      return Optional.empty();
    }
    Granularity granularity =
        found.channelAxis() < 0
            ? Granularity.perTensor()
            : Granularity.perAxis(Weights.outputAxis(site.node()));
    int[] zeros = new int[found.count()];
    for (int i = 0; i < zeros.length; i++) {
      zeros[i] = (int) Math.rint(found.zeroPoints()[i]);
    }
    return Optional.of(
        QuantParams.affine(found.scales(), zeros, granularity, found.qmin(), found.qmax()));
  }

  // ---- equalization ----

  private void equalize(Map<Group, Node> layers) {
    Map<Group, double[]> factors = new LinkedHashMap<>();
    Map<Group, EqualizingObserver> seen = new LinkedHashMap<>();
    layers.forEach(
        (group, layer) -> {
          if (source.activationModules().get(group.name()) instanceof EqualizingObserver observer
              && observer.isObserved()) {
            factors.put(group, InputWeightEqualization.factors(layer, observer.ranges()));
            seen.put(group, observer);
          }
        });
    factors.forEach(
        (group, each) -> {
          Node layer = layers.get(group);
          EqualizingObserver observer = seen.get(group);
          if (layer == null || observer == null) {
            throw new IllegalStateException("nothing reads '" + group.name() + "'");
          }
          InputWeightEqualization.apply(layer, each);
          Value input = layer.input(0);
          if (input != null) {
            equalized.put(input.name(), scaled(observer, each));
          }
        });
  }

  /** Scale and zero point for the extremes of the scaled channels, by the observer's own rule. */
  private static QuantParams scaled(EqualizingObserver observer, double[] factors) {
    float low = Float.POSITIVE_INFINITY;
    float high = Float.NEGATIVE_INFINITY;
    List<Range> ranges = observer.ranges();
    for (int i = 0; i < factors.length; i++) {
      low = Math.min(low, (float) (ranges.get(i).min() * factors[i]));
      high = Math.max(high, (float) (ranges.get(i).max() * factors[i]));
    }
    ActivationPostProcess whole = observer.whole();
    ObserverBase own =
        whole instanceof FakeQuantizeBase fake ? fake.observer() : (ObserverBase) whole;
    try (MinMaxObserver extremes = new MinMaxObserver(own.observerSettings())) {
      extremes.call(Tensors.of(new float[] {low, high}, 2));
      return params(extremes, "an equalized input");
    }
  }

  // ---- integers at the ends ----

  private void takeIntegers(int index) {
    Graph graph = model.graph();
    List<Value> inputs =
        graph.inputs().stream().filter(value -> value.initializer() == null).toList();
    Value input = end(inputs, index, "input");
    List<Node> readers = input.consumers();
    Node quantize = readers.size() == 1 ? readers.get(0) : null;
    if (quantize == null || !quantize.is("QuantizeLinear")) {
      throw new IllegalArgumentException(
          "input '%s' cannot be taken as integers: %s"
              .formatted(
                  input.name(),
                  readers.isEmpty()
                      ? "nothing reads it"
                      : "it is read as float by " + readers.stream().map(Node::label).toList()));
    }
    DataType type = describe(input.name(), quantize);
    Value codes = quantize.output();
    graph.replaceUses(codes, input);
    graph.remove(quantize);
    graph.setType(input, new ValueType.TensorType(type, shape(input)));
  }

  private void giveIntegers(int index) {
    Graph graph = model.graph();
    Value output = end(graph.outputs(), index, "output");
    Node border = output.producer();
    Value real = border == null ? null : border.input(0);
    Node dequantize = real == null ? null : real.producer();
    Value codes =
        dequantize != null && dequantize.is("DequantizeLinear") ? dequantize.input(0) : null;
    Node quantize = codes == null ? null : codes.producer();
    if (border == null || codes == null || quantize == null || !Operators.isBorder(border)) {
      throw new IllegalArgumentException(
          "output '"
              + output.name()
              + "' cannot be given as integers: what makes it is not quantized; see the report");
    }
    DataType type = describe(output.name(), quantize);
    List<Dimension> shape = shape(output);
    graph.exchange(border, NodeSpec.of("Identity").named(border.name()).reads(codes).makes(output));
    graph.setType(output, new ValueType.TensorType(type, shape));
  }

  private static Value end(List<Value> ends, int index, String role) {
    if (index >= ends.size()) {
      throw new IllegalArgumentException(
          "there is no %s %d to be quantized; the model has %d"
              .formatted(role, index, ends.size()));
    }
    return ends.get(index);
  }

  private DataType describe(String name, Node quantize) {
    Tensor scale = constant(quantize.input(1));
    Tensor zero = constant(quantize.input(2));
    boolean signed = zero.type() == DataType.INT8;
    integers.put(
        name,
        QuantParams.affine(
            scale.toFloats()[0],
            Math.toIntExact(zero.toLongs()[0]),
            signed ? -128 : 0,
            signed ? 127 : 255));
    return zero.type();
  }

  private static Tensor constant(@Nullable Value value) {
    Tensor tensor = value == null ? null : value.constant();
    if (tensor == null) {
      throw new ModelException("a scale or zero point is not constant");
    }
    return tensor;
  }

  private static @Nullable List<Dimension> shape(Value value) {
    return value.type() instanceof ValueType.TensorType type ? type.shape() : null;
  }
}
