package dev.octet.engine.lower;

import dev.octet.engine.plan.Compilation;
import dev.octet.engine.plan.Operand;
import dev.octet.engine.plan.UnsupportedNodeException;
import dev.octet.graph.Attribute;
import dev.octet.graph.DataType;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * An LSTM, GRU or RNN node with everything about it checked, in ONNX's terms.
 *
 * @param node the node
 * @param gates 4, 3 or 1
 * @param batchFirst whether the batch is the first dimension of X, Y and the states
 * @param steps T
 * @param batch N
 * @param inputs I
 * @param units H
 * @param reversed for each direction, whether it goes from the last step to the first
 * @param w {@code [D, G * H, I]}
 * @param r {@code [D, G * H, H]}
 * @param bias {@code [D, 2 * G * H]}: biases of the input's products, then of the hidden state's
 * @param peephole {@code [D, 3 * H]} for gates input, output, forget; null without
 * @param lengths the sequence lengths where they are known to differ from T, or are computed
 * @param functions activations of each direction, in ONNX's order
 * @param clip the bound of what enters an activation; infinite without
 * @param inputForget whether the forget gate is one less the input gate
 * @param resetAfter ONNX's {@code linear_before_reset}
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record RecurrentLayer(
    Node node,
    int gates,
    boolean batchFirst,
    int steps,
    int batch,
    int inputs,
    int units,
    boolean[] reversed,
    float[] w,
    float[] r,
    float[] bias,
    float @Nullable [] peephole,
    @Nullable Operand lengths,
    List<List<GateFunction>> functions,
    float clip,
    boolean inputForget,
    boolean resetAfter) {

  private static final int LARGEST = 1 << 28; // floats of one weight tensor

  /** Number of directions. */
  int directions() {
    return reversed.length;
  }

  /**
   * Reads {@code node}.
   *
   * @throws UnsupportedNodeException if its inputs do not fit each other, or its weights are not
   *     constant
   */
  static RecurrentLayer of(Node node, Compilation to) {
    int gates =
        switch (node.op()) {
          case "LSTM" -> 4;
          case "GRU" -> 3;
          default -> 1;
        };
    long layout = node.intAttribute("layout", 0);
    if (layout != 0 && layout != 1) {
      throw new UnsupportedNodeException(node, "its layout is " + layout + ", not 0 or 1");
    }
    boolean batchFirst = layout == 1;
    Operand x = to.input(node, 0);
    if (x.type() != DataType.FLOAT || x.rank() != 3) {
      throw new UnsupportedNodeException(
          node, "its input is " + x.type() + Arrays.toString(x.dims()) + ", not FLOAT[T, N, I]");
    }
    boolean[] reversed =
        switch (node.stringAttribute("direction", "forward")) {
          case "forward" -> new boolean[] {false};
          case "reverse" -> new boolean[] {true};
          case "bidirectional" -> new boolean[] {false, true};
          default ->
              throw new UnsupportedNodeException(
                  node,
                  "its direction is '"
                      + node.stringAttribute("direction", "")
                      + "', not forward, reverse or bidirectional");
        };
    int steps = (int) x.dim(batchFirst ? 1 : 0);
    int batch = (int) x.dim(batchFirst ? 0 : 1);
    int inputs = (int) x.dim(2);
    Tensor recurrent = weights(node, to, 2);
    if (recurrent.rank() != 3) {
      throw misfit(node, "R", recurrent.shape(), "three dimensions");
    }
    long units = recurrent.dim(2);
    long width = gates * units;
    long declared = node.intAttribute("hidden_size", units);
    if (units < 1 || units > LARGEST || declared != units) {
      throw new UnsupportedNodeException(
          node, "its hidden_size is " + declared + " and its R has " + units + " units");
    }
    long directions = reversed.length;
    Tensor input = weights(node, to, 1);
    expect(node, "W", input.shape(), directions, width, inputs);
    expect(node, "R", recurrent.shape(), directions, width, units);
    float[] bias = new float[(int) (directions * 2 * width)];
    if (node.input(3) != null) {
      Tensor given = weights(node, to, 3);
      expect(node, "B", given.shape(), directions, 2 * width);
      bias = given.toFloats();
    }
    long[] state =
        batchFirst ? new long[] {batch, directions, units} : new long[] {directions, batch, units};
    checkState(node, to, 5, "initial_h", state);
    float[] peephole = null;
    if (gates == 4) {
      checkState(node, to, 6, "initial_c", state);
      if (node.input(7) != null) {
        Tensor given = weights(node, to, 7);
        expect(node, "P", given.shape(), directions, 3 * units);
        peephole = given.toFloats();
      }
    }
    float clip = node.floatAttribute("clip", Float.POSITIVE_INFINITY);
    if (!(clip > 0)) {
      throw new UnsupportedNodeException(node, "its clip is " + clip + ", which is not positive");
    }
    return new RecurrentLayer(
        node,
        gates,
        batchFirst,
        steps,
        batch,
        inputs,
        (int) units,
        reversed,
        input.toFloats(),
        recurrent.toFloats(),
        bias,
        peephole,
        lengths(node, to, steps, batch),
        functions(node, gates, (int) directions),
        clip,
        node.intAttribute("input_forget", 0) != 0,
        node.intAttribute("linear_before_reset", 0) != 0);
  }

  private static Tensor weights(Node node, Compilation to, int index) {
    Tensor constant = to.constant(node, index);
    if (constant == null || constant.type() != DataType.FLOAT) {
      throw new UnsupportedNodeException(
          node, "its input number " + index + " is not constant floats");
    }
    return constant;
  }

  private static void checkState(
      Node node, Compilation to, int index, String name, long[] expected) {
    if (node.input(index) != null) {
      Operand state = to.input(node, index);
      if (state.type() != DataType.FLOAT) {
        throw new UnsupportedNodeException(node, name + " is " + state.type() + ", not FLOAT");
      }
      expect(node, name, state.dims(), expected);
    }
  }

  private static void expect(Node node, String name, long[] dims, long... expected) {
    if (!Arrays.equals(dims, expected)) {
      throw misfit(node, name, dims, Arrays.toString(expected));
    }
  }

  private static UnsupportedNodeException misfit(
      Node node, String name, long[] dims, String expected) {
    return new UnsupportedNodeException(
        node, "its " + name + " is " + Arrays.toString(dims) + " and should be " + expected);
  }

  /** The sequence lengths, null where all sequences go through all steps. */
  private static @Nullable Operand lengths(Node node, Compilation to, int steps, int batch) {
    if (node.input(4) == null) {
      return null;
    }
    Operand given = to.input(node, 4);
    if (given.type() != DataType.INT32) {
      throw new UnsupportedNodeException(
          node, "its sequence_lens is " + given.type() + ", not INT32");
    }
    expect(node, "sequence_lens", given.dims(), batch);
    Tensor known = given.constant();
    if (known == null) {
      return given;
    }
    for (long length : known.toLongs()) {
      if (length < 0 || length > steps) {
        throw new UnsupportedNodeException(
            node, "a sequence is " + length + " steps long, and there are " + steps);
      }
    }
    return Arrays.stream(known.toLongs()).allMatch(length -> length == steps) ? null : given;
  }

  private static List<List<GateFunction>> functions(Node node, int gates, int directions) {
    List<String> usual =
        switch (gates) {
          case 4 -> List.of("Sigmoid", "Tanh", "Tanh");
          case 3 -> List.of("Sigmoid", "Tanh");
          default -> List.of("Tanh");
        };
    List<String> names = new ArrayList<>();
    if (node.attribute("activations") instanceof Attribute.StringList given) {
      names.addAll(given.values());
      if (names.size() != directions * usual.size()) {
        throw new UnsupportedNodeException(
            node, "it names " + names.size() + " activations, not " + directions * usual.size());
      }
    } else {
      for (int d = 0; d < directions; d++) {
        names.addAll(usual);
      }
    }
    List<Float> alphas = new ArrayList<>(floats(node, "activation_alpha"));
    List<Float> betas = new ArrayList<>(floats(node, "activation_beta"));
    List<List<GateFunction>> functions = new ArrayList<>();
    for (int d = 0; d < directions; d++) {
      List<GateFunction> own = new ArrayList<>();
      for (String name : names.subList(d * usual.size(), (d + 1) * usual.size())) {
        GateFunction function = GateFunction.of(name.toLowerCase(Locale.ROOT), alphas, betas);
        if (function == null) {
          throw new UnsupportedNodeException(node, "its activation '" + name + "' is unknown");
        }
        own.add(function);
      }
      functions.add(own);
    }
    return functions;
  }

  private static List<Float> floats(Node node, String attribute) {
    return node.attribute(attribute) instanceof Attribute.FloatList list
        ? list.values()
        : List.of();
  }
}
