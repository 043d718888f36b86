package dev.octet.torch.graph;

import static java.util.Map.entry;

import dev.octet.graph.Attribute;
import dev.octet.torch.Tensors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/**
 * LSTM, GRU and RNN, step by step as the ONNX specification writes them; gates lie in the order i,
 * o, f, c (LSTM) and z, r, h (GRU).
 */
final class Recurrent {
  static final Map<String, Kernel> KERNELS =
      Map.<String, Kernel>ofEntries(
          entry("LSTM", Kernel.several(c -> new Recurrent(c, 4).run())),
          entry("GRU", Kernel.several(c -> new Recurrent(c, 3).run())),
          entry("RNN", Kernel.several(c -> new Recurrent(c, 1).run())));

  private static final Map<String, List<String>> DEFAULTS =
      Map.of(
          "LSTM", List.of("Sigmoid", "Tanh", "Tanh"),
          "GRU", List.of("Sigmoid", "Tanh"),
          "RNN", List.of("Tanh"));

  private final Call c;
  private final int gates;
  private final boolean batchFirst;
  private final Tensor x;
  private final long steps;
  private final long batch;
  private final long hidden;

  private Recurrent(Call c, int gates) {
    this.c = c;
    this.gates = gates;
    batchFirst = c.integer("layout", 0) != 0;
    x = batchFirst ? c.in(0).transpose(0, 1) : c.in(0);
    long[] shape = Tensors.shape(x);
    long[] weight = Tensors.shape(c.in(2));
    if (shape.length != 3 || weight.length != 3) {
      throw new IllegalArgumentException("input and recurrent weights must have three axes");
    }
    steps = shape[0];
    batch = shape[1];
    hidden = weight[2];
  }

  /** Names of activations that a node may choose. */
  static boolean knowsActivations(dev.octet.graph.Node node) {
    return !(node.attribute("activations") instanceof Attribute.StringList list)
        || list.values().stream()
            .allMatch(
                name -> List.of("sigmoid", "tanh", "relu").contains(name.toLowerCase(Locale.ROOT)));
  }

  private List<Tensor> run() {
    String direction = c.text("direction", "forward");
    int directions = direction.equals("bidirectional") ? 2 : 1;
    List<Tensor> all = new ArrayList<>();
    List<Tensor> lastHidden = new ArrayList<>();
    List<Tensor> lastCell = new ArrayList<>();
    for (int d = 0; d < directions; d++) {
      boolean back = d == 1 || direction.equals("reverse");
      Tensor[] made = direction(d, back);
      all.add(made[0]);
      lastHidden.add(made[1]);
      lastCell.add(made[2]);
    }
    Tensor y = stack(all, 1); // [steps, directions, batch, hidden]
    Tensor h = stack(lastHidden, 0);
    Tensor cell = stack(lastCell, 0);
    return batchFirst
        ? List.of(y.permute(2, 0, 1, 3), h.transpose(0, 1), cell.transpose(0, 1))
        : List.of(y, h, cell);
  }

  private static Tensor stack(List<Tensor> parts, long axis) {
    return torch.stack(new TensorVector(parts.toArray(new Tensor[0])), axis);
  }

  /** All hidden states, the last one and, of an LSTM, the last cell state. */
  private Tensor[] direction(int d, boolean back) {
    Tensor w = c.in(1).select(0, d);
    Tensor r = c.in(2).select(0, d);
    Tensor wBias = null;
    Tensor rBias = null;
    if (c.has(3)) {
      wBias = c.in(3).select(0, d).narrow(0, 0, gates * hidden);
      rBias = c.in(3).select(0, d).narrow(0, gates * hidden, gates * hidden);
    }
    Tensor h = initial(5, d);
    Tensor cell = initial(6, d);
    // The input's part of every step is one product.
    Tensor fromInput = x.matmul(w.t());
    if (wBias != null) {
      fromInput = fromInput.add(wBias);
    }
    Tensor lengths = c.has(4) ? c.in(4).reshape(-1, 1) : null;
    Tensor[] outputs = new Tensor[Math.toIntExact(steps)];
    Tensor rT = r.t();
    for (int i = 0; i < outputs.length; i++) {
      int step = back ? outputs.length - 1 - i : i;
      Tensor input = fromInput.select(0, step);
      Tensor nextCell = cell;
      Tensor next;
      switch (c.node().op()) {
        case "LSTM" -> {
          Tensor[] both = lstm(d, plus(input.add(h.matmul(rT)), rBias), cell);
          next = both[0];
          nextCell = both[1];
        }
        case "GRU" -> next = gru(d, input, h, rT, rBias);
        default -> next = activate(d, 0, plus(input.add(h.matmul(rT)), rBias));
      }
      Tensor output = next;
      if (lengths != null) {
        // A sample that has ended keeps its state and gives zeros.
        Tensor alive = lengths.gt(new Scalar(step));
        output = torch.where(alive, next, new Scalar(0));
        next = torch.where(alive, next, h);
        nextCell = torch.where(alive, nextCell, cell);
      }
      h = next;
      cell = nextCell;
      outputs[step] = output;
    }
    Tensor all =
        outputs.length == 0
            ? torch.zeros(new long[] {0, batch, hidden}, new TensorOptions(Tensors.type(x)))
            : stack(Arrays.asList(outputs), 0);
    return new Tensor[] {all, h, cell};
  }

  private Tensor[] lstm(int d, Tensor sums, Tensor cell) {
    Tensor inSum = gate(sums, 0);
    Tensor outSum = gate(sums, 1);
    Tensor forgetSum = gate(sums, 2);
    Tensor peephole = c.has(7) ? c.in(7).select(0, d) : null;
    if (peephole != null) {
      inSum = inSum.add(peephole.narrow(0, 0, hidden).mul(cell));
      forgetSum = forgetSum.add(peephole.narrow(0, 2 * hidden, hidden).mul(cell));
    }
    Tensor in = activate(d, 0, inSum);
    Tensor forget =
        c.integer("input_forget", 0) != 0 ? in.neg().add(new Scalar(1)) : activate(d, 0, forgetSum);
    Tensor candidate = activate(d, 1, gate(sums, 3));
    Tensor next = forget.mul(cell).add(in.mul(candidate));
    if (peephole != null) {
      outSum = outSum.add(peephole.narrow(0, hidden, hidden).mul(next));
    }
    Tensor out = activate(d, 0, outSum);
    return new Tensor[] {out.mul(activateUnclipped(d, 2, next)), next};
  }

  private Tensor gru(int d, Tensor input, Tensor h, Tensor rT, @Nullable Tensor rBias) {
    Tensor rzr = h.matmul(rT.narrow(1, 0, 2 * hidden));
    if (rBias != null) {
      rzr = rzr.add(rBias.narrow(0, 0, 2 * hidden));
    }
    Tensor update = activate(d, 0, gate(input, 0).add(gate(rzr, 0)));
    Tensor reset = activate(d, 0, gate(input, 1).add(gate(rzr, 1)));
    Tensor rH = rT.narrow(1, 2 * hidden, hidden);
    Tensor bH = rBias == null ? null : rBias.narrow(0, 2 * hidden, hidden);
    Tensor fromState =
        c.integer("linear_before_reset", 0) != 0
            ? reset.mul(plus(h.matmul(rH), bH))
            : plus(reset.mul(h).matmul(rH), bH);
    Tensor candidate = activate(d, 1, gate(input, 2).add(fromState));
    return update.neg().add(new Scalar(1)).mul(candidate).add(update.mul(h));
  }

  private Tensor initial(int input, int d) {
    if (!c.has(input)) {
      return torch.zeros(new long[] {batch, hidden}, new TensorOptions(Tensors.type(x)));
    }
    Tensor given = batchFirst ? c.in(input).transpose(0, 1) : c.in(input);
    return given.select(0, d);
  }

  private Tensor gate(Tensor sums, int index) {
    return sums.narrow(-1, index * hidden, hidden);
  }

  private static Tensor plus(Tensor sum, @Nullable Tensor bias) {
    return bias == null ? sum : sum.add(bias);
  }

  private Tensor activate(int d, int which, Tensor sum) {
    double clip = c.real("clip", 0);
    return activateUnclipped(
        d,
        which,
        clip > 0
            ? sum.clamp(new ScalarOptional(new Scalar(-clip)), new ScalarOptional(new Scalar(clip)))
            : sum);
  }

  private Tensor activateUnclipped(int d, int which, Tensor sum) {
    List<String> defaults = DEFAULTS.getOrDefault(c.node().op(), List.of());
    String name =
        c.node().attribute("activations") instanceof Attribute.StringList list
            ? list.values().get(d * defaults.size() + which)
            : defaults.get(which);
    return switch (name.toLowerCase(Locale.ROOT)) {
      case "sigmoid" -> torch.sigmoid(sum);
      case "relu" -> torch.relu(sum);
      default -> torch.tanh(sum);
    };
  }
}
