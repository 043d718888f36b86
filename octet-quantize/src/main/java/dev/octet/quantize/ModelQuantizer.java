package dev.octet.quantize;

import dev.octet.core.affine.QuantParams;
import dev.octet.core.range.Range;
import dev.octet.core.range.RangeCollector;
import dev.octet.core.recipe.Format;
import dev.octet.core.recipe.Mode;
import dev.octet.core.recipe.Recipe;
import dev.octet.graph.Graph;
import dev.octet.graph.Model;
import dev.octet.graph.ModelException;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import dev.octet.quantize.adjust.BiasCorrection;
import dev.octet.quantize.calibrate.Calibration;
import dev.octet.quantize.calibrate.ChannelMeans;
import dev.octet.quantize.emit.DynamicEmitter;
import dev.octet.quantize.emit.Float16Emitter;
import dev.octet.quantize.emit.QOperatorEmitter;
import dev.octet.quantize.emit.QdqEmitter;
import dev.octet.quantize.emit.QuantizedBias;
import dev.octet.quantize.emit.QuantizedWeight;
import dev.octet.quantize.emit.WeightCoder;
import dev.octet.quantize.place.Placement;
import dev.octet.quantize.place.Placement.Group;
import dev.octet.quantize.place.Placement.WeightSite;
import dev.octet.quantize.place.TargetTraits;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Carries out a placement whose ranges are known: rounds weights, corrects biases, and hands the
 * result to the emitter of the recipe's mode and format.
 *
 * <p>Where activations are not quantized there are no groups, and every bias stays float.
 */
final class ModelQuantizer {
  private final Model model;
  private final Graph graph;
  private final Placement placement;
  private final Recipe recipe;
  private final Calibration.Result seen;
  private final @Nullable Given given;
  private final List<String> warnings = new ArrayList<>();

  private final Map<Group, QuantParams> parameters = new LinkedHashMap<>();
  private final Map<Value, Group> groupOf = new HashMap<>();
  private final List<QuantizedWeight> weights = new ArrayList<>();
  private final List<QuantizedBias> biases = new ArrayList<>();

  /** What was decided, for the report. */
  record Result(
      Map<Group, QuantParams> parameters, List<QuantizedWeight> weights, List<String> warnings) {}

  /** Parameters that were found elsewhere; no weights' where the weights themselves decide. */
  record Given(
      Function<Group, QuantParams> activations,
      Function<WeightSite, Optional<QuantParams>> weights) {}

  private ModelQuantizer(
      Model model,
      Placement placement,
      Recipe recipe,
      Calibration.Result seen,
      @Nullable Given given) {
    this.given = given;
    this.model = model;
    this.graph = model.graph();
    this.placement = placement;
    this.recipe = recipe;
    this.seen = seen;
  }

  /** Changes {@code model}, for which {@code placement} was made, in place. */
  static Result quantize(Model model, Placement placement, Recipe recipe, Calibration.Result seen) {
    return new ModelQuantizer(model, placement, recipe, seen, null).quantize();
  }

  /** The same with parameters that are given instead of learned from samples. */
  static Result quantize(Model model, Placement placement, Recipe recipe, Given given) {
    return new ModelQuantizer(model, placement, recipe, Calibration.Result.NOTHING, given)
        .quantize();
  }

  /** Watches what {@link #quantize} will need to know. */
  static void watch(Calibration calibration, Placement placement, Recipe recipe) {
    for (Group group : placement.groups()) {
      if (group.descriptor().fixedRange() == null) {
        for (Value value : group.measured()) {
          calibration.watch(value.name(), group.descriptor());
        }
      }
    }
    if (recipe.biasCorrection()) {
      for (WeightSite site : placement.weights()) {
        Value input = multiplied(site);
        if (input != null) {
          calibration.watchMeans(input.name(), inputChannelAxis(site.node()));
        }
      }
    }
  }

  private Result quantize() {
    for (Group group : placement.groups()) {
      parameters.put(group, parameters(group));
      group.members().forEach(member -> groupOf.put(member, group));
    }
    for (WeightSite site : placement.weights()) {
      quantizeWeight(site);
    }
    warnings.addAll(write());
    return new Result(parameters, weights, warnings);
  }

  private List<String> write() {
    if (recipe.mode() == Mode.DYNAMIC) {
      return DynamicEmitter.emit(model, placement, weights, recipe.target());
    }
    if (recipe.mode() == Mode.FLOAT16) {
      return Float16Emitter.emit(model, placement);
    }
    if (recipe.format() == Format.QOPERATOR) {
      return QOperatorEmitter.emit(model, placement, parameters, weights, biases, recipe.target());
    }
    QdqEmitter.emit(model, placement, parameters, weights, biases);
    return List.of();
  }

  // ---- activations ----

  private QuantParams parameters(Group group) {
    return given != null
        ? given.activations().apply(group)
        : QuantParams.of(group.descriptor(), range(group, seen, warnings));
  }

  /**
   * What the members of a group held together.
   *
   * @param warnings takes what the user should know of them
   */
  static Range range(Group group, Calibration.Result seen, List<String> warnings) {
    Range fixed = group.descriptor().fixedRange();
    if (fixed != null) {
      return fixed;
    }
    Range range = null;
    for (Value value : group.measured()) {
      RangeCollector collector = seen.collectors().get(value.name());
      if (collector == null) {
        throw new IllegalStateException("'" + value.name() + "' was not watched");
      }
      Range one = collector.ranges().get(0);
      range = range == null ? one : range.union(one);
      var observed = collector.observed().get(0);
      if (observed.sawNonFinite()) {
        warnings.add(
            "tensor '%s' held %d NaN and %d infinities during calibration; they were left out"
                .formatted(value.name(), observed.nan(), observed.infinite()));
      }
      if (observed.allZero()) {
        warnings.add(
            "tensor '%s' was zero in every sample; its scale is 1".formatted(value.name()));
      }
    }
    if (range == null) {
      throw new IllegalStateException("group '" + group.name() + "' has nothing to measure");
    }
    return range;
  }

  // ---- weights and biases ----

  private void quantizeWeight(WeightSite site) {
    Node node = site.node();
    Tensor exact = site.value().constant();
    if (exact == null) {
      throw new IllegalStateException("'" + site.value().name() + "' is no longer a constant");
    }
    boolean integerBias = biasCanBeInteger(site);
    float inputScale = inputScale(node);
    float @Nullable [] bias = integerBias ? biasOf(node) : null;
    if (bias != null) {
      checkFinite(bias, node);
    }
    QuantizedWeight weight;
    try {
      float @Nullable [] fitted = bias;
      Optional<QuantParams> params = given == null ? Optional.empty() : given.weights().apply(site);
      weight =
          params
              .map(known -> WeightCoder.code(site, known, inputScale, fitted))
              .orElseGet(() -> WeightCoder.code(site, inputScale, fitted));
    } catch (IllegalArgumentException e) {
      throw new ModelException(
          "weights '" + site.value().name() + "' of node '" + node.label() + "': " + e.getMessage(),
          e);
    }
    weights.add(weight);
    if (bias != null) {
      reportWidened(node, WeightCoder.widenedChannels(weight, inputScale, bias), bias.length);
    }
    double @Nullable [] shift = shift(site, exact, weight);
    switch (node.op()) {
      case "Conv", "ConvTranspose", "Gemm" -> {
        if (shift != null) {
          subtractFromBias(node, shift);
        }
        if (integerBias) {
          roundBias(node, weight, inputScale);
        }
      }
      case "MatMul" -> {
        if (shift != null) {
          subtractFromSum(node, shift);
        }
      }
      case "LSTM", "RNN", "GRU" -> {
        if (shift != null) {
          subtractFromRecurrentBias(node, shift);
        }
      }
      default -> {}
    }
  }

  private double @Nullable [] shift(WeightSite site, Tensor exact, QuantizedWeight weight) {
    Value input = recipe.biasCorrection() ? multiplied(site) : null;
    ChannelMeans seenMeans = input == null ? null : seen.means().get(input.name());
    double[] means = seenMeans == null ? null : seenMeans.means();
    if (seenMeans == null || means == null || seenMeans.axis() != inputChannelAxis(site.node())) {
      return null;
    }
    // Padding of other samples' lengths would count as data; only a lone row is sure to be data.
    if (site.node().is("MatMul") && !seenMeans.oneRowASample()) {
      return null;
    }
    return BiasCorrection.shift(
        site.node(), exact.toFloats(), WeightCoder.decode(weight), exact.shape(), means);
  }

  private void subtractFromBias(Node node, double[] shift) {
    float[] bias = biasOf(node);
    if (bias == null && node.input(2) != null) {
      return; // computed at run time, or of a shape that does not say what belongs to a channel
    }
    if (node.is("Gemm") && node.floatAttribute("beta", 1) != 1) {
      return;
    }
    float alpha = node.is("Gemm") ? node.floatAttribute("alpha", 1) : 1;
    float[] corrected = new float[shift.length];
    for (int i = 0; i < corrected.length; i++) {
      corrected[i] = (float) ((bias == null ? 0 : bias[i]) - alpha * shift[i]);
    }
    setBias(node, 2, Tensor.ofFloats(corrected, corrected.length));
  }

  /** The bias of a MatMul is the constant of the Add that alone reads it, if there is one. */
  private void subtractFromSum(Node node, double[] shift) {
    Node sum = node.output().onlyConsumer();
    if (sum == null || !sum.is("Add")) {
      return;
    }
    int side = sum.input(0) == node.output() ? 1 : 0;
    Value bias = sum.input(side);
    Tensor tensor = bias == null ? null : bias.constant();
    if (tensor == null || tensor.rank() != 1 || tensor.elementCount() != shift.length) {
      return;
    }
    float[] corrected = tensor.toFloats();
    for (int i = 0; i < corrected.length; i++) {
      corrected[i] = (float) (corrected[i] - shift[i]);
    }
    setBias(sum, side, Tensor.ofFloats(corrected, corrected.length));
  }

  /** Input 3 holds {@code [directions, 2 * gates]}: the bias of W's product, then that of R's. */
  private void subtractFromRecurrentBias(Node node, double[] shift) {
    Value bias = node.input(3);
    Tensor tensor = bias == null ? null : bias.constant();
    if (tensor == null
        || tensor.rank() != 2
        || tensor.dim(1) * tensor.dim(0) != 2L * shift.length) {
      return;
    }
    float[] corrected = tensor.toFloats();
    int gates = Math.toIntExact(tensor.dim(1) / 2);
    for (int i = 0; i < shift.length; i++) {
      int at = i / gates * 2 * gates + i % gates;
      corrected[at] = (float) (corrected[at] - shift[i]);
    }
    setBias(node, 3, Tensor.ofFloats(corrected, tensor.shape()));
  }

  private void setBias(Node node, int input, Tensor tensor) {
    Value old = node.input(input);
    String stem = old == null ? node.output().name() + "_bias" : old.name();
    graph.setInput(node, input, graph.addConstant(stem, tensor));
    if (old != null && old.uses().isEmpty() && !old.isOutput() && !old.isInput()) {
      graph.remove(old);
    }
  }

  /** Under its name, unless others read it too. */
  private void replaceBias(Node node, Tensor tensor) {
    Value old = node.input(2);
    if (old != null && old.onlyConsumer() == node && !old.isInput()) {
      graph.setInitializer(old, tensor);
    } else {
      setBias(node, 2, tensor);
    }
  }

  /**
   * Rounds the bias to multiples of input scale times weight scale. ONNX Runtime does so as it
   * loads the model where the output is quantized too, whatever the width of the weights.
   */
  private void roundBias(Node node, QuantizedWeight weight, float inputScale) {
    float[] bias = biasOf(node);
    if (bias == null) {
      return;
    }
    float[] weightScales = weight.params().scales();
    float[] scales = new float[bias.length];
    int[] codes = new int[bias.length];
    for (int i = 0; i < bias.length; i++) {
      scales[i] = inputScale * weightScales[weightScales.length == 1 ? 0 : i];
      double code = Math.rint((double) bias[i] / scales[i]);
      if (!(scales[i] > 0) || Math.abs(code) > Integer.MAX_VALUE) {
        return; // stays float: no integer stands for it
      }
      codes[i] = (int) code;
    }
    if (weight.site().descriptor().bits() <= 4) {
      // Such layers compute in float; integers would only need room for their scales.
      float[] rounded = new float[bias.length];
      for (int i = 0; i < rounded.length; i++) {
        rounded[i] = (float) ((double) codes[i] * scales[i]);
      }
      replaceBias(node, Tensor.ofFloats(rounded, rounded.length));
      return;
    }
    biases.add(
        new QuantizedBias(
            node, 2, Tensor.ofFloats(scales, scales.length), Tensor.ofInts(codes, codes.length)));
  }

  private void reportWidened(Node node, int widened, int channels) {
    if (widened > 0) {
      warnings.add(
          "the bias of node '%s' does not fit int32 in %d of %d channels; their weight scales were widened"
              .formatted(node.label(), widened, channels));
    }
  }

  private static void checkFinite(float[] bias, Node node) {
    for (float one : bias) {
      if (!Float.isFinite(one)) {
        throw new ModelException(
            "the bias of node '"
                + node.label()
                + "' holds "
                + one
                + "; repair the model before quantizing it");
      }
    }
  }

  // ---- questions ----

  /** Whether the node's bias may become multiples of input scale times weight scale. */
  private boolean biasCanBeInteger(WeightSite site) {
    return inputScale(site.node()) > 0 && biasCanBeInteger(site, recipe);
  }

  /** The same where the node's input is known to be quantized. */
  static boolean biasCanBeInteger(WeightSite site, Recipe recipe) {
    Node node = site.node();
    return (node.op().startsWith("Conv") || node.is("Gemm"))
        && TargetTraits.of(recipe.target()).integerBias()
        && site.descriptor().symmetric()
        && !(site.descriptor().granularity()
            instanceof dev.octet.core.descriptor.Granularity.PerBlock)
        && !(node.is("ConvTranspose") && node.intAttribute("group", 1) != 1)
        && !(node.is("Gemm")
            && (node.floatAttribute("alpha", 1) != 1 || node.floatAttribute("beta", 1) != 1));
  }

  private float inputScale(Node node) {
    Value input = node.input(0);
    Group group = input == null ? null : groupOf.get(input);
    QuantParams params = group == null ? null : parameters.get(group);
    return params == null ? 0 : params.scales()[0];
  }

  /** The constant bias with one element an output channel, or null. */
  static float @Nullable [] biasOf(Node node) {
    Value bias = node.input(2);
    Tensor tensor = bias == null ? null : bias.constant();
    return tensor != null
            && tensor.type() == dev.octet.graph.DataType.FLOAT
            && tensor.rank() == 1
            && (tensor.elementCount() > 1 || !node.is("Gemm")) // a Gemm repeats a lone element
        ? tensor.toFloats()
        : null;
  }

  private static boolean correctable(WeightSite site) {
    Tensor tensor = site.value().constant();
    return switch (site.node().op()) {
      case "Conv", "ConvTranspose" -> true;
      case "Gemm" -> site.node().intAttribute("transA", 0) == 0;
      case "MatMul" -> tensor != null && tensor.rank() == 2;
      // A GRU's recurrent bias may lie inside the reset gate, where a constant shift is not one.
      case "LSTM", "RNN" -> tensor != null && tensor.rank() == 3 && tensor.dim(0) == 1;
      default -> false;
    };
  }

  /**
   * The value that the weights of {@code site} multiply, where bias correction can use its mean;
   * else null. For recurrent weights it is the hidden state of every step, which the node may leave
   * out.
   */
  private static @Nullable Value multiplied(WeightSite site) {
    if (!correctable(site)) {
      return null;
    }
    boolean recurrent = (site.node().is("LSTM") || site.node().is("RNN")) && site.input() == 2;
    Value value = recurrent ? site.node().outputs().get(0) : site.node().input(0);
    return value == null || value.constant() != null ? null : value;
  }

  private static int inputChannelAxis(Node node) {
    return node.op().startsWith("Conv") ? 1 : -1;
  }
}
