package dev.octet.torch.script;

import dev.octet.graph.DataType;
import dev.octet.graph.Value;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A tensor of the script: what LibTorch made of it on the example inputs and, where it depends on
 * the inputs' values, the value of the graph that stands for it. Without such a value it is a
 * constant, and the native tensor holds its content.
 */
final class TracedTensor {
  private final Tensor nativeTensor;
  private final List<Long> shape;
  private final DataType type;
  private String origin;
  private @Nullable Value symbol;
  private @Nullable Value initializer;
  private boolean stale;

  TracedTensor(Tensor nativeTensor, String origin) {
    this.nativeTensor = nativeTensor;
    this.shape = NativeTensors.shapeList(nativeTensor);
    DataType known = NativeTensors.dataType(nativeTensor.scalar_type());
    if (known == null) {
      throw new TorchScriptException(
          "a tensor has element type " + nativeTensor.scalar_type().intern() + ", which ONNX lacks");
    }
    this.type = known;
    this.origin = origin;
  }

  Tensor nativeTensor() {
    return nativeTensor;
  }

  List<Long> shape() {
    return shape;
  }

  int rank() {
    return shape.size();
  }

  /** The size of dimension {@code axis}; a negative one counts from the last. */
  long size(int axis) {
    return shape.get(axis < 0 ? axis + rank() : axis);
  }

  /** Every size as an array. */
  long[] sizes() {
    return shape.stream().mapToLong(Long::longValue).toArray();
  }

  long elements() {
    return shape.stream().mapToLong(Long::longValue).reduce(1, (a, b) -> a * b);
  }

  DataType type() {
    return type;
  }

  boolean isConstant() {
    return symbol == null;
  }

  /** Where a constant comes from: the path of a module's attribute, or empty. */
  String origin() {
    return origin;
  }

  void setOrigin(String path) {
    origin = path;
  }

  @Nullable Value symbol() {
    return symbol;
  }

  /** From now on {@code value} of the graph stands for this tensor. */
  void bind(Value value) {
    symbol = value;
    stale = false;
  }

  @Nullable Value initializer() {
    return initializer;
  }

  void setInitializer(@Nullable Value value) {
    initializer = value;
  }

  /** Whether an operator has since written into the memory that this tensor shares. */
  boolean isStale() {
    return stale;
  }

  void makeStale() {
    stale = true;
  }

  /** Whether both look at the same memory. */
  boolean sharesMemory(TracedTensor other) {
    return nativeTensor.is_alias_of(other.nativeTensor);
  }
}
