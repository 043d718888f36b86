package dev.octet.workflows.pytorch.quantized;

import dev.octet.core.affine.QuantParams;
import dev.octet.torch.op.Tracer;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * What is known of the integers that come in. PyTorch's tensors bring their parameters along; ours
 * are real numbers, so that a module is told the parameters or learns them from a trace of the
 * model around it. An input of which nothing is known is taken as real numbers, which the engine
 * multiplies by the weights as real numbers.
 */
final class InputGrids {
  private final List<@Nullable QuantParams> known = new ArrayList<>();
  private final List<Boolean> given = new ArrayList<>();
  private final List<Boolean> varying = new ArrayList<>();
  private final Runnable changed;

  /**
   * The inputs of a module.
   *
   * @param params of each input, as far as they are known
   * @param count how many inputs there are; more than {@code params} stay unknown
   * @param changed called when something was learned
   */
  InputGrids(List<QuantParams> params, int count, Runnable changed) {
    if (params.size() > count) {
      throw new IllegalArgumentException(
          "parameters of " + params.size() + " inputs for a module of " + count);
    }
    for (int i = 0; i < count; i++) {
      boolean there = i < params.size();
      known.add(there ? Grid.of(params.get(i), "input " + i) : null);
      given.add(there);
      varying.add(false);
    }
    this.changed = changed;
  }

  /** What is known of each input. */
  synchronized List<@Nullable QuantParams> known() {
    return new ArrayList<>(known);
  }

  /** Whether all inputs are known. */
  synchronized boolean areKnown() {
    return known.stream().allMatch(each -> each != null);
  }

  /** Whether this is a module that was met with inputs of different parameters. */
  synchronized boolean vary() {
    return varying.contains(true);
  }

  /** An input on its grid, inside a trace, from which the parameters are learned. */
  Tensor onGrid(int index, Tensor x) {
    Tracer tracer = Tracer.current();
    Upstream above = tracer == null ? null : Upstream.of(tracer.value(x, "input " + index));
    QuantParams params = above == null ? at(index) : learned(index, above.params());
    if (params == null || (above != null && above.direct() && params.equals(above.params()))) {
      return x;
    }
    return Grid.round(x, params);
  }

  private synchronized @Nullable QuantParams at(int index) {
    return known.get(index);
  }

  /** What is to be used where a trace found parameters. */
  private QuantParams learned(int index, QuantParams found) {
    boolean change = false;
    synchronized (this) {
      QuantParams before = known.get(index);
      if (given.get(index) && before != null) {
        return before;
      }
      if (before == null && !varying.get(index)) {
        known.set(index, found);
        change = true;
      } else if (before != null && !before.equals(found)) {
        // Called in several places: by itself it cannot tell which.
        known.set(index, null);
        varying.set(index, true);
        change = true;
      }
    }
    if (change) {
      changed.run();
    }
    return found;
  }
}
