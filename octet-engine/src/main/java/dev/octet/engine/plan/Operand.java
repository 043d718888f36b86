package dev.octet.engine.plan;

import dev.octet.graph.DataType;
import dev.octet.graph.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What the compiler knows of a value: type, dimensions, and where its elements come from.
 *
 * <p>An operand is a constant, or lies in memory in one or more layouts, or is a view that costs
 * nothing until somebody asks for it in memory: the real numbers that some integers mean (after
 * DequantizeLinear), or the integers that some real numbers become (after QuantizeLinear).
 */
public final class Operand {
  private final DataType type;
  private final long[] dims;
  final @Nullable Operand source;
  final @Nullable Quantization quantization;
  @Nullable Tensor constant;
  private final @Nullable Coded coded;
  final List<Stored> forms = new ArrayList<>();

  private Operand(
      DataType type,
      long[] dims,
      @Nullable Operand source,
      @Nullable Quantization quantization,
      @Nullable Tensor constant,
      @Nullable Coded coded) {
    this.type = type;
    this.dims = dims;
    this.source = source;
    this.quantization = quantization;
    this.constant = constant;
    this.coded = coded;
  }

  /** A tensor known at compile time. */
  public static Operand constant(Tensor tensor) {
    return new Operand(tensor.type(), tensor.shape(), null, null, tensor, null);
  }

  /** A tensor that lies in memory once the steps emitted so far have run. */
  public static Operand stored(Stored stored) {
    return stored(stored, stored.layout().dims());
  }

  /** The same under dimensions that differ from the layout's by how a scalar is written. */
  static Operand stored(Stored stored, long[] dims) {
    Operand operand = new Operand(stored.layout().type(), dims, null, null, null, null);
    operand.forms.add(stored);
    return operand;
  }

  /** The real numbers that {@code integers} mean under {@code quantization}. */
  public static Operand dequantized(Operand integers, Quantization quantization) {
    return new Operand(DataType.FLOAT, integers.dims, integers, quantization, null, null);
  }

  /** The integers that {@code reals} become under {@code quantization}. */
  public static Operand quantized(Operand reals, Quantization quantization) {
    return new Operand(quantization.type(), reals.dims, reals, quantization, null, null);
  }

  /** Constant floats that are kept as {@code coded}, and become floats where somebody asks. */
  public static Operand coded(Coded coded) {
    return new Operand(DataType.FLOAT, coded.codes().shape(), null, null, null, coded);
  }

  /** Where these are constant floats kept in fewer bits: how; null otherwise. */
  public @Nullable Coded coded() {
    return coded;
  }

  /** The tensor of the model that {@link #real} comes from, by which packed forms are found. */
  public @Nullable Tensor origin() {
    if (coded != null) {
      return coded.codes();
    }
    return source != null && source.constant != null ? source.constant : constant;
  }

  /** How {@link #real} comes from {@link #origin}. */
  public String derivation() {
    if (coded != null) {
      return coded.derivation();
    }
    return source != null && source.constant != null ? "real " + quantization : "";
  }

  /** The element type, as the graph sees it. */
  public DataType type() {
    return type;
  }

  /** A copy of the dimensions. */
  public long[] dims() {
    return dims.clone();
  }

  /** Number of dimensions. */
  public int rank() {
    return dims.length;
  }

  /** The size of dimension {@code axis}. */
  public long dim(int axis) {
    return dims[axis];
  }

  /** Number of elements. */
  public long elements() {
    long product = 1;
    for (long dim : dims) {
      product *= dim;
    }
    return product;
  }

  /**
   * The tensor, where it is known at compile time; for reals held as integers see {@link #real}.
   */
  public @Nullable Tensor constant() {
    return constant;
  }

  /**
   * Where these are real numbers held as integers: how. A lowering that can compute with integers
   * reads {@link #integers} instead of the floats.
   */
  public @Nullable Quantization quantization() {
    return isReal() ? quantization : null;
  }

  /** The integers behind {@link #quantization()}; null where there are none. */
  public @Nullable Operand integers() {
    return isReal() ? source : null;
  }

  /** Whether it is a float tensor. */
  private boolean isReal() {
    return type == DataType.FLOAT;
  }

  /** Whether {@link #real} knows the value, which this does not compute. */
  public boolean isConstant() {
    Operand integers = integers();
    return constant != null
        || coded != null
        || (integers != null && quantization != null && integers.constant != null);
  }

  /**
   * The value as a float tensor where it is known at compile time, dequantized if it is held as
   * integers; null otherwise. Large weights are many megabytes then: ask {@link #isConstant} where
   * that is the question.
   */
  public @Nullable Tensor real() {
    Operand integers = integers();
    Quantization q = quantization;
    if (constant == null && integers != null && q != null && integers.constant != null) {
      constant = Constants.dequantize(integers.constant, q);
    }
    if (constant == null && coded != null) {
      constant = coded.decode();
    }
    return constant;
  }

  /** Whether it depends on {@code buffer}. */
  boolean uses(Buffer buffer) {
    return forms.stream().anyMatch(form -> form.buffer() == buffer)
        || (source != null && source.uses(buffer));
  }
}
