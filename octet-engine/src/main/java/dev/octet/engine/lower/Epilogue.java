package dev.octet.engine.lower;

import dev.octet.engine.dnnl.Args;
import dev.octet.engine.dnnl.Attributes;
import dev.octet.engine.dnnl.Attributes.Binary;
import dev.octet.engine.dnnl.Attributes.Eltwise;
import dev.octet.engine.dnnl.DnnlException;
import dev.octet.engine.dnnl.Layout;
import dev.octet.engine.plan.Compilation;
import dev.octet.engine.plan.Operand;
import dev.octet.engine.plan.Quantization;
import dev.octet.engine.plan.Stored;
import dev.octet.graph.DataType;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What follows a convolution or matrix product and can be done on each element before it is stored:
 * activations, the sum with a residual, and quantization.
 *
 * <p><b>Units.</b> Between the accumulator and the store a number may be counted in any unit;
 * {@link #unit} says which one the primitive's result must be in at first. With a residual of
 * integers the unit is the residual's scale, so that its integers are added as they are:
 *
 * <pre>
 *   y = s_out · (q − z_out),  q = rint(relu(s_x·s_w/s_r · acc + b/s_r + (q_r − z_r)) · s_r/s_out) + z_out
 * </pre>
 *
 * where a QuantizeLinear and DequantizeLinear stand between convolution and sum, the result is
 * counted in their scale first, rounded and clipped to their range, and only then converted: the
 * sum sees what ONNX says it sees. So does a function between two QuantizeLinear. Where that is a
 * clip, and both have the same parameters, it is one of integers, and nothing is rounded twice.
 */
final class Epilogue {
  private sealed interface Op {}

  private record Function(Eltwise function, float a, float b) implements Op {}

  private record Residual(Operand operand) implements Op {}

  private record Requantize(Quantization quantization) implements Op {}

  private final Compilation to;
  private final List<Op> ops = new ArrayList<>();
  private final List<Node> fused = new ArrayList<>();
  private Value last;
  private @Nullable Quantization written;

  private Epilogue(Compilation to, Value made) {
    this.to = to;
    this.last = made;
  }

  /**
   * Follows the readers of {@code made} as far as they can be fused; claims nothing yet.
   *
   * @param dims the dimensions of {@code made}
   * @param integers whether the primitive computes with integers, so that it can write them
   * @param residual whether a sum with another tensor may be fused
   */
  static Epilogue after(
      Value made, long[] dims, Compilation to, boolean integers, boolean residual) {
    Epilogue found = new Epilogue(to, made);
    boolean more = true;
    while (more) {
      more = found.step(dims, integers, residual);
    }
    return found;
  }

  /** Nothing fused: the primitive writes {@code made} as floats. */
  static Epilogue none(Value made, Compilation to) {
    return new Epilogue(to, made);
  }

  /**
   * Gives {@code attempt} one after the other until oneDNN has code for it.
   *
   * @return null where it had, else its last refusal
   */
  static @Nullable DnnlException first(List<Epilogue> candidates, Consumer<Epilogue> attempt) {
    DnnlException refused = null;
    for (Epilogue epilogue : candidates) {
      try {
        attempt.accept(epilogue);
        return null;
      } catch (DnnlException next) {
        refused = next;
      }
    }
    return refused;
  }

  /** The value that the primitive defines. */
  Value last() {
    return last;
  }

  /** How it is written; null for floats. */
  @Nullable Quantization written() {
    return written;
  }

  /** The element type that is stored. */
  DataType type() {
    return written == null ? DataType.FLOAT : written.type();
  }

  boolean hasResidual() {
    return ops.stream().anyMatch(op -> op instanceof Residual);
  }

  /** The layout in which a residual lies that the primitive could follow; null without one. */
  @Nullable Layout residualLayout() {
    for (Op op : ops) {
      if (op instanceof Residual residual) {
        Operand operand = residual.operand;
        Operand integers = operand.integers();
        return to.natural(integers == null ? operand : integers);
      }
    }
    return null;
  }

  /** In which unit the primitive's scaled sum and bias are to be. */
  float unit() {
    // Rounded before the sum: the first operation, which saves it a multiplication.
    return hasResidual() && ops.get(0) instanceof Requantize requantize
        ? requantize.quantization.scale()
        : residualUnit();
  }

  private float residualUnit() {
    for (Op op : ops) {
      if (op instanceof Residual residual) {
        Quantization q = residual.operand.quantization();
        return q == null ? 1 : q.scale();
      }
    }
    return 1;
  }

  /** The scale of the destination argument, or NaN where it has none. */
  private float destinationScale() {
    return written == null ? Float.NaN : written.scale() / residualUnit();
  }

  /**
   * Adds the post-operations to {@code attributes}, and their operands to {@code arguments}.
   * Residuals are converted to {@code layout}'s order where they do not lie so.
   */
  void apply(Attributes attributes, Map<Integer, Stored> arguments, @Nullable Layout layout) {
    apply(
        attributes,
        arguments,
        operand ->
            layout == null
                ? to.stored(operand)
                : to.stored(operand, layout.withType(operand.type())));
  }

  /** The same for a result that is written as a row-major matrix. */
  void applyAsMatrix(
      Attributes attributes, Map<Integer, Stored> arguments, long rows, long columns) {
    apply(
        attributes,
        arguments,
        operand ->
            new Stored(
                to.rowMajor(operand).buffer(), Layout.rowMajor(operand.type(), rows, columns)));
  }

  private void apply(
      Attributes attributes,
      Map<Integer, Stored> arguments,
      java.util.function.Function<Operand, Stored> place) {
    float unit = unit();
    float after = residualUnit();
    for (Op op : ops) {
      if (op instanceof Requantize requantize) {
        requantize(attributes, requantize.quantization, unit, after);
        unit = after;
      } else if (op instanceof Residual residual) {
        Operand operand = residual.operand;
        Quantization q = operand.quantization();
        Operand integers = operand.integers();
        Operand added = q == null || integers == null ? operand : integers;
        Stored stored = place.apply(added);
        arguments.put(attributes.binary(Binary.ADD, stored.layout()), stored);
        if (q != null && q.zeroPoint() != 0) {
          attributes.eltwise(Eltwise.LINEAR, 1, -q.zeroPoint());
        }
      } else if (op instanceof Function f) {
        apply(attributes, f, unit);
      }
    }
    Quantization q = written;
    if (q == null) {
      if (after != 1) {
        attributes.eltwise(Eltwise.LINEAR, after, 0);
      }
      return;
    }
    attributes.scale(Args.DST, 0);
    arguments.put(Args.scale(Args.DST), to.floats(destinationScale()));
    if (q.zeroPoint() != 0) {
      attributes.zeroPoint(Args.DST, 0);
      arguments.put(Args.zeroPoint(Args.DST), to.ints(q.zeroPoint()));
    }
  }

  private static void apply(Attributes attributes, Function f, float unit) {
    boolean bounds = f.function == Eltwise.CLIP;
    attributes.eltwise(f.function, bounds ? f.a / unit : f.a, bounds ? f.b / unit : f.b);
  }

  /** Rounds and clips to integers what is counted in {@code unit}, and counts it in another. */
  private static void requantize(Attributes attributes, Quantization q, float unit, float after) {
    if (unit != q.scale()) {
      attributes.eltwise(Eltwise.LINEAR, unit / q.scale(), 0);
    }
    attributes.eltwise(Eltwise.ROUND, 0, 0);
    attributes.eltwise(
        Eltwise.CLIP, q.lowest() - (float) q.zeroPoint(), q.highest() - (float) q.zeroPoint());
    if (q.scale() != after) {
      attributes.eltwise(Eltwise.LINEAR, q.scale() / after, 0);
    }
  }

  /** Whether every fused function commutes with a change of unit. */
  boolean isHomogeneous() {
    return !anyCurved();
  }

  /**
   * Adds the functions and the quantization for a primitive whose destination cannot have a scale:
   * both become post-operations, and the store rounds.
   *
   * @param first what the primitive's result is counted in before them
   */
  void applyWithoutScale(Attributes attributes, float first) {
    float unit = first;
    for (Op op : ops) {
      if (op instanceof Requantize requantize) {
        requantize(attributes, requantize.quantization, unit, 1);
        unit = 1;
      } else if (op instanceof Function f) {
        apply(attributes, f, unit);
      }
    }
    Quantization q = written;
    float factor = q == null ? unit : unit / q.scale();
    int zeroPoint = q == null ? 0 : q.zeroPoint();
    if (factor != 1 || zeroPoint != 0) {
      attributes.eltwise(Eltwise.LINEAR, factor, zeroPoint);
    }
  }

  /** Takes over the fused nodes and says where the result lies. */
  void finish(Stored result) {
    fused.forEach(to::claim);
    to.define(last, result);
  }

  // ---- recognition ----

  private boolean step(long[] dims, boolean integers, boolean residual) {
    if (written != null || last.isOutput()) {
      return false;
    }
    Node reader = to.onlyReader(last);
    if (reader == null) {
      return swish();
    }
    Value made = reader.outputs().isEmpty() ? null : reader.outputs().get(0);
    if (made == null || !reader.domain().isEmpty()) {
      return false;
    }
    if (reader.op().equals("QuantizeLinear")) {
      return integers && quantize(reader, made, dims, residual);
    }
    if (reader.op().equals("Add")) {
      return residual && !hasResidual() && add(reader, made, dims);
    }
    Activations.Shape shape = Activations.shape(reader, to);
    // What follows a sum of integers is counted in the residual's unit.
    if (shape == null || (!shape.homogeneous() && residualUnit() != 1)) {
      return false;
    }
    ops.add(new Function(shape.function(), shape.a(), shape.b()));
    take(made, reader);
    return true;
  }

  private void take(Value made, Node... nodes) {
    fused.addAll(Arrays.asList(nodes));
    last = made;
  }

  private boolean add(Node reader, Value made, long[] dims) {
    Operand other = other(reader, last, dims);
    if (other == null || (other.quantization() != null && anyCurved())) {
      return false;
    }
    ops.add(new Residual(other));
    take(made, reader);
    return true;
  }

  /** Whether a function was fused that does not commute with a change of unit. */
  private boolean anyCurved() {
    return ops.stream()
        .anyMatch(
            op ->
                op instanceof Function f
                    && f.function != Eltwise.RELU
                    && f.function != Eltwise.CLIP);
  }

  /** The other operand of a sum, where it is there already and has the same dimensions. */
  private @Nullable Operand other(Node sum, Value one, long[] dims) {
    Value value = sum.input(0) == one ? sum.input(1) : sum.input(0);
    Operand other = value == null || value == one ? null : to.known(value);
    if (other == null
        || other.type() != DataType.FLOAT
        || other.isConstant()
        || !Arrays.equals(other.dims(), dims)) {
      return null;
    }
    Quantization q = other.quantization();
    return q == null || (q.isPerTensor() && q.isByte()) ? other : null;
  }

  private boolean quantize(Node reader, Value made, long[] dims, boolean residual) {
    Quantization q = to.quantizationOf(reader);
    if (q == null || !q.isPerTensor() || !q.isByte() || reader.input(0) != last) {
      return false;
    }
    Node back = made.isOutput() ? null : to.onlyReader(made);
    Value real = back != null && back.is("DequantizeLinear") ? back.outputs().get(0) : null;
    Node next = real == null || real.isOutput() ? null : to.onlyReader(real);
    Value end = next == null || next.outputs().isEmpty() ? null : next.outputs().get(0);
    if (back != null
        && real != null
        && next != null
        && end != null
        && q.equals(back.input(0) == made ? sameParameters(back, reader, q) : null)) {
      if (residual && !hasResidual() && ops.isEmpty() && next.is("Add")) {
        Operand other = other(next, real, dims);
        if (other != null) {
          ops.add(new Requantize(q));
          ops.add(new Residual(other));
          take(end, reader, back, next);
          return true;
        }
      }
      Quantization then = to.target(end).quantization();
      if (then != null && then.isByte() && function(next, q, q.equals(then))) {
        take(end, reader, back, next);
        return true;
      }
    }
    if (!ops.isEmpty() && ops.get(ops.size() - 1) instanceof Function f && isSaturation(f, q)) {
      ops.remove(ops.size() - 1);
    }
    written = q;
    take(made, reader);
    return true;
  }

  /**
   * Adds the function {@code next} of the numbers that {@code q} leaves.
   *
   * @param same whether its result is quantized by {@code q} as well
   */
  private boolean function(Node next, Quantization q, boolean same) {
    Activations.Shape shape = next.domain().isEmpty() ? Activations.shape(next, to) : null;
    if (shape == null || (!shape.homogeneous() && residualUnit() != 1)) {
      return false;
    }
    boolean clips = shape.function() == Eltwise.CLIP;
    if (same && clips) {
      ops.add(new Function(Eltwise.CLIP, onGrid(shape.a(), q), onGrid(shape.b(), q)));
      return true;
    }
    if (!same || shape.function() != Eltwise.RELU || shape.a() != 0) {
      ops.add(new Requantize(q));
    }
    ops.add(new Function(shape.function(), shape.a(), shape.b()));
    return true;
  }

  /** {@code x} after {@code q} and back. */
  private static float onGrid(float x, Quantization q) {
    double integer = Math.rint(x / q.scale()) + q.zeroPoint();
    double kept = Math.max(q.lowest(), Math.min(q.highest(), integer));
    return (float) ((kept - q.zeroPoint()) * q.scale());
  }

  /** {@code q} where the DequantizeLinear undoes the QuantizeLinear, else null. */
  private @Nullable Quantization sameParameters(Node back, Node forth, Quantization q) {
    Tensor scale = to.constant(back, 1);
    Tensor zero = to.constant(back, 2);
    return scale != null
            && scale.equals(to.constant(forth, 1))
            && java.util.Objects.equals(zero, to.constant(forth, 2))
        ? q
        : null;
  }

  /** Whether the integers' own range cuts at least as much as {@code f} does. */
  private static boolean isSaturation(Function f, Quantization q) {
    double low = q.lowest() - q.zeroPoint();
    double high = q.highest() - q.zeroPoint();
    return switch (f.function) {
      case RELU -> f.a == 0 && low >= 0;
      case CLIP -> f.a / q.scale() <= low + 0.5 && f.b / q.scale() >= high - 0.5;
      default -> false;
    };
  }

  /** x·Sigmoid(x), whose x has two readers. */
  private boolean swish() {
    List<Node> readers = last.consumers();
    if (readers.size() != 2 || residualUnit() != 1) {
      return false;
    }
    for (int i = 0; i < 2; i++) {
      Node gate = readers.get(i);
      Node product = readers.get(1 - i);
      Value opening = gate.is("Sigmoid") ? gate.outputs().get(0) : null;
      Value made = product.is("Mul") ? product.outputs().get(0) : null;
      if (opening != null
          && made != null
          && !opening.isOutput()
          && opening.onlyConsumer() == product
          && product.inputs().contains(last)) {
        ops.add(new Function(Eltwise.SWISH, 1, 0));
        take(made, gate, product);
        return true;
      }
    }
    return false;
  }

  /** The unit and the operations, in a few words. */
  @Override
  public String toString() {
    return ops + " -> " + (written == null ? "float" : written);
  }
}
