package dev.octet.graph.onnx;

import ai.onnx.proto.OnnxMl.TensorProto;
import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import dev.octet.graph.Bytes;
import dev.octet.graph.DataType;
import dev.octet.graph.Tensor;

/** Turns {@link Tensor} into {@code TensorProto}, always as raw data: one layout for every type. */
class TensorEncoder {

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

  /** The same for an initializer, whose elements may go elsewhere. */
  void encodeInitializer(Tensor tensor, TensorProto.Builder proto) {
    encode(tensor, proto);
  }

  static void describe(Tensor tensor, TensorProto.Builder proto) {
    proto.setDataType(tensor.type().code());
    for (long dim : tensor.shape()) {
      proto.addDims(dim);
    }
  }
}
