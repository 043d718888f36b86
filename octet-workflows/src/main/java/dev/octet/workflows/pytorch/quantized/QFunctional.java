package dev.octet.workflows.pytorch.quantized;

import dev.octet.core.affine.QuantParams;
import dev.octet.torch.op.Tracer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Operations whose results are integers of one scale and zero point; they run on the engine.
 *
 * <p>{@code addScalar} and {@code mulScalar} take no parameters of their own but change those of
 * their input, as PyTorch's do: adding moves the zero point (a number between two steps is rounded
 * to one), multiplying changes the scale. They need an input of known parameters and give real
 * numbers where there is none.
 */
public final class QFunctional extends Functional implements Quantized {
  static final String KIND = "QFunctional";

  private static final int MOST_INPUTS = 64;

  private final QuantParams output;
  private final Map<List<Object>, EngineCall> calls = new LinkedHashMap<>();
  private final InputGrids inputs;

  /**
   * Operations of a scale and zero point.
   *
   * @param inputs parameters of the operands, as far as they are known; others are learned
   */
  public QFunctional(QuantParams output, List<QuantParams> inputs) {
    this(output, inputs, null);
  }

  /**
   * The same, which computes an operation when it is called itself.
   *
   * @param called which, or null
   */
  public QFunctional(QuantParams output, List<QuantParams> inputs, @Nullable Call called) {
    super(called);
    this.output = Grid.of(output, "the output");
    this.inputs = new InputGrids(inputs, MOST_INPUTS, this::forget);
  }

  static QFunctional of(Parts parts) {
    Description is = parts.description();
    return new QFunctional(
        Description.need(is.knownOutput(), "output"), is.knownInputs(), is.call());
  }

  /** Parameters of the results. */
  public QuantParams output() {
    return output;
  }

  /** Parameters of the operands, as far as they are known. */
  public List<QuantParams> inputs() {
    List<QuantParams> known = new ArrayList<>();
    for (QuantParams each : inputs.known()) {
      if (each == null) {
        break;
      }
      known.add(each);
    }
    return known;
  }

  @Override
  protected Tensor compute(Operation operation, double number, Tensor... x) {
    for (Tensor each : x) {
      QuantizedModule.real(each);
    }
    if (x.length > MOST_INPUTS) {
      throw new IllegalArgumentException(
          "it joins at most " + MOST_INPUTS + " tensors, not " + x.length);
    }
    if (Tracer.current() != null) {
      return reference(operation, number, x);
    }
    EngineCall call;
    synchronized (calls) {
      call =
          calls.computeIfAbsent(
              List.of(operation, number, x.length),
              key -> new EngineCall(y -> reference(operation, number, y), this::stateDict, false));
    }
    return call.run(x);
  }

  private Tensor reference(Operation operation, double number, Tensor... given) {
    Tensor[] x = new Tensor[given.length];
    for (int i = 0; i < x.length; i++) {
      x[i] = inputs.onGrid(i, given[i]);
    }
    QuantParams result =
        switch (operation) {
          case ADD_SCALAR, MUL_SCALAR -> moved(operation, number, inputs.known().get(0));
          default -> output;
        };
    Tensor y = floatResult(operation, number, x);
    return result == null ? y : Grid.round(y, result);
  }

  /** Parameters of an input as adding or multiplying changes them, as LibTorch does it. */
  private static @Nullable QuantParams moved(
      Operation operation, double number, @Nullable QuantParams from) {
    if (from == null) {
      return null;
    }
    double scale = from.scale(0);
    int zero = from.zeroPoint(0);
    int qmin = from.qmin();
    int qmax = from.qmax();
    if (operation == Operation.MUL_SCALAR) {
      float changed = (float) (scale * Math.abs(number));
      if (!(changed >= Float.MIN_NORMAL)) {
        return QuantParams.affine(1, Math.max(qmin, Math.min(qmax, 0)), qmin, qmax);
      }
      return QuantParams.affine(changed, number < 0 ? qmax - (zero - qmin) : zero, qmin, qmax);
    }
    double steps = Math.rint(number / scale);
    double moved = zero - steps;
    if (moved < qmin) {
      return QuantParams.affine((float) ((qmax - moved) / (qmax - qmin) * scale), qmin, qmin, qmax);
    }
    if (moved > qmax) {
      return QuantParams.affine((float) ((moved - qmin) / (qmax - qmin) * scale), qmax, qmin, qmax);
    }
    return QuantParams.affine((float) scale, (int) moved, qmin, qmax);
  }

  private void forget() {
    synchronized (calls) {
      calls.values().forEach(EngineCall::reset);
    }
  }

  @Override
  protected Description extraState() {
    return new Description.Builder(KIND)
        .inputs(new ArrayList<>(inputs()))
        .output(output)
        .call(called())
        .build();
  }

  @Override
  protected void release() {
    synchronized (calls) {
      calls.values().forEach(EngineCall::close);
    }
  }

  @Override
  protected String settings() {
    return "scale=" + output.scale(0) + ", zero_point=" + output.zeroPoint(0);
  }
}
