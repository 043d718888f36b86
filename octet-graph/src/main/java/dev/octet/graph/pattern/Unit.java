package dev.octet.graph.pattern;

import dev.octet.graph.Node;
import dev.octet.graph.Value;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Nodes that mean one thing together. What lies between them is read by nobody else and is not
 * returned by the graph, so that a unit can be treated as a single operator.
 */
public sealed interface Unit {

  /** The nodes, each after those it reads; the last makes the unit's output. */
  List<Node> nodes();

  /** What the unit makes. */
  default Value output() {
    return nodes().get(nodes().size() - 1).output();
  }

  /** What the unit reads that is not constant, each once, in order of reading. */
  default List<Value> inputs() {
    Set<Value> read = new LinkedHashSet<>();
    for (Node node : nodes()) {
      for (Value input : node.inputs()) {
        if (input == null || input.constant() != null) {
          continue;
        }
        Node producer = input.producer();
        if (producer == null || !nodes().contains(producer)) {
          read.add(input);
        }
      }
    }
    return List.copyOf(read);
  }

  /** What follows a layer element by element. */
  enum Activation {
    RELU,
    /** Clip with constant or absent bounds; ReLU6 is one. */
    CLIP,
    LEAKY_RELU,
    SIGMOID,
    TANH,
    HARD_SIGMOID,
    HARD_SWISH,
    /** {@code x · sigmoid(x)}, also called swish. */
    SILU
  }

  /**
   * A Conv, ConvTranspose, Gemm or MatMul with a constant right-hand side, with the addition of a
   * constant bias (MatMul only) or an activation after it, or both.
   *
   * @param layer the node with the weights
   * @param bias the Add, or null where there is none
   * @param activation what follows, or null where nothing does
   */
  record FusedLayer(
      List<Node> nodes, Node layer, @Nullable Node bias, @Nullable Activation activation)
      implements Unit {
    public FusedLayer {
      nodes = List.copyOf(nodes);
    }
  }

  /** A layer normalization (Ba, Kiros, Hinton 2016), as one operator or written out. */
  record LayerNorm(List<Node> nodes) implements Unit {
    public LayerNorm {
      nodes = List.copyOf(nodes);
    }
  }

  /** A GELU (Hendrycks, Gimpel 2016): the operator, or its erf or tanh form written out. */
  record Gelu(List<Node> nodes) implements Unit {
    public Gelu {
      nodes = List.copyOf(nodes);
    }
  }

  /** A Softmax that is not part of an attention. */
  record Softmax(List<Node> nodes) implements Unit {
    public Softmax {
      nodes = List.copyOf(nodes);
    }
  }

  /**
   * Scaled dot-product attention (Vaswani et al. 2017, section 3.2.1): scores, scale, mask,
   * softmax, and the weighted sum of values.
   *
   * @param scores the MatMul of query and key
   * @param mask what is added to the scores or chooses among them, or null
   * @param maskNodes the nodes that make the mask from inputs and constants alone; other attentions
   *     may share them, and they are not part of {@link #nodes()}. Empty where the mask comes out
   *     of a layer
   * @param softmax the Softmax
   * @param context the MatMul of attention and values
   */
  record Attention(
      List<Node> nodes,
      Node scores,
      @Nullable Value mask,
      List<Node> maskNodes,
      Node softmax,
      Node context)
      implements Unit {
    public Attention {
      nodes = List.copyOf(nodes);
      maskNodes = List.copyOf(maskNodes);
    }
  }
}
