package dev.octet.torch.op;

import dev.octet.torch.Tensors;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/**
 * The shape of a recurrent network, as PyTorch's LSTM, GRU and RNN have it.
 *
 * @param kind which cell is repeated
 * @param inputSize features of the input, at least 1
 * @param hiddenSize features of the hidden state, at least 1
 * @param numLayers layers, each reading the output of the one before; at least 1
 * @param bias whether the gates have biases
 * @param batchFirst whether padded input and output are [batch, time, features] and not [time,
 *     batch, features]
 * @param dropout probability with which an output between two layers is dropped in training, 0 to 1
 * @param bidirectional whether each layer also runs backwards in time
 * @param projSize features that the output is projected to, below {@code hiddenSize}; 0 for no
 *     projection; LSTM alone has one
 */
public record Recurrence(
    Kind kind,
    int inputSize,
    int hiddenSize,
    int numLayers,
    boolean bias,
    boolean batchFirst,
    double dropout,
    boolean bidirectional,
    int projSize) {

  /** What is repeated in each step. */
  public enum Kind {
    /** Long short-term memory; gates in the order input, forget, cell, output. */
    LSTM(4),
    /** Gated recurrent unit; gates in the order reset, update, new. */
    GRU(3),
    /** One layer with tanh. */
    RNN_TANH(1),
    /** One layer with relu. */
    RNN_RELU(1);

    private final int gates;

    Kind(int gates) {
      this.gates = gates;
    }

    /** Rows of a weight for each unit of the hidden state. */
    public int gates() {
      return gates;
    }

    /** How many tensors are handed from step to step: two for LSTM, otherwise one. */
    public int states() {
      return this == LSTM ? 2 : 1;
    }
  }

  /** Checks every setting. */
  public Recurrence {
    atLeastOne("input_size", inputSize);
    atLeastOne("hidden_size", hiddenSize);
    atLeastOne("num_layers", numLayers);
    if (!(dropout >= 0 && dropout <= 1)) {
      throw new IllegalArgumentException("dropout is " + dropout + "; choose 0 to 1");
    }
    if (dropout > 0 && numLayers == 1) {
      throw new IllegalArgumentException(
          "dropout of "
              + dropout
              + " has no effect: it works between layers and there is one; add layers or leave it"
              + " out");
    }
    if (projSize != 0 && kind != Kind.LSTM) {
      throw new IllegalArgumentException(
          "proj_size is " + projSize + "; LSTM alone has a projection");
    }
    if (projSize != 0 && (projSize < 0 || projSize >= hiddenSize)) {
      throw new IllegalArgumentException(
          "proj_size is " + projSize + "; choose 0 to " + (hiddenSize - 1));
    }
    // Sizes that LibTorch multiplies must stay within its 64 bits, and within memory anyway.
    Math.multiplyExact(kind.gates(), hiddenSize);
  }

  private static void atLeastOne(String name, int value) {
    if (value < 1) {
      throw new IllegalArgumentException(name + " is " + value + ", not at least 1");
    }
  }

  /** 2 if bidirectional, otherwise 1. */
  public int directions() {
    return bidirectional ? 2 : 1;
  }

  /** Features of one direction's output: the projection's, or the hidden state's. */
  public int outputSize() {
    return projSize > 0 ? projSize : hiddenSize;
  }

  /** Features of each of the states, in order: hidden and, for LSTM, cell. */
  public int stateSize(int state) {
    return state == 0 ? outputSize() : hiddenSize;
  }

  /**
   * Names and shapes of the parameters in the order in which LibTorch takes them, e.g. {@code
   * weight_ih_l0}, {@code weight_hh_l0}, {@code bias_ih_l0}, {@code bias_hh_l0}, {@code
   * weight_hr_l0}, {@code weight_ih_l0_reverse}.
   */
  public Map<String, long[]> parameterShapes() {
    Map<String, long[]> shapes = new LinkedHashMap<>();
    long rows = (long) kind.gates() * hiddenSize;
    for (int layer = 0; layer < numLayers; layer++) {
      long columns = layer == 0 ? inputSize : (long) outputSize() * directions();
      for (int direction = 0; direction < directions(); direction++) {
        String suffix = suffix(layer, direction == 1);
        shapes.put("weight_ih" + suffix, new long[] {rows, columns});
        shapes.put("weight_hh" + suffix, new long[] {rows, outputSize()});
        if (bias) {
          shapes.put("bias_ih" + suffix, new long[] {rows});
          shapes.put("bias_hh" + suffix, new long[] {rows});
        }
        if (projSize > 0) {
          shapes.put("weight_hr" + suffix, new long[] {projSize, hiddenSize});
        }
      }
    }
    return shapes;
  }

  /** How the parameters of one layer and direction end: {@code _l1_reverse}. */
  public static String suffix(int layer, boolean reverse) {
    return "_l" + layer + (reverse ? "_reverse" : "");
  }

  /** Parameters of one layer and direction. */
  int parametersEach() {
    return 2 + (bias ? 2 : 0) + (projSize > 0 ? 1 : 0);
  }

  /**
   * Checks states at the start.
   *
   * @param state each [num_layers · directions, batch, size]
   * @param like the input, whose type the states have
   * @throws IllegalArgumentException if a shape or type does not fit
   */
  public void checkState(List<Tensor> state, long batch, Tensor like) {
    if (state.size() != kind.states()) {
      throw new IllegalArgumentException(
          "a state has " + kind.states() + " tensors, not " + state.size());
    }
    for (int i = 0; i < state.size(); i++) {
      String what = i == 0 ? "the hidden state" : "the cell state";
      Tensor each = Tensors.check(state.get(i), what);
      long[] wanted = {(long) numLayers * directions(), batch, stateSize(i)};
      checkTensor(each, what, wanted, like);
    }
  }

  /** Checks weights against {@link #parameterShapes}. */
  void checkWeights(List<Tensor> weights, Tensor like) {
    Map<String, long[]> shapes = parameterShapes();
    if (weights.size() != shapes.size()) {
      throw new IllegalArgumentException(
          "there are " + weights.size() + " weights, not " + shapes.size());
    }
    int i = 0;
    for (Map.Entry<String, long[]> shape : shapes.entrySet()) {
      Tensor weight = Tensors.check(weights.get(i++), shape.getKey());
      checkTensor(weight, shape.getKey(), shape.getValue(), like);
    }
  }

  private static void checkTensor(Tensor tensor, String what, long[] shape, Tensor like) {
    if (!Arrays.equals(Tensors.shape(tensor), shape)) {
      throw new IllegalArgumentException(
          what + " is " + Tensors.describe(tensor) + ", not of shape " + Arrays.toString(shape));
    }
    if (Tensors.type(tensor) != Tensors.type(like)) {
      throw new IllegalArgumentException(
          what
              + " is "
              + Tensors.describe(tensor)
              + " and the input is "
              + Tensors.type(like)
              + "; give both the same type");
    }
  }
}
