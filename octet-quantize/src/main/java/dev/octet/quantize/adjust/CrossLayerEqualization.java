package dev.octet.quantize.adjust;

import dev.octet.graph.Graph;
import dev.octet.graph.Node;
import dev.octet.graph.shape.Shapes;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Cross-layer equalization: moves a factor per channel from one layer into the next, so that the
 * channels of both have weights of similar size and one scale serves them all.
 *
 * <p>A positively homogeneous function {@code f(t·x) = t·f(x), t > 0} lets it pass: with {@code
 * W1_i / t_i}, {@code b1_i / t_i} and {@code W2_,i · t_i} the two layers compute what they did
 * before, up to the rounding of float32. {@code t_i = sqrt(r1_i / r2_i)} makes the ranges {@code
 * r1_i = max|W1_i|} and {@code r2_i = max|W2_,i|} equal (Nagel et al., "Data-Free Quantization
 * Through Weight Equalization and Bias Correction", arXiv 1906.04721, section 4.1). Around a
 * depthwise layer the three ranges are made equal at once.
 *
 * <p>A layer may be the second of one pair and the first of the next, so the pairs are gone over in
 * the order of the graph until no factor is further than {@link #SETTLED} from 1, or {@link
 * #MOST_SWEEPS} times. Fold batch normalizations first.
 */
public final class CrossLayerEqualization {
  /** Pairs are gone over this often at most, as Brevitas does. */
  static final int MOST_SWEEPS = 20;

  /** A sweep that moves no factor further than this from 1 is the last. */
  static final double SETTLED = 1e-3;

  /**
   * A channel whose weights are below this part of the layer's largest is dead: to even it out
   * would blow up its bias, and with it the range of the activations.
   */
  static final double DEAD = 1e-6;

  private CrossLayerEqualization() {}

  /**
   * Two layers that were evened out.
   *
   * @param first label of the layer whose output channels were divided
   * @param second label of the layer whose weights were multiplied
   * @param smallest of the factors that were moved, over all channels
   * @param largest of these factors
   */
  public record Pair(String first, String second, double smallest, double largest) {}

  /**
   * What was done.
   *
   * @param pairs in the order of the graph
   * @param refusals the layers that are the first of no pair, and why
   * @param sweeps how often the pairs were gone over
   */
  public record Result(List<Pair> pairs, List<Refusal> refusals, int sweeps) {
    public Result {
      pairs = List.copyOf(pairs);
      refusals = List.copyOf(refusals);
    }
  }

  /**
   * Evens out every pair of Conv, ConvTranspose, Gemm and MatMul layers of {@code graph} (not of
   * graphs nested in it) between which a factor per channel passes: nobody else reads what lies
   * between, the graph does not return it, and on the way are only Relu, LeakyRelu, PRelu, pooling,
   * padding with zeros, flattening and constants added per channel. A Clip with another bound than
   * zero, ReLU6 among them, does not let it pass. Weights that other nodes read too are copied.
   */
  public static Result apply(Graph graph) {
    Shapes shapes = Shapes.infer(graph);
    Map<Node, LayerWeights> weights = new HashMap<>();
    List<Link> links = new ArrayList<>();
    List<Refusal> refusals = new ArrayList<>();
    for (Node node : graph.nodes()) {
      if (!LayerWeights.isLinear(node)) {
        continue;
      }
      String reason = LayerWeights.refusal(node);
      if (reason == null) {
        ChannelPath.Outcome found = ChannelPath.from(node, shapes);
        reason = found.reason();
        if (found.path() != null) {
          links.add(Link.along(found.path(), weights));
          continue;
        }
      }
      refusals.add(new Refusal(node.label(), reason));
    }
    int sweeps = 0;
    double moved = links.isEmpty() ? 0 : Double.MAX_VALUE;
    while (moved > SETTLED && sweeps < MOST_SWEEPS) {
      moved = sweep(links);
      sweeps++;
    }
    List<Pair> pairs = links.stream().map(Link::describe).toList();
    weights.forEach((node, changed) -> changed.writeTo(node));
    links.forEach(Link::writeSums);
    return new Result(pairs, refusals, sweeps);
  }

  /**
   * Goes over all pairs once.
   *
   * @return the largest {@code |t - 1|}
   */
  static double sweep(List<Link> links) {
    double moved = 0;
    for (int i = 0; i < links.size(); i++) {
      Link link = links.get(i);
      Link next = after(link, links);
      if (next != null && link.second().isDepthwise() && link.meetsMaps()) {
        double[][] factors =
            tripleScales(link.outputMax(), link.second().outputMax(), next.inputMax());
        moved = Math.max(moved, Math.max(link.move(factors[0]), next.move(factors[1])));
      } else if (!precededByTriple(link, links)) {
        moved = Math.max(moved, link.move(scales(link.outputMax(), link.inputMax())));
      }
    }
    return moved;
  }

  /**
   * The factors {@code t_i = sqrt(r1_i / r2_i)} by which the first layer's channels are divided and
   * the second's multiplied; 1 where a channel of either is zero or {@linkplain #DEAD dead}.
   *
   * @param first largest magnitude of each output channel of the first layer
   * @param second largest magnitude of the weights of the second that each of these meets
   */
  static double[] scales(double[] first, double[] second) {
    double leastFirst = least(first);
    double leastSecond = least(second);
    double[] factors = new double[first.length];
    for (int i = 0; i < factors.length; i++) {
      boolean alive = first[i] > leastFirst && second[i] > leastSecond;
      factors[i] = alive ? Math.sqrt(first[i] / second[i]) : 1;
    }
    return factors;
  }

  /**
   * The factors {@code t12 = r1 / m} and {@code t23 = m / r3}, {@code m = (r1 r2 r3)^(1/3)},
   * between the first layer and a depthwise one, and between that and a third; both 1 where a
   * channel is dead.
   *
   * @return {@code {t12, t23}}
   */
  static double[][] tripleScales(double[] first, double[] second, double[] third) {
    double leastFirst = least(first);
    double leastSecond = least(second);
    double leastThird = least(third);
    double[][] factors = new double[2][first.length];
    for (int i = 0; i < first.length; i++) {
      boolean alive = first[i] > leastFirst && second[i] > leastSecond && third[i] > leastThird;
      double mean = Math.cbrt(first[i]) * Math.cbrt(second[i]) * Math.cbrt(third[i]);
      factors[0][i] = alive ? first[i] / mean : 1;
      factors[1][i] = alive ? mean / third[i] : 1;
    }
    return factors;
  }

  private static double least(double[] ranges) {
    double largest = 0;
    for (double range : ranges) {
      largest = Math.max(largest, range);
    }
    return largest * DEAD;
  }

  private static @Nullable Link after(Link link, List<Link> links) {
    for (Link other : links) {
      if (other.first() == link.second()) {
        return other;
      }
    }
    return null;
  }

  /** Whether {@code link} leads from a depthwise layer to which another link leads. */
  private static boolean precededByTriple(Link link, List<Link> links) {
    if (!link.first().isDepthwise()) {
      return false;
    }
    for (Link other : links) {
      if (other.second() == link.first() && other.meetsMaps()) {
        return true;
      }
    }
    return false;
  }
}
