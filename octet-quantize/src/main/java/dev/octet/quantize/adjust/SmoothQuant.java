package dev.octet.quantize.adjust;

import dev.octet.graph.Graph;
import dev.octet.graph.Node;
import dev.octet.graph.Value;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * SmoothQuant: where a few features of a layer's input are far larger than the others, moves part
 * of that difference into the weights, which have a scale a channel and can bear it.
 *
 * <p>Feature {@code j} of the input {@code X} is divided by {@code t_j = max|X_j|^a /
 * max|W_j|^(1-a)} and the weights that it meets are multiplied by it (Xiao et al., "SmoothQuant",
 * arXiv 2211.10438, equation 4). All layers that read {@code X} share one {@code t}, from the
 * largest of their weights. The division costs nothing at run time: it goes into the scale and
 * shift of the LayerNormalization that makes {@code X}, into constants multiplied and added per
 * feature, or into the linear layer before. Where others than linear layers read a normalized value
 * too, such as a residual sum, they keep it, and the linear layers read a second LayerNormalization
 * of the same input.
 *
 * <p>First {@link #find} what can be smoothed, then watch the {@linkplain Site#input inputs}, then
 * {@link #apply}.
 */
public final class SmoothQuant {
  /** Factors stay this far from zero and infinity, so that no float32 does worse than they. */
  private static final double SMALLEST_FACTOR = 1e-5;

  private final Graph graph;
  private final Map<Value, List<Node>> layers = new LinkedHashMap<>();
  private final List<Refusal> refusals = new ArrayList<>();

  private SmoothQuant(Graph graph) {
    this.graph = graph;
  }

  /**
   * A value that can be smoothed.
   *
   * @param input its name
   * @param channels the number of its features, which lie along the last axis
   * @param layers labels of the linear layers that read it
   */
  public record Site(String input, int channels, List<String> layers) {
    public Site {
      layers = List.copyOf(layers);
    }
  }

  /** Looks for the inputs of MatMul and Gemm layers of {@code graph} that can be smoothed. */
  public static SmoothQuant find(Graph graph) {
    SmoothQuant found = new SmoothQuant(graph);
    Set<Value> inputs = new LinkedHashSet<>();
    for (Node node : graph.nodes()) {
      Value input = node.input(0);
      Value weight = node.input(1);
      if ((node.is("MatMul") || node.is("Gemm"))
          && input != null
          && input.constant() == null
          && weight != null
          && weight.constant() != null) {
        inputs.add(input);
      }
    }
    inputs.forEach(found::consider);
    return found;
  }

  /** The values that can be smoothed, in the order of the graph. */
  public List<Site> sites() {
    List<Site> sites = new ArrayList<>();
    layers.forEach(
        (input, readers) ->
            sites.add(
                new Site(
                    input.name(),
                    LayerWeights.of(readers.get(0)).inputs(),
                    readers.stream().map(Node::label).toList())));
    return List.copyOf(sites);
  }

  /** The layers whose input cannot be smoothed, and why. */
  public List<Refusal> refusals() {
    return List.copyOf(refusals);
  }

  /**
   * Smooths every site. The graph computes what it did before, up to the rounding of float32.
   *
   * @param maxima the largest magnitude of each feature, by the name of the site's input
   * @param strength the share of the difference that moves into the weights, 0 to 1
   * @throws IllegalArgumentException if a site's maxima are missing or of another number
   */
  public void apply(Map<String, double[]> maxima, double strength) {
    for (Site site : sites()) {
      double[] max = maxima.get(site.input());
      if (max == null || max.length != site.channels()) {
        throw new IllegalArgumentException(
            "'%s' needs the largest magnitude of each of its %d features; %s are given"
                .formatted(site.input(), site.channels(), max == null ? "none" : max.length));
      }
    }
    // A fold further down changes the weights of a layer further up: read the weights when due.
    for (Map.Entry<Value, List<Node>> site : layers.entrySet()) {
      double[] max = maxima.get(site.getKey().name());
      if (max != null) {
        smooth(site.getKey(), site.getValue(), max, strength);
      }
    }
  }

  /**
   * The factors {@code t_j = max|X_j|^strength / max|W_j|^(1 - strength)}; 1 where either is zero.
   *
   * @param inputs the largest magnitude of each feature
   * @param weights the largest magnitude of the weights that each feature meets
   */
  static double[] scales(double[] inputs, double[] weights, double strength) {
    double[] factors = new double[inputs.length];
    for (int i = 0; i < factors.length; i++) {
      double factor = Math.pow(inputs[i], strength) / Math.pow(weights[i], 1 - strength);
      boolean usable =
          inputs[i] > 0
              && weights[i] > 0
              && factor > SMALLEST_FACTOR
              && 1 / factor > SMALLEST_FACTOR;
      factors[i] = usable ? factor : 1;
    }
    return factors;
  }

  private void consider(Value input) {
    List<Node> linear = new ArrayList<>();
    boolean othersRead = input.isOutput();
    for (Value.Use use : input.uses()) {
      Node reader = use.node();
      boolean matrix = reader.is("MatMul") || reader.is("Gemm");
      if (matrix
          && use.index() == 0
          && reader.graph() == graph
          && LayerWeights.refusal(reader) == null) {
        linear.add(reader);
      } else {
        othersRead = true;
      }
    }
    String reason = reason(input, linear, othersRead);
    if (reason == null) {
      layers.put(input, List.copyOf(linear));
      return;
    }
    for (Value.Use use : input.uses()) {
      if (use.index() == 0 && LayerWeights.isLinear(use.node())) {
        refusals.add(new Refusal(use.node().label(), reason));
      }
    }
  }

  private static @Nullable String reason(Value input, List<Node> linear, boolean othersRead) {
    if (linear.isEmpty()) {
      return "its weights are no constant matrix of floats";
    }
    int channels = LayerWeights.of(linear.get(0)).inputs();
    if (linear.stream().anyMatch(layer -> LayerWeights.of(layer).inputs() != channels)) {
      return "the layers that read '" + input.name() + "' have inputs of different sizes";
    }
    Node maker = input.producer();
    if (othersRead) {
      return maker != null && FeatureFactor.isNormalization(maker, channels)
          ? null
          : "'" + input.name() + "' is also read by others than linear layers";
    }
    return FeatureFactor.refusal(input, channels);
  }

  private static void smooth(Value input, List<Node> readers, double[] max, double strength) {
    List<LayerWeights> weights = readers.stream().map(LayerWeights::of).toList();
    double[] largest = new double[max.length];
    for (LayerWeights layer : weights) {
      double[] own = layer.inputMax(max.length);
      for (int i = 0; i < own.length; i++) {
        largest[i] = Math.max(largest[i], own[i]);
      }
    }
    double[] factors = scales(max, largest, strength);
    for (int i = 0; i < readers.size(); i++) {
      weights.get(i).multiplyInputs(factors);
      weights.get(i).writeTo(readers.get(i));
    }
    boolean onlyThese = !input.isOutput() && readers.containsAll(input.consumers());
    if (onlyThese) {
      FeatureFactor.divide(input, factors);
    } else {
      FeatureFactor.divide(FeatureFactor.twin(input, readers), factors);
    }
  }
}
