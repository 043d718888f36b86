package dev.octet.torch.nn;

import dev.octet.torch.Tensors;
import dev.octet.torch.op.Ops;
import java.util.Arrays;
import java.util.List;
import java.util.function.BinaryOperator;
import java.util.function.Consumer;
import java.util.function.Function;
import org.bytedeco.pytorch.Tensor;

/**
 * An operation of {@link Ops} without parameters, as a layer: so that a network has a place of its
 * own for it, with a name, whose output can be observed and quantized. {@link Add}, {@link Mul},
 * {@link Concat} and {@link MatMul} are layers by themselves, since their inputs are quantized too.
 */
public final class Operation extends Module {
  private final String name;
  private final String settings;
  private final Function<Tensor[], Tensor> function;

  private Operation(String name, String settings, Function<Tensor[], Tensor> function) {
    this.name = name;
    this.settings = settings;
    this.function = function;
  }

  /**
   * Any operation.
   *
   * @param name as the layer prints itself
   * @param function of the inputs; it computes by {@link Ops}, so that a trace follows it
   */
  public static Operation of(String name, Function<Tensor[], Tensor> function) {
    return new Operation(name, "", function);
  }

  /** The first input less all others, broadcast. */
  public static Operation sub() {
    return folding("Sub", Ops::sub);
  }

  /** The first input divided by all others, broadcast. */
  public static Operation div() {
    return folding("Div", Ops::div);
  }

  /** The inputs, of one shape, along a new dimension. */
  public static Operation stack(int dim) {
    return new Operation("Stack", "dim=" + dim, inputs -> Ops.stack(List.of(inputs), dim));
  }

  /**
   * One of the parts of about equal size that {@link Ops#chunk} makes.
   *
   * @param index of the part, from 0
   */
  public static Operation chunk(int chunks, int dim, int index) {
    return part(
        "Chunk",
        "chunks=" + chunks,
        dim,
        Inputs.atLeast(0, "the index", index),
        x -> Ops.chunk(x, chunks, dim));
  }

  /**
   * One of the parts of a size that {@link Ops#split} makes.
   *
   * @param index of the part, from 0
   */
  public static Operation split(long size, int dim, int index) {
    return part(
        "Split",
        "split_size=" + size,
        dim,
        Inputs.atLeast(0, "the index", index),
        x -> Ops.split(x, size, dim));
  }

  /** The mean over dimensions; {@code keepDims} leaves them with one element. */
  public static Operation mean(boolean keepDims, long... dims) {
    return over("Mean", "", keepDims, dims, x -> Ops.mean(x, keepDims, dims));
  }

  /**
   * The p-norm {@code (Σ|x|^p)^(1/p)} over dimensions.
   *
   * @param p above 0; infinity for the largest magnitude
   */
  public static Operation norm(double p, boolean keepDims, long... dims) {
    if (!(p > 0)) {
      throw new IllegalArgumentException("p is " + p + ", not above 0");
    }
    return over("Norm", "p=" + p + ", ", keepDims, dims, x -> norm(x, p, keepDims, dims));
  }

  private static Tensor norm(Tensor x, double p, boolean keepDims, long... dims) {
    if (p == 2) {
      return Ops.sqrt(Ops.sum(Ops.mul(x, x), keepDims, dims));
    }
    Tensor magnitudes = Ops.abs(x);
    if (Double.isInfinite(p)) {
      return Ops.amax(magnitudes, keepDims, dims);
    }
    return p == 1
        ? Ops.sum(magnitudes, keepDims, dims)
        : Ops.pow(Ops.sum(Ops.pow(magnitudes, p), keepDims, dims), 1 / p);
  }

  /** The input as it is, after its type and shape were told to {@code sink}. */
  public static Operation print(Consumer<String> sink) {
    return new Operation(
        "Print",
        "",
        inputs -> {
          Tensor x = one(inputs);
          sink.accept(Tensors.describe(x));
          return x;
        });
  }

  private static Operation folding(String name, BinaryOperator<Tensor> operator) {
    return new Operation(
        name,
        "",
        inputs -> {
          if (inputs.length < 2) {
            throw new IllegalArgumentException("it takes 2 inputs or more, not " + inputs.length);
          }
          return Arrays.stream(inputs).reduce(operator).orElseThrow();
        });
  }

  private static Operation part(
      String name, String how, int dim, long index, Function<Tensor, List<Tensor>> parts) {
    return new Operation(
        name,
        how + ", dim=" + dim + ", index=" + index,
        inputs -> {
          List<Tensor> all = parts.apply(one(inputs));
          if (index >= all.size()) {
            throw new IllegalArgumentException(
                "there is no part "
                    + index
                    + " of "
                    + Tensors.describe(inputs[0])
                    + ", of which "
                    + all.size()
                    + " are made");
          }
          return all.get((int) index);
        });
  }

  private static Operation over(
      String name, String how, boolean keepDims, long[] dims, Function<Tensor, Tensor> function) {
    return new Operation(
        name,
        how + "dims=" + Arrays.toString(dims) + (keepDims ? ", keepdim" : ""),
        inputs -> function.apply(one(inputs)));
  }

  private static Tensor one(Tensor[] inputs) {
    if (inputs.length != 1) {
      throw new IllegalArgumentException("it takes 1 input, not " + inputs.length);
    }
    return inputs[0];
  }

  @Override
  protected Tensor forward(Tensor[] inputs) {
    return function.apply(inputs);
  }

  @Override
  protected String settings() {
    return settings;
  }

  @Override
  public String toString() {
    return name + "(" + settings + ")";
  }
}
