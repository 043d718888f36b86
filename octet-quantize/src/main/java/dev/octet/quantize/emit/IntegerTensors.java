package dev.octet.quantize.emit;

import dev.octet.core.format.Int4;
import dev.octet.graph.DataType;
import dev.octet.graph.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Integers of few bits as ONNX tensors. */
final class IntegerTensors {
  private IntegerTensors() {}

  /**
   * The smallest ONNX type that holds codes of {@code bits} bits: 4-bit types for up to 4 bits
   * where {@code packed} allows them, else 8 bits, else 16.
   */
  static DataType typeFor(int bits, boolean signed) {
    if (bits <= 4) {
      return signed ? DataType.INT4 : DataType.UINT4;
    }
    if (bits <= 8) {
      return signed ? DataType.INT8 : DataType.UINT8;
    }
    return signed ? DataType.INT16 : DataType.UINT16;
  }

  /** The operator set in which Quantize/DequantizeLinear take {@code type}. */
  static long opsetFor(DataType type) {
    return switch (type) {
      case INT8, UINT8 -> 13;
      default -> 21;
    };
  }

  static Tensor of(DataType type, int[] codes, long... shape) {
    return switch (type) {
      case INT4, UINT4 -> Tensor.ofRaw(type, Int4.pack(codes), shape);
      case INT8, UINT8 -> {
        byte[] bytes = new byte[codes.length];
        for (int i = 0; i < codes.length; i++) {
          bytes[i] = (byte) codes[i];
        }
        yield Tensor.wrap(type, shape, ByteBuffer.wrap(bytes));
      }
      case INT16, UINT16 -> {
        ByteBuffer bytes = ByteBuffer.allocate(2 * codes.length).order(ByteOrder.LITTLE_ENDIAN);
        for (int code : codes) {
          bytes.putShort((short) code);
        }
        yield Tensor.wrap(type, shape, bytes.flip());
      }
      case INT32 -> Tensor.ofInts(codes, shape);
      default -> throw new IllegalArgumentException(type + " holds no quantized integers");
    };
  }

  /** The integers of {@code tensor}. */
  static int[] codes(Tensor tensor) {
    int count = Math.toIntExact(tensor.elementCount());
    if (tensor.type() == DataType.INT4 || tensor.type() == DataType.UINT4) {
      byte[] packed = new byte[(count + 1) / 2];
      tensor.data().get(packed);
      return Int4.unpack(packed, count, tensor.type() == DataType.INT4);
    }
    long[] wide = tensor.toLongs();
    int[] codes = new int[count];
    for (int i = 0; i < count; i++) {
      codes[i] = (int) wide[i];
    }
    return codes;
  }
}
