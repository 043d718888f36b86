package dev.octet.graph.onnx;

import ai.onnx.proto.OnnxMl.TensorProto;
import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import dev.octet.graph.Bytes;
import dev.octet.graph.DataType;
import dev.octet.graph.Tensor;
import org.jspecify.annotations.Nullable;

/** Turns {@link Tensor} into {@code TensorProto}, always as raw data: one layout for every type. */
final class TensorEncoder {
  private final @Nullable ExternalLayout layout;
  private final String location;

  private TensorEncoder(@Nullable ExternalLayout layout, String location) {
    this.layout = layout;
    this.location = location;
  }

  /** Keeps all elements in the model. */
  static TensorEncoder embedding() {
    return new TensorEncoder(null, "");
  }

  /** Refers to the file called {@code location} for the initializers that {@code layout} places. */
  static TensorEncoder referring(ExternalLayout layout, String location) {
    return new TensorEncoder(layout, location);
  }

  /** Fills type, dimensions and elements of {@code proto}; elements are not copied. */
  void encode(Tensor tensor, TensorProto.Builder proto) {
    describe(tensor, proto);
    if (tensor.type() == DataType.STRING) {
      for (Bytes text : tensor.strings()) {
        proto.addStringData(ByteString.copyFrom(text.toArray()));
      }
    } else {
      proto.setRawData(UnsafeByteOperations.unsafeWrap(tensor.data()));
    }
  }

  /** The same for an initializer, whose elements may lie in the external file. */
  void encodeInitializer(Tensor tensor, TensorProto.Builder proto) {
    Long offset = layout == null ? null : layout.offset(tensor);
    if (offset == null) {
      encode(tensor, proto);
      return;
    }
    describe(tensor, proto);
    proto.setDataLocation(TensorProto.DataLocation.EXTERNAL);
    entry(proto, "location", location);
    entry(proto, "offset", Long.toString(offset));
    entry(proto, "length", Long.toString(tensor.sizeBytes()));
  }

  private static void entry(TensorProto.Builder proto, String key, String value) {
    proto.addExternalDataBuilder().setKey(key).setValue(value);
  }

  private static void describe(Tensor tensor, TensorProto.Builder proto) {
    proto.setDataType(tensor.type().code());
    for (long dim : tensor.shape()) {
      proto.addDims(dim);
    }
  }
}
