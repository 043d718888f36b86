package dev.octet.workflows.pytorch.quantized;

import dev.octet.core.affine.QuantParams;
import dev.octet.torch.Tensors;
import dev.octet.torch.nn.Module;
import dev.octet.torch.op.Tracer;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * A module that computes on the engine, with integers where its inputs have known parameters. It
 * takes and gives real numbers of type Float; what it gives are multiples of its scale, but for
 * modules without parameters of the output.
 *
 * <p>In a trace it is its nodes, with QuantizeLinear and DequantizeLinear around, and learns from
 * the model around it the parameters of inputs that it was not told.
 *
 * <p>Gradients do not pass. Modes (training, eval) mean nothing to it.
 */
public abstract class QuantizedModule extends Module implements Quantized {
  private final InputGrids inputs;
  private final @Nullable QuantParams output;
  private final EngineCall engine;

  /**
   * For subclasses.
   *
   * @param inputs parameters of activations that come in, as far as they are known
   * @param count how many come in
   * @param output parameters of the result; null to leave it as it is computed
   * @param anySize as of {@link EngineCall}
   */
  QuantizedModule(
      List<QuantParams> inputs, int count, @Nullable QuantParams output, boolean anySize) {
    this.output = output == null ? null : Grid.of(output, "the output");
    engine = new EngineCall(this::reference, this::stateDict, anySize);
    this.inputs = new InputGrids(inputs, count, engine::reset);
  }

  /** The result of inputs on their grids, from tracked operations. */
  abstract Tensor compute(Tensor... x);

  /**
   * Makes sure that the computation can be given these inputs.
   *
   * @throws IllegalArgumentException if it cannot
   */
  void check(Tensor... x) {
    if (x.length != 1) {
      throw new IllegalArgumentException("it takes 1 input, not " + x.length);
    }
    real(x[0]);
  }

  /** What this module is. */
  @Override
  protected abstract Description extraState();

  /** A description of this kind with what all modules have. */
  final Description.Builder description(String kind) {
    return new Description.Builder(kind).inputs(inputs.known()).output(output);
  }

  static void real(Tensor x) {
    if (Tensors.type(x) != ScalarType.Float || x.numel() == 0) {
      throw new IllegalArgumentException(
          "it takes Float with at least one element, not " + Tensors.describe(x));
    }
  }

  @Override
  protected Tensor forward(Tensor[] x) {
    check(x);
    return Tracer.current() == null ? engine.run(x) : reference(x);
  }

  private Tensor reference(Tensor... x) {
    Tensor[] grids = x.clone();
    for (int i = 0; i < inputs.known().size(); i++) {
      grids[i] = inputs.onGrid(i, x[i]);
    }
    Tensor y = compute(grids);
    return output == null ? y : Grid.round(y, output);
  }

  /** Parameters of the output, where it has some. */
  public final @Nullable QuantParams output() {
    return output;
  }

  /** Parameters of the inputs that have some, as far as they are known. */
  public final List<@Nullable QuantParams> inputs() {
    return inputs.known();
  }

  /**
   * The integers that a result of this module holds.
   *
   * @throws IllegalStateException if it has no parameters
   */
  public final QuantizedTensor quantized(Tensor result) {
    if (output == null) {
      throw new IllegalStateException(this + " gives real numbers, which have no parameters");
    }
    return QuantizedTensor.quantizePerTensor(
        result, output.scale(0), output.zeroPoint(0), Grid.dtype(output));
  }

  /** Why it does not compute with integers; null where it does. */
  @Nullable String whyFloat() {
    if (inputs.areKnown()) {
      return null;
    }
    return inputs.vary()
        ? "it is called with inputs of different parameters; by itself it computes in floats, in a"
            + " compiled model with integers"
        : "the parameters of its input are not known: what comes in was not quantized, or nobody"
            + " traced the model since (see QuantizedModules.learnInputs)";
  }

  @Override
  protected void beforeLoad(String path, Map<String, Tensor> state) {
    engine.reset();
  }

  @Override
  protected void release() {
    engine.close();
  }

  /** For {@code settings()}: scale and zero point as PyTorch prints them. */
  final String scaleText() {
    return output == null
        ? ""
        : ", scale=" + output.scale(0) + ", zero_point=" + output.zeroPoint(0);
  }
}
