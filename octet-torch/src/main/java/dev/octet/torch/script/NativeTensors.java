package dev.octet.torch.script;

import dev.octet.graph.DataType;
import dev.octet.graph.Tensor;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/** Reads LibTorch's tensors, checked: native code reads past the end of a damaged one. */
final class NativeTensors {

  private NativeTensors() {}

  /** ONNX's name for a native element type, or null where there is none. */
  static @Nullable DataType dataType(ScalarType type) {
    return switch (type.intern()) {
      case Float -> DataType.FLOAT;
      case Double -> DataType.DOUBLE;
      case Half -> DataType.FLOAT16;
      case BFloat16 -> DataType.BFLOAT16;
      case Bool -> DataType.BOOL;
      case Byte -> DataType.UINT8;
      case Char -> DataType.INT8;
      case Short -> DataType.INT16;
      case Int -> DataType.INT32;
      case Long -> DataType.INT64;
      default -> null;
    };
  }

  /** LibTorch's name for an element type, or null where it has none to compute with. */
  static @Nullable ScalarType nativeType(DataType type) {
    return switch (type) {
      case FLOAT -> ScalarType.Float;
      case DOUBLE -> ScalarType.Double;
      case FLOAT16 -> ScalarType.Half;
      case BFLOAT16 -> ScalarType.BFloat16;
      case BOOL -> ScalarType.Bool;
      case UINT8 -> ScalarType.Byte;
      case INT8 -> ScalarType.Char;
      case INT16 -> ScalarType.Short;
      case INT32 -> ScalarType.Int;
      case INT64 -> ScalarType.Long;
      default -> null;
    };
  }

  /** Sizes of every dimension. */
  static long[] shape(org.bytedeco.pytorch.Tensor tensor) {
    long[] shape = new long[Math.toIntExact(tensor.dim())];
    for (int i = 0; i < shape.length; i++) {
      shape[i] = tensor.size(i);
    }
    return shape;
  }

  /** Sizes of every dimension, as a list. */
  static List<Long> shapeList(org.bytedeco.pytorch.Tensor tensor) {
    List<Long> shape = new ArrayList<>();
    for (long size : shape(tensor)) {
      shape.add(size);
    }
    return shape;
  }

  /**
   * Why reading {@code tensor}, which came from a file, would be unsafe or is not supported; null
   * if it may be used. A file gives offset, sizes and strides freely, and the loader does not hold
   * them against the size of the storage.
   */
  static @Nullable String fault(org.bytedeco.pytorch.Tensor tensor) {
    if (tensor.is_quantized()) {
      return "is a quantized tensor; convert the module before it was quantized, or with fake"
          + " quantization";
    }
    if (!tensor.is_cpu() || !tensor.has_storage()) {
      return "is no dense tensor on the CPU";
    }
    if (dataType(tensor.scalar_type()) == null) {
      return "has element type " + tensor.scalar_type().intern() + ", which ONNX models here lack";
    }
    long last = tensor.storage_offset();
    if (last < 0) {
      return "starts before its storage";
    }
    try {
      for (int i = 0; i < tensor.dim(); i++) {
        if (tensor.size(i) < 0 || tensor.stride(i) < 0) {
          return "has a negative size or stride";
        }
      }
      if (tensor.numel() == 0) {
        return null;
      }
      long elements = 1;
      for (int i = 0; i < tensor.dim(); i++) {
        elements = Math.multiplyExact(elements, tensor.size(i));
        last = Math.addExact(last, Math.multiplyExact(tensor.size(i) - 1, tensor.stride(i)));
      }
      if (elements != tensor.numel()
          || Math.multiplyExact(Math.addExact(last, 1), tensor.itemsize())
              > tensor.storage().nbytes()) {
        return "reaches past the end of its storage";
      }
    } catch (ArithmeticException overflow) {
      return "has sizes that cannot be";
    }
    return null;
  }

  /**
   * A copy in Java's memory.
   *
   * @throws TorchScriptException if it holds 2 GB or more
   */
  static Tensor copy(org.bytedeco.pytorch.Tensor tensor) {
    DataType type = dataType(tensor.scalar_type());
    if (type == null) {
      throw new TorchScriptException("no ONNX type for " + tensor.scalar_type().intern());
    }
    long bytes = type.sizeBytes(tensor.numel());
    if (bytes > Integer.MAX_VALUE - 16) {
      throw new TorchScriptException(
          "a tensor of shape " + shapeList(tensor) + " has " + bytes + " bytes; 2 GB is the limit");
    }
    byte[] raw = new byte[(int) bytes];
    if (raw.length > 0) {
      try (org.bytedeco.pytorch.Tensor dense = tensor.contiguous();
          BytePointer data = new BytePointer(dense.data_ptr())) {
        data.capacity(bytes).get(raw);
      }
    }
    return Tensor.wrap(type, shape(tensor), ByteBuffer.wrap(raw));
  }
}
