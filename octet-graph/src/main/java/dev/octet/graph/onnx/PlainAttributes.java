package dev.octet.graph.onnx;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.AttributeProto.AttributeType;
import com.google.protobuf.ByteString;
import dev.octet.graph.Attribute;

/** Encodes attributes that are numbers and texts. */
final class PlainAttributes {
  private PlainAttributes() {}

  static void encode(Attribute attribute, AttributeProto.Builder proto) {
    if (attribute instanceof Attribute.IntValue number) {
      proto.setType(AttributeType.INT).setI(number.value());
    } else if (attribute instanceof Attribute.FloatValue number) {
      proto.setType(AttributeType.FLOAT).setF(number.value());
    } else if (attribute instanceof Attribute.StringValue text) {
      proto.setType(AttributeType.STRING).setS(ByteString.copyFromUtf8(text.value()));
    } else if (attribute instanceof Attribute.IntList numbers) {
      proto.setType(AttributeType.INTS).addAllInts(numbers.values());
    } else if (attribute instanceof Attribute.FloatList numbers) {
      proto.setType(AttributeType.FLOATS).addAllFloats(numbers.values());
    } else if (attribute instanceof Attribute.StringList texts) {
      proto.setType(AttributeType.STRINGS);
      texts.values().forEach(text -> proto.addStrings(ByteString.copyFromUtf8(text)));
    } else {
      throw new IllegalArgumentException("attribute of kind " + attribute.kind() + " is not plain");
    }
  }
}
