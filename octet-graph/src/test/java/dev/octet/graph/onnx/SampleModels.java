package dev.octet.graph.onnx;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.AttributeProto.AttributeType;
import ai.onnx.proto.OnnxMl.FunctionProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.SparseTensorProto;
import ai.onnx.proto.OnnxMl.StringStringEntryProto;
import ai.onnx.proto.OnnxMl.TensorAnnotation;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TrainingInfoProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import com.google.protobuf.ByteString;
import com.google.protobuf.UnknownFieldSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Small models written by hand, one per construct of the format. */
final class SampleModels {
  private static final int FLOAT = 1;

  private SampleModels() {}

  /** Every sample by name. */
  static Map<String, ModelProto> all() {
    Map<String, ModelProto> samples = new LinkedHashMap<>();
    samples.put("relu", relu());
    samples.put("initializer-is-input", initializerIsInput());
    samples.put("typed-data", typedData());
    samples.put("if", branches());
    samples.put("loop", loop());
    samples.put("attributes", attributes());
    samples.put("kept-unread", keptUnread());
    samples.put("other-types", otherTypes());
    samples.put("optional-links", optionalLinks());
    return samples;
  }

  static ModelProto relu() {
    return model(8, 13, graph().addNode(node("Relu", "x", "y")));
  }

  static ModelProto initializerIsInput() {
    return model(
        3,
        8,
        graph()
            .addInput(info("w", FLOAT, 2))
            .addInitializer(floats("w", 1, 2))
            .addNode(node("Add", "x w", "y")));
  }

  /** One initializer for each way to store elements outside {@code raw_data}. */
  static ModelProto typedData() {
    GraphProto.Builder graph = graph().addNode(node("Relu", "x", "y"));
    graph.addInitializer(tensor("float", FLOAT, 2).addFloatData(1).addFloatData(Float.NaN));
    graph.addInitializer(tensor("complex64", 14, 1).addFloatData(1).addFloatData(2));
    graph.addInitializer(tensor("double", 11, 1).addDoubleData(0.1));
    graph.addInitializer(tensor("complex128", 15, 1).addDoubleData(1).addDoubleData(2));
    graph.addInitializer(tensor("int64", 7, 1).addInt64Data(Long.MIN_VALUE));
    graph.addInitializer(tensor("uint64", 13, 1).addUint64Data(-1));
    graph.addInitializer(tensor("uint32", 12, 1).addUint64Data(0xFFFF_FFFFL));
    graph.addInitializer(tensor("int32", 6).addInt32Data(-5));
    graph.addInitializer(tensor("int16", 5, 1).addInt32Data(-300));
    graph.addInitializer(tensor("uint16", 4, 1).addInt32Data(65535));
    graph.addInitializer(tensor("int8", 3, 2).addInt32Data(-128).addInt32Data(127));
    graph.addInitializer(tensor("uint8", 2, 1).addInt32Data(255));
    graph.addInitializer(tensor("bool", 9, 2).addInt32Data(1).addInt32Data(0));
    graph.addInitializer(tensor("float16", 10, 1).addInt32Data(0x3C00));
    graph.addInitializer(tensor("bfloat16", 16, 1).addInt32Data(0x3F80));
    graph.addInitializer(tensor("float8", 17, 1).addInt32Data(0x38));
    graph.addInitializer(tensor("int4", 22, 3).addInt32Data(0x21).addInt32Data(0x0F));
    graph.addInitializer(tensor("uint4", 21, 2).addInt32Data(0xFF));
    graph.addInitializer(tensor("float4", 23, 1).addInt32Data(0x07));
    graph.addInitializer(
        tensor("string", 8, 2)
            .addStringData(ByteString.copyFromUtf8("ö"))
            .addStringData(ByteString.copyFrom(new byte[] {(byte) 0xFF})));
    graph.addInitializer(tensor("empty", FLOAT, 0, 3));
    return model(11, 21, graph);
  }

  /** Both branches read a value of the graph around them and use the same inner name. */
  static ModelProto branches() {
    GraphProto.Builder then =
        GraphProto.newBuilder()
            .setName("then")
            .addNode(node("Relu", "x", "inner"))
            .addOutput(info("inner", FLOAT, 2));
    GraphProto.Builder otherwise =
        GraphProto.newBuilder()
            .setName("else")
            .addInitializer(floats("two", 2, 2))
            .addNode(node("Mul", "x two", "inner"))
            .addOutput(info("inner", FLOAT, 2));
    return model(
        8,
        13,
        graph()
            .addInitializer(tensor("yes", 9).setRawData(ByteString.copyFrom(new byte[] {1})))
            .addNode(
                node("If", "yes", "y")
                    .addAttribute(attribute("then_branch", AttributeType.GRAPH).setG(then))
                    .addAttribute(attribute("else_branch", AttributeType.GRAPH).setG(otherwise))));
  }

  static ModelProto loop() {
    GraphProto.Builder body =
        GraphProto.newBuilder()
            .setName("body")
            .addInput(info("i", 7))
            .addInput(info("go", 9))
            .addInput(info("state", FLOAT, 2))
            .addNode(node("Identity", "go", "go_on"))
            .addNode(node("Add", "state x", "next"))
            .addOutput(info("go_on", 9))
            .addOutput(info("next", FLOAT, 2));
    return model(
        8,
        13,
        graph()
            .addInitializer(tensor("times", 7).addInt64Data(3))
            .addNode(
                node("Loop", "times", "y")
                    .addInput("")
                    .addInput("x")
                    .addAttribute(attribute("body", AttributeType.GRAPH).setG(body))));
  }

  /** Every kind of attribute, on an operator nobody knows. */
  static ModelProto attributes() {
    GraphProto.Builder nested = GraphProto.newBuilder().setName("nested");
    SparseTensorProto.Builder sparse =
        SparseTensorProto.newBuilder()
            .setValues(tensor("v", FLOAT, 1).addFloatData(1))
            .setIndices(tensor("at", 7, 1).addInt64Data(0))
            .addDims(4);
    return model(
        10,
        21,
        graph()
            .addNode(
                node("Unheard", "x", "y")
                    .setDomain("com.example")
                    .setDocString("what it does")
                    .addAttribute(attribute("i", AttributeType.INT).setI(-1).setDocString("doc"))
                    .addAttribute(attribute("f", AttributeType.FLOAT).setF(-0.0f))
                    .addAttribute(
                        attribute("s", AttributeType.STRING).setS(ByteString.copyFromUtf8("ß")))
                    .addAttribute(
                        attribute("bytes", AttributeType.STRING)
                            .setS(ByteString.copyFrom(new byte[] {(byte) 0xC0})))
                    .addAttribute(attribute("t", AttributeType.TENSOR).setT(floats("named", 1, 2)))
                    .addAttribute(
                        attribute("newer", AttributeType.TENSOR)
                            .setT(tensor("", 99, 1).setRawData(ByteString.copyFromUtf8("?"))))
                    .addAttribute(attribute("g", AttributeType.GRAPH).setG(nested))
                    .addAttribute(attribute("is", AttributeType.INTS).addInts(1).addInts(2))
                    .addAttribute(attribute("fs", AttributeType.FLOATS).addFloats(0.5f))
                    .addAttribute(
                        attribute("ss", AttributeType.STRINGS)
                            .addStrings(ByteString.copyFromUtf8("a")))
                    .addAttribute(attribute("ts", AttributeType.TENSORS).addTensors(floats("", 3)))
                    .addAttribute(
                        attribute("gs", AttributeType.GRAPHS).addGraphs(nested).addGraphs(nested))
                    .addAttribute(
                        attribute("sp", AttributeType.SPARSE_TENSOR).setSparseTensor(sparse))
                    .addAttribute(attribute("tp", AttributeType.TYPE_PROTO).setTp(type(FLOAT, 1)))
                    .addAttribute(attribute("ref", AttributeType.INT).setRefAttrName("outer"))));
  }

  /** Everything that the graph in memory does not know. */
  static ModelProto keptUnread() {
    FunctionProto function =
        FunctionProto.newBuilder()
            .setName("Twice")
            .setDomain("local")
            .addInput("a")
            .addOutput("b")
            .addNode(node("Add", "a a", "b"))
            .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(13))
            .build();
    GraphProto.Builder graph =
        graph()
            .addNode(node("Twice", "x", "middle").setDomain("local"))
            .addNode(node("Add", "middle thin", "y").setName("sum"))
            .setDocString("a graph")
            .addValueInfo(info("middle", FLOAT, 2).toBuilder().setDocString("in between"))
            .addValueInfo(info("stale", FLOAT, 2))
            .addSparseInitializer(
                SparseTensorProto.newBuilder()
                    .setValues(tensor("thin", FLOAT, 1).addFloatData(7))
                    .setIndices(tensor("", 7, 1).addInt64Data(1))
                    .addDims(2))
            .addQuantizationAnnotation(
                TensorAnnotation.newBuilder()
                    .setTensorName("middle")
                    .addQuantParameterTensorNames(entry("SCALE_TENSOR", "scale")))
            .addInitializer(floats("scale", 0.5f, 1).toBuilder().setDocString("a scale"))
            .addMetadataProps(entry("graph", "props"));
    return model(10, 13, graph).toBuilder()
        .setProducerName("hand")
        .setProducerVersion("1")
        .setDomain("org.example")
        .setModelVersion(3)
        .setDocString("a model")
        .addMetadataProps(entry("author", "nobody"))
        .addFunctions(function)
        .addTrainingInfo(
            TrainingInfoProto.newBuilder()
                .setAlgorithm(GraphProto.newBuilder().setName("step"))
                .addUpdateBinding(entry("w", "w_new")))
        .addOpsetImport(OperatorSetIdProto.newBuilder().setDomain("local").setVersion(1))
        .setUnknownFields(
            UnknownFieldSet.newBuilder()
                .addField(26, UnknownFieldSet.Field.newBuilder().addVarint(1).build())
                .build())
        .build();
  }

  /** Inputs that are no dense tensors, and tensors of which little is known. */
  static ModelProto otherTypes() {
    TypeProto floats = type(FLOAT, 2);
    TensorShapeProto.Builder shape = TensorShapeProto.newBuilder();
    shape.addDimBuilder().setDimParam("n").setDenotation("DATA_BATCH");
    shape.addDimBuilder();
    shape.addDimBuilder().setDimValue(-1);
    shape.addDimBuilder().setDimValue(0);
    TypeProto.Builder sequence =
        TypeProto.newBuilder().setSequenceType(TypeProto.Sequence.newBuilder().setElemType(floats));
    return model(
        10,
        19,
        graph()
            .addNode(node("Relu", "x", "y"))
            .addInput(ValueInfoProto.newBuilder().setName("bare"))
            .addInput(ValueInfoProto.newBuilder().setName("seq").setType(sequence))
            .addInput(
                ValueInfoProto.newBuilder()
                    .setName("opt")
                    .setType(
                        TypeProto.newBuilder()
                            .setOptionalType(
                                TypeProto.Optional.newBuilder().setElemType(sequence))))
            .addInput(
                ValueInfoProto.newBuilder()
                    .setName("map")
                    .setType(
                        TypeProto.newBuilder()
                            .setMapType(
                                TypeProto.Map.newBuilder().setKeyType(7).setValueType(floats))))
            .addInput(
                ValueInfoProto.newBuilder()
                    .setName("dims")
                    .setType(
                        TypeProto.newBuilder()
                            .setTensorType(
                                TypeProto.Tensor.newBuilder().setElemType(FLOAT).setShape(shape))
                            .setDenotation("TENSOR")))
            .addInput(
                ValueInfoProto.newBuilder()
                    .setName("unranked")
                    .setType(
                        TypeProto.newBuilder()
                            .setTensorType(TypeProto.Tensor.newBuilder().setElemType(FLOAT)))));
  }

  /** Inputs and outputs left out, and a node order that is not topological. */
  static ModelProto optionalLinks() {
    return model(
        8,
        13,
        graph()
            .addNode(node("Relu", "kept", "y"))
            .addNode(node("Dropout", "x", "kept").addOutput("").setName("drop"))
            .addNode(node("Clip", "x", "unused").addInput("").addInput("")));
  }

  // ---- parts ----

  static ModelProto model(long ir, long opset, GraphProto.Builder graph) {
    ModelProto.Builder model =
        ModelProto.newBuilder()
            .setIrVersion(ir)
            .setGraph(graph)
            .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(opset));
    boolean foreign =
        graph.getNodeList().stream().anyMatch(node -> node.getDomain().equals("com.example"));
    if (foreign) {
      model.addOpsetImport(OperatorSetIdProto.newBuilder().setDomain("com.example").setVersion(1));
    }
    return model.build();
  }

  /** A graph from float {@code x[2]} to {@code y[2]}, still without nodes. */
  static GraphProto.Builder graph() {
    return GraphProto.newBuilder()
        .setName("main")
        .addInput(info("x", FLOAT, 2))
        .addOutput(info("y", FLOAT, 2));
  }

  /** A node over space-separated names. */
  static NodeProto.Builder node(String op, String inputs, String outputs) {
    return NodeProto.newBuilder()
        .setOpType(op)
        .addAllInput(List.of(inputs.split(" ")))
        .addAllOutput(List.of(outputs.split(" ")));
  }

  static AttributeProto.Builder attribute(String name, AttributeType type) {
    return AttributeProto.newBuilder().setName(name).setType(type);
  }

  static ValueInfoProto info(String name, int type, long... shape) {
    return ValueInfoProto.newBuilder().setName(name).setType(type(type, shape)).build();
  }

  static TypeProto type(int element, long... shape) {
    TypeProto.Tensor.Builder tensor = TypeProto.Tensor.newBuilder().setElemType(element);
    TensorShapeProto.Builder dims = tensor.getShapeBuilder();
    for (long dim : shape) {
      dims.addDimBuilder().setDimValue(dim);
    }
    return TypeProto.newBuilder().setTensorType(tensor).build();
  }

  static TensorProto.Builder tensor(String name, int type, long... shape) {
    TensorProto.Builder tensor = TensorProto.newBuilder().setName(name).setDataType(type);
    for (long dim : shape) {
      tensor.addDims(dim);
    }
    return tensor;
  }

  /** A vector of {@code length} floats that are all {@code value}. */
  static TensorProto floats(String name, float value, int length) {
    TensorProto.Builder tensor = tensor(name, FLOAT, length);
    for (int i = 0; i < length; i++) {
      tensor.addFloatData(value);
    }
    return tensor.build();
  }

  static TensorProto floats(String name, int length) {
    return floats(name, 1, length);
  }

  static StringStringEntryProto entry(String key, String value) {
    return StringStringEntryProto.newBuilder().setKey(key).setValue(value).build();
  }
}
