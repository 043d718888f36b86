package dev.octet.engine.reference;

import dev.octet.graph.Attribute;
import dev.octet.graph.DataType;
import dev.octet.graph.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.DoubleUnaryOperator;

/**
 * LSTM, GRU and RNN in all directions, with sequence lengths and initial states. The state is
 * carried from step to step in double and rounded where it leaves the node.
 */
final class Recurrence {

  private Recurrence() {}

  static void register(Map<String, Operator> operators) {
    operators.put("LSTM", call -> run(call, 4, List.of("Sigmoid", "Tanh", "Tanh")));
    operators.put("GRU", call -> run(call, 3, List.of("Sigmoid", "Tanh")));
    operators.put("RNN", call -> run(call, 1, List.of("Tanh")));
  }

  /**
   * One direction of one layer: weights [gates * hidden, ...], both biases added up where they may.
   */
  private record Direction(
      Call call,
      int hidden,
      Array w,
      Array r,
      Array wb,
      Array rb,
      Array peep,
      List<DoubleUnaryOperator> f) {}

  private static List<Tensor> run(Call call, int gates, List<String> usual) {
    boolean batchFirst = call.flag("layout");
    Array x = batchFirst ? call.array(0).transpose(1, 0, 2) : call.array(0);
    Array w = call.array(1);
    Array r = call.array(2);
    int steps = x.shape[0];
    int batch = x.shape[1];
    int hidden = r.shape[2];
    String way = call.text("direction", "forward");
    int directions = way.equals("bidirectional") ? 2 : 1;
    Array bias = call.arrayOrZeros(3, directions, 2 * gates * hidden);
    Array h = state(call, 5, batchFirst, directions, batch, hidden);
    Array c = state(call, 6, batchFirst, directions, batch, hidden);
    Array peep = call.arrayOrZeros(7, directions, 3 * hidden);
    double[] full = new double[batch];
    Arrays.fill(full, steps);
    double[] lengths = call.has(4) ? call.array(4).values : full;
    Array y = Array.zeros(steps, directions, batch, hidden);
    for (int d = 0; d < directions; d++) {
      Array biases = part(bias, d);
      Direction direction =
          new Direction(
              call,
              hidden,
              part(w, d),
              part(r, d),
              new Array(new int[] {gates * hidden}, Arrays.copyOf(biases.values, gates * hidden)),
              new Array(
                  new int[] {gates * hidden},
                  Arrays.copyOfRange(biases.values, gates * hidden, 2 * gates * hidden)),
              part(peep, d),
              functions(call, usual, d));
      boolean backward = way.equals("reverse") || d == 1;
      for (int b = 0; b < batch; b++) {
        int at = (d * batch + b) * hidden;
        double[] hNow = Arrays.copyOfRange(h.values, at, at + hidden);
        double[] cNow = Arrays.copyOfRange(c.values, at, at + hidden);
        for (int k = 0; k < (int) lengths[b]; k++) {
          int t = backward ? (int) lengths[b] - 1 - k : k;
          int from = (t * batch + b) * x.shape[2];
          double[] input = Arrays.copyOfRange(x.values, from, from + x.shape[2]);
          hNow =
              switch (gates) {
                case 4 -> lstm(direction, input, hNow, cNow);
                case 3 -> gru(direction, input, hNow);
                default -> rnn(direction, input, hNow);
              };
          System.arraycopy(hNow, 0, y.values, ((t * directions + d) * batch + b) * hidden, hidden);
        }
        if ((int) lengths[b] == 0) {
          Arrays.fill(hNow, 0);
          Arrays.fill(cNow, 0);
        }
        System.arraycopy(hNow, 0, h.values, at, hidden);
        System.arraycopy(cNow, 0, c.values, at, hidden);
      }
    }
    DataType type = call.type();
    Tensor all = (batchFirst ? y.transpose(2, 0, 1, 3) : y).to(type);
    Tensor lastH = (batchFirst ? h.transpose(1, 0, 2) : h).to(type);
    Tensor lastC = (batchFirst ? c.transpose(1, 0, 2) : c).to(type);
    return List.of(all, lastH, lastC);
  }

  private static Array state(
      Call call, int index, boolean batchFirst, int directions, int batch, int hidden) {
    if (!call.has(index)) {
      return Array.zeros(directions, batch, hidden);
    }
    return batchFirst ? call.array(index).transpose(1, 0, 2) : call.array(index);
  }

  private static Array part(Array all, int direction) {
    int[] shape = Arrays.copyOfRange(all.shape, 1, all.rank());
    int size = Array.size(shape);
    return new Array(
        shape, Arrays.copyOfRange(all.values, direction * size, (direction + 1) * size));
  }

  /** Gates in the order input, output, forget, cell; changes {@code c}. */
  private static double[] lstm(Direction d, double[] x, double[] h, double[] c) {
    int n = d.hidden();
    double[] a = new double[4 * n];
    Arrays.setAll(
        a, i -> row(d.w(), i, x) + row(d.r(), i, h) + d.wb().values[i] + d.rb().values[i]);
    double[] p = d.peep().values;
    double[] next = new double[n];
    for (int i = 0; i < n; i++) {
      double in = d.f().get(0).applyAsDouble(clip(d, a[i] + p[i] * c[i]));
      double forget =
          d.call().flag("input_forget")
              ? 1 - in
              : d.f().get(0).applyAsDouble(clip(d, a[2 * n + i] + p[2 * n + i] * c[i]));
      c[i] = forget * c[i] + in * d.f().get(1).applyAsDouble(clip(d, a[3 * n + i]));
      double out = d.f().get(0).applyAsDouble(clip(d, a[n + i] + p[n + i] * c[i]));
      next[i] = out * d.f().get(2).applyAsDouble(c[i]);
    }
    return next;
  }

  /** Gates in the order update, reset, hidden. */
  private static double[] gru(Direction d, double[] x, double[] h) {
    int n = d.hidden();
    double[] wb = d.wb().values;
    double[] rb = d.rb().values;
    double[] gate = new double[2 * n];
    Arrays.setAll(
        gate,
        i ->
            d.f()
                .get(0)
                .applyAsDouble(clip(d, row(d.w(), i, x) + row(d.r(), i, h) + wb[i] + rb[i])));
    double[] kept = new double[n];
    Arrays.setAll(kept, i -> gate[n + i] * h[i]);
    double[] next = new double[n];
    for (int i = 0; i < n; i++) {
      int k = 2 * n + i;
      double recurrent =
          d.call().flag("linear_before_reset")
              ? gate[n + i] * (row(d.r(), k, h) + rb[k])
              : row(d.r(), k, kept) + rb[k];
      double made = d.f().get(1).applyAsDouble(clip(d, row(d.w(), k, x) + wb[k] + recurrent));
      next[i] = (1 - gate[i]) * made + gate[i] * h[i];
    }
    return next;
  }

  private static double[] rnn(Direction d, double[] x, double[] h) {
    double[] next = new double[d.hidden()];
    Arrays.setAll(
        next,
        i ->
            d.f()
                .get(0)
                .applyAsDouble(
                    clip(
                        d,
                        row(d.w(), i, x)
                            + row(d.r(), i, h)
                            + d.wb().values[i]
                            + d.rb().values[i])));
    return next;
  }

  private static double row(Array matrix, int row, double[] vector) {
    double sum = 0;
    for (int i = 0; i < vector.length; i++) {
      sum += matrix.values[row * vector.length + i] * vector[i];
    }
    return sum;
  }

  private static double clip(Direction d, double x) {
    double bound = d.call().real("clip", Double.POSITIVE_INFINITY);
    return Math.max(-bound, Math.min(bound, x));
  }

  /** The functions of one direction; parameters of functions are the usual ones. */
  private static List<DoubleUnaryOperator> functions(Call call, List<String> usual, int direction) {
    List<String> names = usual;
    if (call.node().attribute("activations") instanceof Attribute.StringList given) {
      names = given.values().subList(direction * usual.size(), (direction + 1) * usual.size());
    }
    return names.stream().map(Recurrence::function).toList();
  }

  private static DoubleUnaryOperator function(String name) {
    return switch (name) {
      case "Sigmoid" -> Activations::sigmoid;
      case "Tanh" -> Math::tanh;
      case "Relu" -> x -> Math.max(0, x);
      case "HardSigmoid" -> Activations.hardSigmoid(0.2f, 0.5);
      case "LeakyRelu" -> Activations.leaky(0.01f);
      case "Softsign" -> x -> x / (1 + Math.abs(x));
      case "Softplus" -> Activations::softplus;
      case "Elu" -> Activations.elu(1);
      default -> throw new IllegalArgumentException("unknown function " + name);
    };
  }
}
