package dev.octet.workflows.pytorch.fx;

import dev.octet.core.descriptor.Granularity;
import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.graph.Graph;
import dev.octet.graph.Node;
import dev.octet.graph.Value;
import dev.octet.quantize.place.Placement;
import dev.octet.quantize.place.Placement.Group;
import dev.octet.quantize.place.Placement.WeightSite;
import dev.octet.quantize.place.Weights;
import dev.octet.workflows.pytorch.QConfig;
import dev.octet.workflows.pytorch.observer.ActivationPostProcess;
import dev.octet.workflows.pytorch.observer.FakeQuantizeBase;
import dev.octet.workflows.pytorch.observer.FixedQParamsObserver;
import dev.octet.workflows.pytorch.observer.ObserverBase;
import dev.octet.workflows.pytorch.observer.ObserverFactory;
import dev.octet.workflows.pytorch.observer.QScheme;
import dev.octet.workflows.pytorch.observer.QuantDtype;
import dev.octet.workflows.pytorch.observer.ReuseInputObserver;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * From qconfigs and a backend to a placement: which chains of operators are computed on integers,
 * which values share an observer, and what observes them.
 *
 * <p>As PyTorch's {@code prepare_fx} decides, with one exception: an operator that only keeps its
 * input's parameters stays float where its input is, instead of having that input rounded for its
 * own sake.
 */
final class Planner {
  /** Values that share an observer, while they are being found. */
  private static final class Shared {
    final List<Value> members = new ArrayList<>();
    final ObserverFactory observer;
    final QuantDtype dtype;
    final boolean dynamic;

    Shared(ObserverFactory observer, QuantDtype dtype, boolean dynamic) {
      this.observer = observer;
      this.dtype = dtype;
      this.dynamic = dynamic;
    }
  }

  private final Graph graph;
  private final Scopes scopes;
  private final Probes probes;
  private final boolean training;
  private final List<Op> ops;
  private final Scopes.Crossings crossings;
  private final Map<Op, QConfig> qconfigs = new HashMap<>();

  private final Map<Value, Shared> shared = new LinkedHashMap<>();
  private final Set<Node> quantized = new LinkedHashSet<>();
  private final Map<Node, String> kept = new LinkedHashMap<>();
  private final Map<WeightSite, Plan.PlannedWeight> weights = new LinkedHashMap<>();
  private final List<Node> half = new ArrayList<>();
  private final Map<Value.Use, String> borders = new LinkedHashMap<>();
  private final Map<Chain, PreparedOp> decided = new LinkedHashMap<>();

  private Planner(Graph graph, Scopes scopes, ModuleTypes types, Probes probes, boolean training) {
    this.graph = graph;
    this.scopes = scopes;
    this.probes = probes;
    this.training = training;
    this.ops = Operators.of(graph, types);
    this.crossings = scopes.new Crossings(ops);
  }

  /**
   * Decides for every operator.
   *
   * @param training whether what is rounded by the range of each call is observed as well
   * @throws IllegalArgumentException if operators of a chain have different qconfigs for their
   *     types, or a name in the custom configuration leads nowhere
   */
  static Plan plan(Graph graph, Scopes scopes, ModuleTypes types, boolean training) {
    try (Probes probes = new Probes()) {
      return new Planner(graph, scopes, types, probes, training).plan();
    }
  }

  private Plan plan() {
    scopes.check(ops);
    findQConfigs();
    for (Chain chain : Matcher.match(ops, scopes::of, op -> scopes.reasonForFloat(op) != null)) {
      decide(chain);
    }
    List<Value> rounded = new ArrayList<>();
    for (Value output : graph.outputs()) {
      if (shared.containsKey(output)) {
        rounded.add(output);
      }
    }
    Map<Group, ObserverFactory> observers = new LinkedHashMap<>();
    List<Group> dynamic = new ArrayList<>();
    for (Shared one : new LinkedHashSet<>(shared.values())) {
      Group group = new Group(descriptor(one), one.members, one.members);
      observers.put(group, one.observer);
      if (one.dynamic) {
        dynamic.add(group);
      }
    }
    Placement placement =
        new Placement(
            List.copyOf(observers.keySet()),
            List.copyOf(weights.keySet()),
            quantized,
            kept,
            List.of());
    return new Plan(placement, observers, weights, dynamic, half, borders, rounded, decided);
  }

  private static QuantDescriptor descriptor(Shared one) {
    return QuantDescriptor.builder()
        .name(one.members.get(0).name())
        .bits(one.dtype.bits())
        .signed(one.dtype.isSigned())
        .symmetric(false)
        .build();
  }

  // ---- qconfigs ----

  private void findQConfigs() {
    Map<String, Integer> calls = new HashMap<>();
    for (Op op : ops) {
      Scopes.Scope scope = scopes.of(op);
      String path = scope.relative(op.module());
      String around = op.layer() ? ModuleTypes.parent(path) : path;
      int index = calls.merge(scope.path() + " " + around + " " + op.kind(), 1, Integer::sum) - 1;
      QConfig qconfig = scope.mapping().resolve(path, name(op, scope), around, index);
      if (qconfig != null) {
        qconfigs.put(op, qconfig);
      }
    }
  }

  /** Of an operator's names the one that a rule is about. */
  private static String name(Op op, Scopes.Scope scope) {
    QConfig otherwise = scope.mapping().globalQConfig();
    for (String name : OperatorKinds.names(op.kind())) {
      if (!Objects.equals(scope.mapping().forObjectType(name), otherwise)) {
        return name;
      }
    }
    return op.kind();
  }

  /**
   * PyTorch asks that all types in a fused module have one qconfig. Sums are no modules, and a
   * transposed convolution with its normalization is one plain layer.
   */
  private void checkTypes(Chain chain) {
    String root = chain.root().kind();
    if (chain.ops().size() == 1 || isSum(root) || root.startsWith("ConvTranspose")) {
      return;
    }
    Scopes.Scope scope = scopes.of(chain.root());
    QConfig first = ofType(chain.root(), scope);
    if (first == null) {
      return;
    }
    for (Op op : chain.ops()) {
      QConfig own = ofType(op, scope);
      if (!isSum(op.kind()) && !Objects.equals(own, first) && !isFixed(own)) {
        throw new IllegalArgumentException(
            "%s '%s' is fused, but its types %s have different qconfigs; give all of them the same"
                .formatted(
                    chain.kind(),
                    chain.root().label(),
                    chain.ops().stream().map(Op::kind).toList()));
      }
    }
  }

  private static boolean isSum(String kind) {
    return kind.equals("add") || kind.equals("mul");
  }

  private static @Nullable QConfig ofType(Op op, Scopes.Scope scope) {
    return scope.mapping().forObjectType(name(op, scope));
  }

  /** Whether a qconfig is for one function standing alone, whose range is known. */
  private boolean isFixed(@Nullable QConfig qconfig) {
    ActivationPostProcess process = qconfig == null ? null : probes.of(qconfig.activation());
    ObserverBase observer =
        process instanceof FakeQuantizeBase fake
            ? fake.observer()
            : process instanceof ObserverBase own ? own : null;
    return observer instanceof FixedQParamsObserver;
  }

  // ---- chains ----

  private void decide(Chain chain) {
    String reason = scopes.reasonForFloat(chain.root());
    BackendPatternConfig config = chain.config();
    QConfig qconfig = qconfigs.get(chain.root());
    if (reason == null && config == null) {
      reason =
          "backend '%s' has no pattern for %s"
              .formatted(scopes.of(chain.root()).backend().name(), chain.root().kind());
    }
    if (reason != null || config == null) {
      keep(chain, String.valueOf(reason));
      return;
    }
    checkTypes(chain);
    if (qconfig == null) {
      keep(chain, "no qconfig is set for it");
      return;
    }
    if (chain.observationType() == ObservationType.INPUT_OUTPUT_NOT_OBSERVED) {
      keep(chain, "the backend does not observe it");
      return;
    }
    if (chain.inputs().isEmpty() && chain.weights().isEmpty()) {
      keep(chain, "it reads no float activations");
      return;
    }
    ActivationPostProcess activation = probes.of(qconfig.activation());
    if (activation instanceof ReuseInputObserver) {
      reason = shareInput(chain, null);
      finish(chain, Mode.STATIC, reason);
      return;
    }
    List<String> refusals = new ArrayList<>();
    for (DTypeConfig types : config.dtypeConfigs()) {
      String refusal = refusal(chain, types, activation, probes.of(qconfig.weight()));
      if (refusal == null) {
        apply(chain, types, qconfig);
        return;
      }
      refusals.add(types + ": " + refusal);
    }
    keep(
        chain,
        "the backend computes %s in none of the qconfig's types (%s)"
            .formatted(chain.kind(), String.join("; ", refusals)));
  }

  private static boolean isWeighted(Chain chain) {
    return chain.ops().stream().anyMatch(Planner::isWeighted);
  }

  private static boolean isWeighted(Op op) {
    String kind = op.kind();
    return kind.startsWith("Conv")
        || kind.equals("Linear")
        || kind.startsWith("Embedding")
        || kind.startsWith("LSTM")
        || kind.startsWith("GRU")
        || kind.startsWith("RNN");
  }

  private static @Nullable String refusal(
      Chain chain,
      DTypeConfig types,
      @Nullable ActivationPostProcess activation,
      @Nullable ActivationPostProcess weight) {
    if (activation instanceof ObserverBase observer
        && observer.observerSettings().qscheme() == QScheme.PER_TOKEN_AFFINE) {
      return "ONNX has no operator that rounds each token by its own range";
    }
    if (Probes.isDynamic(activation) != types.dynamic()) {
      return types.dynamic() ? "activations are not dynamic" : "activations are dynamic";
    }
    if (activation == null && types.input().dtype() != QuantDtype.FLOAT32) {
      return "activations are not observed";
    }
    String unfit = activation == null ? null : types.input().refusal(activation);
    if (unfit != null) {
      return "of activations " + unfit;
    }
    DTypeWithConstraints wanted = types.weight();
    if (!isWeighted(chain) || wanted == null) {
      return isWeighted(chain) ? "it has weights" : null;
    }
    if (chain.ops().stream().anyMatch(op -> isWeighted(op) && op.weights().isEmpty())) {
      return "its weights are not constant floats";
    }
    if (weight == null) {
      return "weights are not observed";
    }
    String reason = wanted.refusal(weight);
    return reason == null ? null : "of weights " + reason;
  }

  private void apply(Chain chain, DTypeConfig types, QConfig qconfig) {
    if (types.input().dtype() == QuantDtype.FLOAT16) {
      half.addAll(chain.root().nodes());
      finish(chain, Mode.FLOAT16, null);
    } else if (types.dynamic()) {
      if (training) {
        for (Value.Use use : chain.inputs()) {
          observe(Op.read(use), qconfig.activation(), types.input().dtype(), true);
        }
        quantized.addAll(chain.root().nodes());
      }
      addWeights(chain, qconfig, Mode.DYNAMIC);
      finish(chain, Mode.DYNAMIC, null);
    } else if (types.input().dtype() == QuantDtype.FLOAT32) {
      addWeights(chain, qconfig, Mode.WEIGHT_ONLY);
      finish(chain, Mode.WEIGHT_ONLY, null);
    } else {
      String reason =
          chain.observationType() == ObservationType.OUTPUT_SHARE_OBSERVER_WITH_INPUT
              ? shareInput(chain, types.input().dtype())
              : observe(chain, types, qconfig);
      if (reason == null) {
        addWeights(chain, qconfig, Mode.STATIC);
      }
      finish(chain, Mode.STATIC, reason);
    }
  }

  /** Observers at inputs, where there are none of the type yet, and at the output. */
  private @Nullable String observe(Chain chain, DTypeConfig types, QConfig qconfig) {
    QuantDtype dtype = types.input().dtype();
    boolean fixed = types.input().scaleExactMatch() != null;
    for (Value.Use use : chain.inputs()) {
      Value value = Op.read(use);
      Shared there = shared.get(value);
      if (crossings.separates(value, chain.root())) {
        borders.put(use, value.name() + " " + scopes.of(chain.root()).path());
      } else if (there != null && there.dtype != dtype) {
        borders.put(use, value.name() + " " + dtype);
      } else if (there == null && !fixed) {
        // Fixed parameters are those of the output; the input has another range.
        observe(value, qconfig.activation(), dtype, false);
      }
    }
    for (Value output : chain.outputs()) {
      if (isRounded(output)) {
        observe(output, qconfig.activation(), dtype, false);
      }
    }
    return null;
  }

  private void observe(Value value, ObserverFactory observer, QuantDtype dtype, boolean dynamic) {
    if (!shared.containsKey(value)) {
      Shared one = new Shared(observer, dtype, dynamic);
      one.members.add(value);
      shared.put(value, one);
    }
  }

  /** Whether an output is rounded, although nobody but the caller reads it. */
  private boolean isRounded(Value output) {
    if (!output.isOutput() || !output.uses().isEmpty()) {
      return true;
    }
    Scopes.Scope root = scopes.root();
    return root.backend().quantizedOutputs()
        || root.own().outputQuantizedIndexes().contains(graph.outputs().indexOf(output));
  }

  /**
   * Makes the output share the input's observer; of several inputs the first one's.
   *
   * @param dtype the type that the input is to have, or null for any
   * @return why that cannot be, or null
   */
  private @Nullable String shareInput(Chain chain, @Nullable QuantDtype dtype) {
    List<Value> inputs = new ArrayList<>();
    for (Value.Use use : chain.inputs()) {
      Value value = Op.read(use);
      if (crossings.separates(value, chain.root())) {
        return "its input crosses the border of a standalone module as float";
      }
      inputs.add(value);
    }
    Shared first =
        inputs.stream().map(shared::get).filter(Objects::nonNull).findFirst().orElse(null);
    if (first == null) {
      return "its input is not quantized";
    }
    for (Value input : inputs) {
      Shared there = shared.get(input);
      QuantDtype type = there == null ? first.dtype : there.dtype;
      if (type != first.dtype || (dtype != null && type != dtype)) {
        return "its input is " + type + ", not " + (dtype == null ? first.dtype : dtype);
      }
    }
    inputs.addAll(chain.outputs());
    for (Value value : inputs) {
      Shared there = shared.get(value);
      if (there == first) {
        continue;
      }
      List<Value> joined = there == null ? List.of(value) : there.members;
      for (Value member : List.copyOf(joined)) {
        first.members.add(member);
        shared.put(member, first);
      }
    }
    return null;
  }

  private void addWeights(Chain chain, QConfig qconfig, Mode mode) {
    ObserverFactory observer = qconfig.weight();
    ActivationPostProcess probe = probes.of(observer);
    if (observer == null || probe == null || !isWeighted(chain)) {
      return;
    }
    for (Value.Use use : chain.weights()) {
      WeightSite site =
          new WeightSite(use.node(), use.index(), weightDescriptor(use.node(), probe));
      weights.put(site, new Plan.PlannedWeight(observer, mode));
    }
  }

  private static QuantDescriptor weightDescriptor(Node node, ActivationPostProcess probe) {
    ObserverBase observer =
        probe instanceof FakeQuantizeBase fake ? fake.observer() : (ObserverBase) probe;
    int axis = Weights.outputAxis(node);
    boolean perChannel = observer.observerSettings().qscheme().isPerChannel();
    return QuantDescriptor.builder()
        .bits(probe.dtype().bits())
        .signed(probe.dtype().isSigned())
        .symmetric(observer.observerSettings().qscheme().isSymmetric() && probe.dtype().isSigned())
        .granularity(perChannel ? Granularity.perAxis(axis) : Granularity.perTensor())
        .build();
  }

  private void finish(Chain chain, Mode mode, @Nullable String reason) {
    if (reason != null) {
      keep(chain, reason);
      return;
    }
    if (mode == Mode.STATIC) {
      quantized.addAll(chain.nodes());
    }
    decided.put(chain, prepared(chain, mode, ""));
  }

  private void keep(Chain chain, String reason) {
    chain.nodes().forEach(node -> kept.put(node, reason));
    decided.put(chain, prepared(chain, Mode.FLOAT, reason));
  }

  private static PreparedOp prepared(Chain chain, Mode mode, String reason) {
    Op root = chain.root();
    return new PreparedOp(root.label(), chain.kind(), root.module(), mode, reason);
  }
}
