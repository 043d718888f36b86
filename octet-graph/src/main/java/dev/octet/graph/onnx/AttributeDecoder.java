package dev.octet.graph.onnx;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.AttributeProto.AttributeType;
import ai.onnx.proto.OnnxMl.GraphProto;
import com.google.protobuf.ByteString;
import dev.octet.graph.Attribute;
import dev.octet.graph.Graph;
import dev.octet.graph.ModelException;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/** Turns {@code AttributeProto} into {@link Attribute}. */
final class AttributeDecoder {

  /** Reads a graph nested in an attribute. */
  @FunctionalInterface
  interface NestedGraphs {
    Graph decode(GraphProto proto);
  }

  private final TensorDecoder tensors;

  AttributeDecoder(TensorDecoder tensors) {
    this.tensors = tensors;
  }

  /**
   * The attribute; {@code where} names it in messages.
   *
   * @throws ModelException if it carries something else than its type says
   */
  Attribute decode(AttributeProto proto, NestedGraphs graphs, String where) {
    AttributeType type = type(proto, where);
    if (!proto.getRefAttrName().isEmpty()) {
      return opaque(proto, type);
    }
    return switch (type) {
      case INT -> new Attribute.IntValue(proto.getI());
      case FLOAT -> new Attribute.FloatValue(proto.getF());
      case STRING ->
          proto.getS().isValidUtf8()
              ? new Attribute.StringValue(proto.getS().toStringUtf8())
              : opaque(proto, type);
      case TENSOR ->
          proto.hasT() && TensorDecoder.knows(proto.getT())
              ? new Attribute.TensorValue(tensors.decode(proto.getT(), where))
              : opaque(proto, type);
      case GRAPH -> new Attribute.GraphValue(graphs.decode(proto.getG()));
      case INTS -> new Attribute.IntList(proto.getIntsList());
      case FLOATS -> new Attribute.FloatList(proto.getFloatsList());
      case STRINGS ->
          proto.getStringsList().stream().allMatch(ByteString::isValidUtf8)
              ? new Attribute.StringList(
                  proto.getStringsList().stream().map(ByteString::toStringUtf8).toList())
              : opaque(proto, type);
      case GRAPHS -> {
        List<Graph> nested = new ArrayList<>();
        for (GraphProto graph : proto.getGraphsList()) {
          nested.add(graphs.decode(graph));
        }
        yield new Attribute.GraphList(nested);
      }
      default -> opaque(proto, type);
    };
  }

  private Attribute opaque(AttributeProto proto, AttributeType type) {
    return new Attribute.Opaque(type.name(), tensors.budget().keep(proto));
  }

  private static AttributeType type(AttributeProto proto, String where) {
    Set<AttributeType> carried = carried(proto);
    AttributeType declared = proto.getType();
    if (declared == AttributeType.UNDEFINED) {
      if (carried.size() == 1) {
        return carried.iterator().next();
      }
      if (proto.getRefAttrName().isEmpty()) {
        throw new ModelException(where + " has no type");
      }
      return declared;
    }
    carried.remove(declared);
    if (!carried.isEmpty()) {
      throw new ModelException(
          where + " is declared " + declared + " but carries " + carried.iterator().next());
    }
    return declared;
  }

  private static Set<AttributeType> carried(AttributeProto proto) {
    Set<AttributeType> found = EnumSet.noneOf(AttributeType.class);
    note(found, proto.hasF(), AttributeType.FLOAT);
    note(found, proto.hasI(), AttributeType.INT);
    note(found, proto.hasS(), AttributeType.STRING);
    note(found, proto.hasT(), AttributeType.TENSOR);
    note(found, proto.hasG(), AttributeType.GRAPH);
    note(found, proto.hasSparseTensor(), AttributeType.SPARSE_TENSOR);
    note(found, proto.hasTp(), AttributeType.TYPE_PROTO);
    note(found, proto.getFloatsCount() > 0, AttributeType.FLOATS);
    note(found, proto.getIntsCount() > 0, AttributeType.INTS);
    note(found, proto.getStringsCount() > 0, AttributeType.STRINGS);
    note(found, proto.getTensorsCount() > 0, AttributeType.TENSORS);
    note(found, proto.getGraphsCount() > 0, AttributeType.GRAPHS);
    note(found, proto.getSparseTensorsCount() > 0, AttributeType.SPARSE_TENSORS);
    note(found, proto.getTypeProtosCount() > 0, AttributeType.TYPE_PROTOS);
    return found;
  }

  private static void note(Set<AttributeType> found, boolean present, AttributeType type) {
    if (present) {
      found.add(type);
    }
  }

  /**
   * What {@link Attribute} does not hold (documentation, a tensor's name, unknown fields) under the
   * attribute's name; without fields but the name where there is nothing.
   */
  static AttributeProto residue(AttributeProto proto) {
    AttributeProto.Builder rest =
        proto.toBuilder()
            .clearType()
            .clearF()
            .clearI()
            .clearS()
            .clearG()
            .clearT()
            .clearSparseTensor()
            .clearTp()
            .clearFloats()
            .clearInts()
            .clearStrings()
            .clearTensors()
            .clearGraphs()
            .clearSparseTensors()
            .clearTypeProtos()
            .clearRefAttrName();
    if (proto.hasT()) {
      var tensor = TensorDecoder.residue(proto.getT(), true);
      if (tensor.getSerializedSize() > 0) {
        rest.setT(tensor);
      }
    }
    return rest.build();
  }
}
