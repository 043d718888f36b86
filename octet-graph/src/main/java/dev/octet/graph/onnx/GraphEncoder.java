package dev.octet.graph.onnx;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import dev.octet.graph.Attribute;
import dev.octet.graph.Bytes;
import dev.octet.graph.Graph;
import dev.octet.graph.ModelException;
import dev.octet.graph.Node;
import dev.octet.graph.Value;
import dev.octet.graph.ValueType;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Turns a {@link Graph} into {@code GraphProto}, with what was kept unread put back. */
final class GraphEncoder {
  private final TensorEncoder tensors;

  GraphEncoder(TensorEncoder tensors) {
    this.tensors = tensors;
  }

  GraphProto encode(Graph graph) {
    String where = "graph '" + graph.name() + "'";
    GraphProto.Builder proto = GraphProto.newBuilder();
    restore(proto, graph.extra(), where);
    List<ValueInfoProto> strays = List.copyOf(proto.getValueInfoList());
    proto.clearValueInfo().setName(graph.name());
    for (ValueInfoProto stray : strays) {
      if (graph.value(stray.getName()) == null) {
        proto.addValueInfo(stray);
      }
    }
    graph.nodes().forEach(node -> proto.addNode(encode(node)));
    graph.inputs().forEach(input -> proto.addInput(declaration(input)));
    graph.outputs().forEach(output -> proto.addOutput(declaration(output)));
    Set<Value> listed = new HashSet<>(graph.inputs());
    listed.addAll(graph.outputs());
    for (Value value : graph.values()) {
      if (value.initializer() != null) {
        proto.addInitializer(initializer(value));
      }
      if (!listed.contains(value) && (value.type() != null || hasDeclaration(value))) {
        proto.addValueInfo(declaration(value));
      }
    }
    return proto.build();
  }

  private TensorProto initializer(Value value) {
    TensorProto.Builder proto = TensorProto.newBuilder();
    GraphProto extra = extra(value);
    if (extra.getInitializerCount() > 0) {
      proto.mergeFrom(extra.getInitializer(0));
    }
    proto.setName(value.name());
    var tensor = value.initializer();
    if (tensor != null) {
      tensors.encodeInitializer(tensor, proto);
    }
    return proto.build();
  }

  private static boolean hasDeclaration(Value value) {
    return extra(value).getValueInfoCount() > 0;
  }

  /** Uses the file's own words as long as they still say the same. */
  private static ValueInfoProto declaration(Value value) {
    String where = "value '" + value.name() + "'";
    GraphProto extra = extra(value);
    ValueInfoProto.Builder proto = ValueInfoProto.newBuilder();
    if (extra.getValueInfoCount() > 0) {
      proto.mergeFrom(extra.getValueInfo(0));
    }
    proto.setName(value.name());
    ValueType type = value.type();
    if (type == null) {
      proto.clearType();
    } else if (!proto.hasType() || !type.equals(TypeCodec.decode(proto.getType(), where))) {
      proto.setType(TypeCodec.encode(type, where));
    }
    return proto.build();
  }

  private NodeProto encode(Node node) {
    String where = "node '" + node.label() + "'";
    NodeProto.Builder proto = NodeProto.newBuilder();
    restore(proto, node.extra(), where);
    Map<String, AttributeProto> residues = new HashMap<>();
    proto.getAttributeList().forEach(left -> residues.put(left.getName(), left));
    proto.clearAttribute().setOpType(node.op());
    if (!node.name().isEmpty()) {
      proto.setName(node.name());
    }
    if (!node.domain().isEmpty()) {
      proto.setDomain(node.domain());
    }
    for (Value input : node.inputs()) {
      proto.addInput(input == null ? "" : input.name());
    }
    for (Value output : node.outputs()) {
      proto.addOutput(output == null ? "" : output.name());
    }
    node.attributes()
        .forEach(
            (name, value) ->
                proto.addAttribute(
                    encode(
                        name,
                        value,
                        residues.getOrDefault(name, AttributeProto.getDefaultInstance()),
                        where)));
    return proto.build();
  }

  private AttributeProto encode(
      String name, Attribute attribute, AttributeProto residue, String where) {
    AttributeProto.Builder proto = AttributeProto.newBuilder();
    if (attribute instanceof Attribute.Opaque opaque) {
      restore(proto, opaque.encoded(), where + ", attribute '" + name + "'");
      return proto.setName(name).build();
    }
    proto.mergeFrom(residue).clearT().setName(name);
    if (attribute instanceof Attribute.GraphValue single) {
      proto.setType(AttributeProto.AttributeType.GRAPH).setG(encode(single.value()));
    } else if (attribute instanceof Attribute.GraphList several) {
      proto.setType(AttributeProto.AttributeType.GRAPHS);
      several.values().forEach(graph -> proto.addGraphs(encode(graph)));
    } else if (attribute instanceof Attribute.TensorValue tensor) {
      TensorProto.Builder encoded = residue.getT().toBuilder();
      tensors.encode(tensor.value(), encoded);
      proto.setType(AttributeProto.AttributeType.TENSOR).setT(encoded);
    } else {
      PlainAttributes.encode(attribute, proto);
    }
    return proto.build();
  }

  private static GraphProto extra(Value value) {
    if (value.extra().isEmpty()) {
      return GraphProto.getDefaultInstance();
    }
    GraphProto.Builder proto = GraphProto.newBuilder();
    restore(proto, value.extra(), "value '" + value.name() + "'");
    return proto.build();
  }

  static void restore(Message.Builder into, Bytes extra, String where) {
    try {
      into.mergeFrom(extra.toArray());
    } catch (InvalidProtocolBufferException e) {
      throw new ModelException(where + " has extra content that does not decode", e);
    }
  }
}
