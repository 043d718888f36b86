package dev.octet.torch.script;

import dev.octet.graph.DataType;
import dev.octet.graph.Value;
import java.util.List;
import java.util.function.Supplier;
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
  private final String origin;
  private final boolean owned;
  private @Nullable Supplier<Value> symbol;
  private @Nullable Value initializer;

  /**
   * A constant so far.
   *
   * @param origin what to call it in the graph; empty if nothing better than an operator's name
   * @param owned whether it belongs to the module rather than to one call
   */
  TracedTensor(Tensor nativeTensor, String origin, boolean owned) {
    this.nativeTensor = nativeTensor;
    this.shape = NativeTensors.shapeList(nativeTensor);
    DataType known = NativeTensors.dataType(nativeTensor.scalar_type());
    if (known == null) {
      throw new TorchScriptException(
          "a tensor has element type "
              + nativeTensor.scalar_type().intern()
              + ", which ONNX lacks");
    }
    this.type = known;
    this.origin = origin;
    this.owned = owned;
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

  /** What to call it in the graph: the path of a module's attribute, or empty. */
  String origin() {
    return origin;
  }

  /** Whether it is the module's own. */
  boolean isOwned() {
    return owned;
  }

  /** The value that stands for it; null for a constant. */
  @Nullable Value symbol() {
    if (symbol == null) {
      return null;
    }
    Value value = symbol.get();
    symbol = () -> value;
    return value;
  }

  /** From now on the value that {@code made} gives stands for this tensor. */
  void bind(Supplier<Value> made) {
    symbol = made;
  }

  /** From now on {@code value} stands for this tensor. */
  void bind(Value value) {
    symbol = () -> value;
  }

  /** The initializer that holds this constant, once there is one. */
  @Nullable Value initializer() {
    return initializer;
  }

  void setInitializer(@Nullable Value value) {
    initializer = value;
  }

  /** Whether both look at the same memory. */
  boolean sharesMemory(TracedTensor other) {
    return nativeTensor.is_alias_of(other.nativeTensor);
  }

  /** Whether it is all of its memory, in order. */
  boolean coversMemory() {
    return nativeTensor.storage_offset() == 0
        && nativeTensor.is_contiguous()
        && nativeTensor.nbytes() == nativeTensor.storage().nbytes();
  }

  /** Where each of its elements lies in its memory, in row-major order. */
  long[] addresses() {
    long[] addresses = new long[Math.toIntExact(elements())];
    int filled = Math.min(1, addresses.length);
    if (filled == 1) {
      addresses[0] = nativeTensor.storage_offset();
    }
    // Grown from the innermost axis outwards: each axis repeats what is there, moved by its stride.
    for (int axis = rank() - 1; axis >= 0; axis--) {
      long stride = nativeTensor.stride(axis);
      int block = filled;
      for (int i = 1; i < size(axis); i++) {
        for (int j = 0; j < block; j++) {
          addresses[filled++] = addresses[j] + i * stride;
        }
      }
    }
    return addresses;
  }
}
