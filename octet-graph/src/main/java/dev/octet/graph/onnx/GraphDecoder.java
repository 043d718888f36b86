package dev.octet.graph.onnx;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.SparseTensorProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import com.google.protobuf.ByteString;
import dev.octet.graph.Attribute;
import dev.octet.graph.Bytes;
import dev.octet.graph.Graph;
import dev.octet.graph.ModelException;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Value;
import dev.octet.graph.ValueType;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Turns one {@code GraphProto} into a {@link Graph}: first everything that has a name, then the
 * nodes that link the names, so that nodes may stand in any order.
 */
final class GraphDecoder {
  private final GraphProto proto;
  private final TensorDecoder tensors;
  private final Budget budget;
  private final AttributeDecoder attributes;
  private final Graph graph;
  private final String where;
  private final Map<Value, GraphProto.Builder> extras = new HashMap<>();
  private final List<List<@Nullable Value>> nodeOutputs = new ArrayList<>();

  private GraphDecoder(GraphProto proto, @Nullable Graph parent, TensorDecoder tensors) {
    this.proto = proto;
    this.tensors = tensors;
    this.budget = tensors.budget();
    this.attributes = new AttributeDecoder(tensors);
    String name = Texts.name(proto.getNameBytes(), "graph name");
    this.where = "graph '" + Texts.shown(name) + "'";
    this.graph = new Graph(name, parent, extraOf(proto));
  }

  /** Reads {@code proto}; depth is bounded by the caller through the wire format. */
  static Graph decode(GraphProto proto, @Nullable Graph parent, TensorDecoder tensors) {
    return new GraphDecoder(proto, parent, tensors).decode();
  }

  private Graph decode() {
    proto.getInputList().forEach(this::declareInput);
    proto.getInitializerList().forEach(this::declareInitializer);
    proto.getSparseInitializerList().forEach(this::declareSparse);
    for (int i = 0; i < proto.getNodeCount(); i++) {
      declareOutputs(proto.getNode(i), i);
    }
    Set<String> described = new HashSet<>();
    proto.getValueInfoList().forEach(info -> describe(info, described));
    for (int i = 0; i < proto.getNodeCount(); i++) {
      addNode(proto.getNode(i), i);
    }
    Set<String> returned = new HashSet<>();
    proto.getOutputList().forEach(info -> declareOutput(info, returned));
    extras.forEach((value, extra) -> graph.setExtra(value, budget.keep(extra.build())));
    graph.nodes(); // finds cycles
    return graph;
  }

  private void declareInput(ValueInfoProto info) {
    String name = valueName(info.getNameBytes(), "input");
    refuseDefined(name, "is listed as an input twice");
    Value value = graph.addValue(name, null);
    graph.addInput(value);
    setType(value, info);
  }

  private void declareInitializer(TensorProto tensor) {
    String name = valueName(tensor.getNameBytes(), "initializer");
    Value value = graph.value(name);
    if (value != null && value.initializer() != null) {
      throw problem("initializer '" + Texts.shown(name) + "' is given twice");
    }
    if (value == null) {
      value = graph.addValue(name, null);
    }
    graph.setInitializer(
        value, tensors.decode(tensor, where + ", initializer '" + Texts.shown(name) + "'"));
    TensorProto rest = TensorDecoder.residue(tensor, false);
    if (rest.getSerializedSize() > 0) {
      extra(value).addInitializer(rest);
    }
  }

  /** Sparse constants stay encoded in the graph's extra part; here they only get their name. */
  private void declareSparse(SparseTensorProto sparse) {
    String name = valueName(sparse.getValues().getNameBytes(), "sparse initializer");
    Value value = graph.value(name);
    if (value != null && !(value.isInput() && value.initializer() == null)) {
      throw problem("sparse initializer '" + Texts.shown(name) + "' is given twice");
    }
    if (value == null) {
      graph.addValue(name, null);
    }
  }

  private void declareOutputs(NodeProto node, int index) {
    List<@Nullable Value> outputs = new ArrayList<>();
    for (ByteString bytes : node.getOutputList().asByteStringList()) {
      if (bytes.isEmpty()) {
        outputs.add(null);
        continue;
      }
      String name = valueName(bytes, "output of a node");
      refuseDefined(name, "is made by " + label(node, index) + " and elsewhere too");
      outputs.add(graph.addValue(name, null));
    }
    nodeOutputs.add(outputs);
  }

  private void describe(ValueInfoProto info, Set<String> described) {
    String name = valueName(info.getNameBytes(), "value_info");
    Value value = graph.value(name);
    if (!described.add(name)) {
      throw problem("value '" + Texts.shown(name) + "' is declared twice in value_info");
    }
    if (value != null && !value.isInput()) {
      setType(value, info);
    }
  }

  private void declareOutput(ValueInfoProto info, Set<String> returned) {
    String name = valueName(info.getNameBytes(), "output");
    Value value = graph.resolve(name);
    if (value == null) {
      throw problem("output '" + Texts.shown(name) + "' is made by nobody");
    }
    if (!returned.add(name)) {
      throw problem("output '" + Texts.shown(name) + "' is listed twice");
    }
    if (value.graph() == graph && !value.isInput()) {
      setType(value, info);
    }
    graph.addOutput(value);
  }

  private void addNode(NodeProto node, int index) {
    String label = label(node, index);
    List<@Nullable Value> inputs = new ArrayList<>(node.getInputCount());
    for (ByteString bytes : node.getInputList().asByteStringList()) {
      if (bytes.isEmpty()) {
        inputs.add(null);
        continue;
      }
      String name = valueName(bytes, "input of " + label);
      Value value = graph.resolve(name);
      if (value == null) {
        throw problem(label + " reads '" + Texts.shown(name) + "', which nobody makes");
      }
      inputs.add(value);
    }
    Map<String, Attribute> decoded = new LinkedHashMap<>();
    for (AttributeProto attribute : node.getAttributeList()) {
      String name = Texts.name(attribute.getNameBytes(), where + ", attribute of " + label);
      String place = where + ", " + label + ", attribute '" + Texts.shown(name) + "'";
      Attribute value =
          attributes.decode(attribute, nested -> decode(nested, graph, tensors), place);
      if (decoded.put(name, value) != null) {
        throw new ModelException(place + " is given twice");
      }
    }
    graph.add(
        new NodeSpec(
            Texts.name(node.getNameBytes(), where + ", node name"),
            opName(node, label),
            ModelDecoder.domain(node.getDomainBytes(), where + ", domain of " + label),
            inputs,
            nodeOutputs.get(index),
            decoded,
            extraOf(node, decoded)));
  }

  private String opName(NodeProto node, String label) {
    String op = Texts.name(node.getOpTypeBytes(), where + ", operator of " + label);
    if (op.isEmpty()) {
      throw problem(label + " names no operator");
    }
    return op;
  }

  private void setType(Value value, ValueInfoProto info) {
    String name = "value '" + Texts.shown(value.name()) + "'";
    ValueType type = info.hasType() ? TypeCodec.decode(info.getType(), where + ", " + name) : null;
    graph.setType(value, type);
    ValueInfoProto rest = info.toBuilder().clearName().build();
    ValueInfoProto.Builder plain = ValueInfoProto.newBuilder();
    if (type != null) {
      plain.setType(TypeCodec.encode(type, name));
    }
    if (!rest.equals(plain.build())) {
      extra(value).clearValueInfo().addValueInfo(rest);
    } else if (extras.containsKey(value)) {
      extra(value).clearValueInfo();
    }
  }

  private GraphProto.Builder extra(Value value) {
    return extras.computeIfAbsent(value, v -> GraphProto.newBuilder());
  }

  private void refuseDefined(String name, String problem) {
    if (graph.value(name) != null) {
      throw problem("value '" + Texts.shown(name) + "' " + problem);
    }
  }

  private String valueName(ByteString bytes, String what) {
    String name = Texts.name(bytes, where + ", " + what);
    if (name.isEmpty()) {
      throw problem("has an " + what + " without a name");
    }
    return name;
  }

  private ModelException problem(String text) {
    return new ModelException(where + ": " + text);
  }

  private static String label(NodeProto node, int index) {
    return node.getName().isEmpty()
        ? "node " + index + " (" + Texts.shown(node.getOpType()) + ")"
        : "node '" + Texts.shown(node.getName()) + "'";
  }

  /** Also keeps declarations of values that the graph does not have: some exporters leave them. */
  private Bytes extraOf(GraphProto proto) {
    GraphProto.Builder rest =
        proto.toBuilder()
            .clearName()
            .clearNode()
            .clearInitializer()
            .clearInput()
            .clearOutput()
            .clearValueInfo();
    if (proto.getValueInfoCount() > 0) {
      Set<String> defined = new HashSet<>();
      proto.getInputList().forEach(input -> defined.add(input.getName()));
      proto.getInitializerList().forEach(tensor -> defined.add(tensor.getName()));
      proto.getSparseInitializerList().forEach(s -> defined.add(s.getValues().getName()));
      proto.getNodeList().forEach(node -> defined.addAll(node.getOutputList()));
      proto.getValueInfoList().stream()
          .filter(info -> !defined.contains(info.getName()))
          .forEach(rest::addValueInfo);
    }
    return budget.keep(rest.build());
  }

  private Bytes extraOf(NodeProto proto, Map<String, Attribute> decoded) {
    NodeProto.Builder rest =
        proto.toBuilder()
            .clearName()
            .clearOpType()
            .clearDomain()
            .clearInput()
            .clearOutput()
            .clearAttribute();
    for (AttributeProto attribute : proto.getAttributeList()) {
      if (!(decoded.get(attribute.getName()) instanceof Attribute.Opaque)) {
        AttributeProto left = AttributeDecoder.residue(attribute);
        if (!left.equals(AttributeProto.newBuilder().setName(attribute.getName()).build())) {
          rest.addAttribute(left);
        }
      }
    }
    return budget.keep(rest.build());
  }
}
