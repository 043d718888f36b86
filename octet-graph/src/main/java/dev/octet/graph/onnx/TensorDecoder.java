package dev.octet.graph.onnx;

import ai.onnx.proto.OnnxMl.StringStringEntryProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import dev.octet.graph.Bytes;
import dev.octet.graph.DataType;
import dev.octet.graph.ModelException;
import dev.octet.graph.Tensor;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Turns {@code TensorProto} into {@link Tensor}, wherever and however its elements are stored. */
final class TensorDecoder {
  private static final Pattern NUMBER = Pattern.compile("[0-9]{1,18}");

  private final Budget budget;
  private final ExternalData external;
  private int externalCount;

  TensorDecoder(Budget budget, ExternalData external) {
    this.budget = budget;
    this.external = external;
  }

  Budget budget() {
    return budget;
  }

  /** How many tensors with external data were decoded. */
  int externalCount() {
    return externalCount;
  }

  /** Whether this version knows the element type, so that {@link #decode} can take the tensor. */
  static boolean knows(TensorProto proto) {
    return DataType.ofCode(proto.getDataType()) != null;
  }

  /**
   * The tensor; {@code where} names it in messages.
   *
   * @throws ModelException if shape, type and data do not agree
   */
  Tensor decode(TensorProto proto, String where) {
    DataType type = DataType.ofCode(proto.getDataType());
    if (type == null) {
      throw new ModelException(
          where
              + " has element type "
              + proto.getDataType()
              + ", which this version does not know");
    }
    if (proto.hasSegment()) {
      throw new ModelException(
          where + " is stored in segments, which no runtime reads; export the model again");
    }
    long[] shape = shape(proto, where);
    long count = count(shape, where);
    if (isExternal(proto)) {
      return decodeExternal(proto, type, shape, sizeBytes(type, count, where), where);
    }
    checkOneSource(proto, where);
    if (type == DataType.STRING) {
      return decodeStrings(proto, shape, count, where);
    }
    long size = sizeBytes(type, count, where);
    if (proto.hasRawData()) {
      if (proto.getRawData().size() != size) {
        throw new ModelException(
            where + " needs " + size + " bytes but has " + proto.getRawData().size());
      }
      return Tensor.wrap(type, shape, proto.getRawData().asReadOnlyByteBuffer());
    }
    return Tensor.wrap(type, shape, new TypedData(proto, type, where).toRaw(count));
  }

  static boolean isExternal(TensorProto proto) {
    return proto.getDataLocation() == TensorProto.DataLocation.EXTERNAL;
  }

  private static long[] shape(TensorProto proto, String where) {
    long[] shape = new long[proto.getDimsCount()];
    for (int i = 0; i < shape.length; i++) {
      shape[i] = proto.getDims(i);
      if (shape[i] < 0) {
        throw new ModelException(
            where + " has dimension " + shape[i] + " at axis " + i + "; sizes are 0 or more");
      }
    }
    return shape;
  }

  private static long count(long[] shape, String where) {
    long product = 1;
    boolean empty = false;
    try {
      for (long dim : shape) {
        empty |= dim == 0;
        product = Math.multiplyExact(product, Math.max(dim, 1));
      }
    } catch (ArithmeticException overflow) {
      throw new ModelException(where + " has more elements than can be counted", overflow);
    }
    return empty ? 0 : product;
  }

  private long sizeBytes(DataType type, long count, String where) {
    long size;
    try {
      size = type.sizeBytes(count);
    } catch (ArithmeticException overflow) {
      throw new ModelException(where + " has more bytes than can be counted", overflow);
    }
    if (size > budget.limits().maxTensorBytes()) {
      throw new ModelException(
          where
              + " needs "
              + size
              + " bytes; the limit (maxTensorBytes) is "
              + budget.limits().maxTensorBytes());
    }
    return size;
  }

  private static void checkOneSource(TensorProto proto, String where) {
    int sources =
        (proto.hasRawData() ? 1 : 0)
            + (proto.getFloatDataCount() > 0 ? 1 : 0)
            + (proto.getInt32DataCount() > 0 ? 1 : 0)
            + (proto.getInt64DataCount() > 0 ? 1 : 0)
            + (proto.getUint64DataCount() > 0 ? 1 : 0)
            + (proto.getDoubleDataCount() > 0 ? 1 : 0)
            + (proto.getStringDataCount() > 0 ? 1 : 0);
    if (sources > 1) {
      throw new ModelException(where + " carries its elements in " + sources + " fields at once");
    }
    if (proto.getExternalDataCount() > 0) {
      throw new ModelException(
          where + " names an external file but says that its data is inside the model");
    }
  }

  private static Tensor decodeStrings(TensorProto proto, long[] shape, long count, String where) {
    if (proto.hasRawData() || count != proto.getStringDataCount()) {
      throw new ModelException(
          where + " needs " + count + " texts but has " + proto.getStringDataCount());
    }
    List<Bytes> texts =
        proto.getStringDataList().stream().map(s -> Bytes.copyOf(s.toByteArray())).toList();
    return Tensor.ofStrings(shape, texts);
  }

  private Tensor decodeExternal(
      TensorProto proto, DataType type, long[] shape, long size, String where) {
    if (type == DataType.STRING) {
      throw new ModelException(where + " is text, which cannot lie in an external file");
    }
    Map<String, String> entries = new HashMap<>();
    for (StringStringEntryProto entry : proto.getExternalDataList()) {
      String key = Texts.name(entry.getKeyBytes(), "external data key of " + where);
      String text = Texts.text(entry.getValueBytes(), "external data entry of " + where);
      if (entries.put(key, text) != null) {
        throw new ModelException(where + " gives external data key '" + key + "' twice");
      }
    }
    String location = entries.get("location");
    if (location == null) {
      throw new ModelException(where + " lies in an external file that is not named");
    }
    if (proto.hasRawData() && proto.getRawData().size() > 0) {
      throw new ModelException(where + " has data both inside the model and in an external file");
    }
    long offset = number(entries.get("offset"), 0, "offset", where);
    long length = number(entries.get("length"), size, "length", where);
    if (length != size) {
      throw new ModelException(
          where + " needs " + size + " bytes but its external data has " + length);
    }
    budget.take(size, where);
    externalCount++;
    ByteBuffer data = external.read(location, offset, Math.toIntExact(size), where);
    return Tensor.wrap(type, shape, data);
  }

  private static long number(@Nullable String text, long otherwise, String key, String where) {
    if (text == null) {
      return otherwise;
    }
    if (!NUMBER.matcher(text).matches()) {
      throw new ModelException(
          where
              + " has external data "
              + key
              + " '"
              + Texts.shown(text)
              + "'; a whole number of at most 18 digits is needed");
    }
    return Long.parseLong(text);
  }

  /** What {@link Tensor} does not hold: documentation, metadata, unknown fields; maybe the name. */
  static TensorProto residue(TensorProto proto, boolean keepName) {
    TensorProto.Builder rest =
        proto.toBuilder()
            .clearDims()
            .clearDataType()
            .clearRawData()
            .clearFloatData()
            .clearInt32Data()
            .clearInt64Data()
            .clearUint64Data()
            .clearDoubleData()
            .clearStringData()
            .clearExternalData()
            .clearDataLocation();
    return (keepName ? rest : rest.clearName()).build();
  }
}
