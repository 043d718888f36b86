package dev.octet.engine.dnnl;

import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.dnnl.gru_forward;
import org.bytedeco.dnnl.lbr_gru_forward;
import org.bytedeco.dnnl.lstm_forward;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.vanilla_rnn_forward;
import org.jspecify.annotations.Nullable;

/**
 * Compiles recurrent layers: one primitive goes through all steps of a sequence.
 *
 * <p>Arguments: {@link Args#SRC} input, {@link Args#SRC_1} and {@link Args#SRC_2} first hidden and
 * cell state, {@link Args#WEIGHTS} and {@link Args#WEIGHTS_ITER} weights of input and hidden state,
 * {@link Args#WEIGHTS_PEEPHOLE}, {@link Args#BIAS}, {@link Args#DST} hidden state of every step,
 * {@link Args#DST_1} and {@link Args#DST_2} last hidden and cell state.
 */
public final class Recurrences {
  /** The way through the sequence. */
  public enum Direction {
    FORWARD(dnnl.rnn_direction.unidirectional_left2right),
    REVERSE(dnnl.rnn_direction.unidirectional_right2left),
    /** Both, the results of a step one after the other. */
    BOTH(dnnl.rnn_direction.bidirectional_concat);

    final dnnl.rnn_direction code;

    Direction(dnnl.rnn_direction code) {
      this.code = code;
    }
  }

  /** What a step computes; gates in oneDNN's order. */
  public enum Cell {
    /** Gates input, forget, cell, output. */
    LSTM,
    /** Gates update, reset, output; the reset gate acts on the hidden state. */
    GRU,
    /**
     * Gates update, reset, output; the reset gate acts on the product of hidden state and weights,
     * and the biases have a fourth part, that of this product.
     */
    GRU_RESET_AFTER,
    /** One gate with tanh. */
    RNN_TANH,
    /** One gate with max(x, 0). */
    RNN_RELU,
    /** One gate with the logistic function. */
    RNN_SIGMOID
  }

  /**
   * Layouts of the arguments, with T steps, N sequences, I inputs, H units, D directions and G
   * gates.
   *
   * @param source {@code [T, N, I]}
   * @param hidden {@code [1, D, N, H]}, or null where states begin with zeros
   * @param cell the same for the cell state of an LSTM
   * @param weights {@code [1, D, I, G, H]}
   * @param recurrent {@code [1, D, H, G, H]}
   * @param peephole {@code [1, D, 3, H]} for gates input, forget, output; or null
   * @param bias {@code [1, D, G, H]}
   * @param destination {@code [T, N, D * H]}
   * @param lastHidden {@code [1, D, N, H]}, or null where it is not wanted
   * @param lastCell the same for the cell state of an LSTM
   */
  public record Layouts(
      Layout source,
      @Nullable Layout hidden,
      @Nullable Layout cell,
      Layout weights,
      Layout recurrent,
      @Nullable Layout peephole,
      Layout bias,
      Layout destination,
      @Nullable Layout lastHidden,
      @Nullable Layout lastCell) {}

  private Recurrences() {}

  /** A layer of {@code cell}s. */
  public static Primitive layer(Cell cell, Direction direction, Layouts layouts) {
    return switch (cell) {
      case LSTM -> lstm(direction, layouts);
      case GRU -> gru(direction, layouts);
      case GRU_RESET_AFTER -> gruResetAfter(direction, layouts);
      case RNN_TANH -> rnn(dnnl.algorithm.eltwise_tanh, direction, layouts);
      case RNN_RELU -> rnn(dnnl.algorithm.eltwise_relu, direction, layouts);
      case RNN_SIGMOID -> rnn(dnnl.algorithm.eltwise_logistic, direction, layouts);
    };
  }

  private static Primitive lstm(Direction direction, Layouts l) {
    return Primitives.compile(
        "lstm",
        new Attributes(),
        attr ->
            l.peephole == null
                ? new lstm_forward.primitive_desc(
                    Native.cpu(),
                    dnnl.prop_kind.forward_inference,
                    direction.code,
                    l.source.desc(),
                    desc(l.hidden),
                    desc(l.cell),
                    l.weights.desc(),
                    l.recurrent.desc(),
                    l.bias.desc(),
                    l.destination.desc(),
                    desc(l.lastHidden),
                    desc(l.lastCell),
                    attr,
                    false)
                : new lstm_forward.primitive_desc(
                    Native.cpu(),
                    dnnl.prop_kind.forward_inference,
                    direction.code,
                    l.source.desc(),
                    desc(l.hidden),
                    desc(l.cell),
                    l.weights.desc(),
                    l.recurrent.desc(),
                    l.peephole.desc(),
                    l.bias.desc(),
                    l.destination.desc(),
                    desc(l.lastHidden),
                    desc(l.lastCell),
                    attr,
                    false),
        lstm_forward::new);
  }

  private static Primitive gru(Direction direction, Layouts l) {
    return Primitives.compile(
        "gru",
        new Attributes(),
        attr ->
            new gru_forward.primitive_desc(
                Native.cpu(),
                dnnl.prop_kind.forward_inference,
                direction.code,
                l.source.desc(),
                desc(l.hidden),
                l.weights.desc(),
                l.recurrent.desc(),
                l.bias.desc(),
                l.destination.desc(),
                desc(l.lastHidden),
                attr,
                false),
        gru_forward::new);
  }

  private static Primitive gruResetAfter(Direction direction, Layouts l) {
    return Primitives.compile(
        "gru",
        new Attributes(),
        attr ->
            new lbr_gru_forward.primitive_desc(
                Native.cpu(),
                dnnl.prop_kind.forward_inference,
                direction.code,
                l.source.desc(),
                desc(l.hidden),
                l.weights.desc(),
                l.recurrent.desc(),
                l.bias.desc(),
                l.destination.desc(),
                desc(l.lastHidden),
                attr,
                false),
        lbr_gru_forward::new);
  }

  private static Primitive rnn(dnnl.algorithm function, Direction direction, Layouts l) {
    return Primitives.compile(
        "rnn",
        new Attributes(),
        attr ->
            new vanilla_rnn_forward.primitive_desc(
                Native.cpu(),
                dnnl.prop_kind.forward_inference,
                function,
                direction.code,
                l.source.desc(),
                desc(l.hidden),
                l.weights.desc(),
                l.recurrent.desc(),
                l.bias.desc(),
                l.destination.desc(),
                desc(l.lastHidden),
                attr,
                false),
        vanilla_rnn_forward::new);
  }

  private static memory.desc desc(@Nullable Layout layout) {
    return layout == null ? new memory.desc() : layout.desc();
  }
}
