package dev.octet.graph.onnx;

import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.octet.graph.Bytes;
import dev.octet.graph.DataType;
import dev.octet.graph.Dimension;
import dev.octet.graph.ModelException;
import dev.octet.graph.ValueType;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Declared types between {@code TypeProto} and {@link ValueType}. */
final class TypeCodec {
  /** What some exporters write for a size that is not known. */
  private static final long DYNAMIC = -1;

  private TypeCodec() {}

  static @Nullable ValueType decode(TypeProto proto, String where) {
    if (proto.getValueCase() == TypeProto.ValueCase.VALUE_NOT_SET) {
      return proto.equals(TypeProto.getDefaultInstance()) ? null : opaque(proto);
    }
    if (!proto.hasTensorType()) {
      return opaque(proto);
    }
    TypeProto.Tensor tensor = proto.getTensorType();
    DataType element = null;
    if (tensor.getElemType() != 0) {
      element = DataType.ofCode(tensor.getElemType());
      if (element == null) {
        return opaque(proto);
      }
    }
    return new ValueType.TensorType(
        element, tensor.hasShape() ? shape(tensor.getShape(), where) : null);
  }

  private static ValueType opaque(TypeProto proto) {
    return new ValueType.Opaque(Bytes.copyOf(proto.toByteArray()));
  }

  private static List<Dimension> shape(TensorShapeProto proto, String where) {
    List<Dimension> dims = new ArrayList<>(proto.getDimCount());
    for (TensorShapeProto.Dimension dim : proto.getDimList()) {
      if (dim.hasDimParam()) {
        dims.add(
            new Dimension.Symbolic(Texts.name(dim.getDimParamBytes(), "dimension of " + where)));
      } else if (!dim.hasDimValue() || dim.getDimValue() == DYNAMIC) {
        dims.add(new Dimension.Unknown());
      } else if (dim.getDimValue() >= 0) {
        dims.add(new Dimension.Fixed(dim.getDimValue()));
      } else {
        throw new ModelException(
            where + " declares dimension " + dim.getDimValue() + "; sizes are 0 or more");
      }
    }
    return dims;
  }

  static TypeProto encode(ValueType type, String where) {
    if (type instanceof ValueType.Opaque opaque) {
      try {
        return TypeProto.parseFrom(opaque.encoded().toArray());
      } catch (InvalidProtocolBufferException e) {
        throw new ModelException(where + " has a type that does not decode", e);
      }
    }
    ValueType.TensorType tensor = (ValueType.TensorType) type;
    TypeProto.Tensor.Builder proto = TypeProto.Tensor.newBuilder();
    DataType element = tensor.elementType();
    if (element != null) {
      proto.setElemType(element.code());
    }
    List<Dimension> shape = tensor.shape();
    if (shape != null) {
      TensorShapeProto.Builder dims = proto.getShapeBuilder();
      shape.forEach(dim -> dims.addDim(encode(dim)));
    }
    return TypeProto.newBuilder().setTensorType(proto).build();
  }

  private static TensorShapeProto.Dimension encode(Dimension dim) {
    TensorShapeProto.Dimension.Builder proto = TensorShapeProto.Dimension.newBuilder();
    if (dim instanceof Dimension.Fixed fixed) {
      proto.setDimValue(fixed.size());
    } else if (dim instanceof Dimension.Symbolic symbolic) {
      proto.setDimParam(symbolic.name());
    }
    return proto.build();
  }
}
