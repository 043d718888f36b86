package dev.octet.graph.onnx;

import ai.onnx.proto.OnnxMl.AttributeProto.AttributeType;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import com.google.protobuf.ByteString;
import com.google.protobuf.CodedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.Map;

/** Models that must be refused, each for one reason. */
final class BrokenModels {
  private static final int GRAPH_FIELD = ModelProto.GRAPH_FIELD_NUMBER;

  private BrokenModels() {}

  /** A model with its one fault, and a part of the message that must name it. */
  record Broken(ModelProto model, String message) {}

  /** Models that protobuf reads, by what is wrong with them. */
  static Map<String, Broken> models() {
    Map<String, Broken> broken = new LinkedHashMap<>();
    put(broken, "no-graph", ModelProto.newBuilder().setIrVersion(8).build(), "holds no graph");
    put(broken, "ir-too-new", relu().setIrVersion(99).build(), "ir_version) is 99; 3 to 11");
    put(broken, "ir-too-old", relu().setIrVersion(2).build(), "convert the model");
    put(broken, "opset-too-old", model(8, 6, SampleModels.graph()), "is 6; 7 to 23");
    put(broken, "opset-too-new", model(8, 24, SampleModels.graph()), "is 24; 7 to 23");
    put(
        broken,
        "opset-missing",
        relu().clearOpsetImport().build(),
        "imports no operator set (opset_import)");
    put(broken, "cycle", nodes("Add", "x b", "y", "Relu", "y", "b"), "cycle through node");
    put(broken, "self-loop", nodes("Add", "x y", "y"), "cycle through node");
    put(broken, "dangling", nodes("Add", "x ghost", "y"), "reads 'ghost', which nobody makes");
    put(broken, "made-twice", nodes("Relu", "x", "y", "Abs", "x", "y"), "'y' is made by node 1");
    put(broken, "makes-input", nodes("Relu", "x", "x", "Relu", "x", "y"), "'x' is made by node 0");
    put(broken, "no-output", model(SampleModels.graph()), "output 'y' is made by nobody");
    put(
        broken,
        "output-twice",
        model(valid().addOutput(SampleModels.info("y", 1, 2))),
        "output 'y' is listed twice");
    put(
        broken,
        "input-twice",
        model(valid().addInput(SampleModels.info("x", 1, 2))),
        "'x' is listed as an input twice");
    put(
        broken,
        "initializer-twice",
        model(
            valid()
                .addInitializer(SampleModels.floats("w", 1))
                .addInitializer(SampleModels.floats("w", 1))),
        "initializer 'w' is given twice");
    put(
        broken,
        "initializer-is-made",
        model(valid().addInitializer(SampleModels.floats("y", 1))),
        "'y' is made by node 0");
    put(broken, "nul-in-name", nodes("Relu", "x\0", "y"), "contains a NUL character");
    put(
        broken,
        "name-not-utf8",
        model(
            valid()
                .addInitializer(
                    SampleModels.tensor("", 1)
                        .setNameBytes(ByteString.copyFrom(new byte[] {'a', (byte) 0xC0})))),
        "is not UTF-8 text");
    put(broken, "no-operator", nodes("", "x", "y"), "names no operator");
    tensors(broken);
    attributes(broken);
    put(
        broken,
        "negative-size-declared",
        model(valid().addInput(SampleModels.info("z", 1, -7))),
        "declares dimension -7");
    put(broken, "nested-too-deep", nested(17), "the limit (maxNesting) of 16");
    return broken;
  }

  private static void tensors(Map<String, Broken> broken) {
    tensor(broken, "short", SampleModels.tensor("w", 1, 3).addFloatData(1), "needs 3 entries");
    tensor(
        broken,
        "raw-short",
        SampleModels.tensor("w", 1, 3).setRawData(ByteString.copyFrom(new byte[11])),
        "needs 12 bytes but has 11");
    tensor(
        broken,
        "int4-odd",
        SampleModels.tensor("w", 22, 3).setRawData(ByteString.copyFrom(new byte[1])),
        "needs 2 bytes but has 1");
    tensor(
        broken,
        "negative-dim",
        SampleModels.tensor("w", 1, -1).addFloatData(1),
        "has dimension -1 at axis 0");
    tensor(
        broken,
        "overflow",
        SampleModels.tensor("w", 1, 1L << 40, 1L << 40),
        "more elements than can be counted");
    tensor(
        broken,
        "bytes-overflow",
        SampleModels.tensor("w", 15, 1L << 60),
        "more bytes than can be counted");
    tensor(
        broken,
        "huge-and-empty",
        SampleModels.tensor("w", 1, 1L << 40),
        "the limit (maxTensorBytes)");
    tensor(broken, "unknown-type", SampleModels.tensor("w", 99), "element type 99");
    tensor(
        broken,
        "two-sources",
        SampleModels.tensor("w", 1, 1).addFloatData(1).setRawData(ByteString.copyFrom(new byte[4])),
        "in 2 fields at once");
    tensor(
        broken, "wrong-field", SampleModels.tensor("w", 1, 1).addInt32Data(1), "needs 1 entries");
    tensor(
        broken,
        "out-of-range",
        SampleModels.tensor("w", 3, 1).addInt32Data(128),
        "holds 128 at index 0");
    tensor(
        broken,
        "segment",
        SampleModels.tensor("w", 1).setSegment(TensorProto.Segment.getDefaultInstance()),
        "stored in segments");
    tensor(
        broken,
        "external-unnamed",
        SampleModels.tensor("w", 1).setDataLocation(TensorProto.DataLocation.EXTERNAL),
        "not named");
    tensor(
        broken,
        "external-without-folder",
        SampleModels.tensor("w", 1)
            .setDataLocation(TensorProto.DataLocation.EXTERNAL)
            .addExternalData(SampleModels.entry("location", "w.data")),
        "read it by its path");
    put(
        broken,
        "external-kept-unread",
        model(
            valid()
                .addSparseInitializer(
                    ai.onnx.proto.OnnxMl.SparseTensorProto.newBuilder()
                        .setValues(
                            SampleModels.tensor("w", 1)
                                .setDataLocation(TensorProto.DataLocation.EXTERNAL)))),
        "kept unread lie in external files");
  }

  private static void attributes(Map<String, Broken> broken) {
    put(
        broken,
        "attribute-of-another-type",
        model(
            SampleModels.graph()
                .addNode(
                    SampleModels.node("Elu", "x", "y")
                        .addAttribute(SampleModels.attribute("a", AttributeType.FLOAT).setI(1)))),
        "attribute 'a' is declared FLOAT but carries INT");
    put(
        broken,
        "attribute-twice",
        model(
            SampleModels.graph()
                .addNode(
                    SampleModels.node("Elu", "x", "y")
                        .addAttribute(SampleModels.attribute("a", AttributeType.FLOAT).setF(1))
                        .addAttribute(SampleModels.attribute("a", AttributeType.FLOAT).setF(1)))),
        "attribute 'a' is given twice");
  }

  /** Bytes that protobuf may not even read, with the models above. */
  static Map<String, byte[]> bytes() {
    Map<String, byte[]> bytes = new LinkedHashMap<>();
    models().forEach((name, broken) -> bytes.put(name, broken.model().toByteArray()));
    byte[] whole = SampleModels.keptUnread().toByteArray();
    bytes.put("cut-short", java.util.Arrays.copyOf(whole, whole.length / 2));
    bytes.put("empty", new byte[0]);
    bytes.put("text", "this is no model".getBytes(java.nio.charset.StandardCharsets.UTF_8));
    bytes.put("claims-2-gigabytes", claim(Integer.MAX_VALUE));
    bytes.put("claims-a-negative-length", claim(-1));
    bytes.put("groups", groups(1000));
    return bytes;
  }

  /** A graph field that says it has {@code length} bytes and has none. */
  static byte[] claim(long length) {
    return encode(
        out -> {
          out.writeTag(GRAPH_FIELD, 2);
          out.writeUInt64NoTag(length);
        });
  }

  /** Unknown groups, each in the one before. */
  static byte[] groups(int depth) {
    return encode(
        out -> {
          for (int i = 0; i < depth; i++) {
            out.writeTag(100, 3);
          }
        });
  }

  /** A graph of {@code count} nodes of two bytes each. */
  static byte[] emptyNodes(int count) {
    return encode(
        out -> {
          out.writeTag(GRAPH_FIELD, 2);
          out.writeUInt32NoTag(2 * count);
          for (int i = 0; i < count; i++) {
            out.writeTag(GraphProto.NODE_FIELD_NUMBER, 2);
            out.writeUInt32NoTag(0);
          }
        });
  }

  /** If within If, {@code depth} times. */
  static ModelProto nested(int depth) {
    GraphProto.Builder inner =
        GraphProto.newBuilder()
            .addNode(SampleModels.node("Relu", "x", "r"))
            .addOutput(SampleModels.info("r", 1, 2));
    for (int i = 1; i < depth; i++) {
      inner =
          GraphProto.newBuilder()
              .addNode(
                  SampleModels.node("Deeper", "x", "r" + i)
                      .setDomain("com.example")
                      .addAttribute(SampleModels.attribute("g", AttributeType.GRAPH).setG(inner)))
              .addOutput(SampleModels.info("r" + i, 1, 2));
    }
    return model(
        SampleModels.graph()
            .addNode(
                SampleModels.node("Deeper", "x", "y")
                    .setDomain("com.example")
                    .addAttribute(SampleModels.attribute("g", AttributeType.GRAPH).setG(inner))));
  }

  private interface Encoding {
    void writeTo(CodedOutputStream out) throws IOException;
  }

  private static byte[] encode(Encoding encoding) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try {
      CodedOutputStream out = CodedOutputStream.newInstance(bytes);
      encoding.writeTo(out);
      out.flush();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  private static void tensor(
      Map<String, Broken> broken, String name, TensorProto.Builder tensor, String message) {
    put(broken, "tensor-" + name, model(valid().addInitializer(tensor)), message);
  }

  private static void put(
      Map<String, Broken> broken, String name, ModelProto model, String message) {
    broken.put(name, new Broken(model, message));
  }

  private static ModelProto.Builder relu() {
    return SampleModels.relu().toBuilder();
  }

  private static GraphProto.Builder valid() {
    return SampleModels.graph().addNode(SampleModels.node("Relu", "x", "y"));
  }

  private static ModelProto nodes(String... opInputsOutputs) {
    GraphProto.Builder graph = SampleModels.graph();
    for (int i = 0; i < opInputsOutputs.length; i += 3) {
      graph.addNode(
          SampleModels.node(opInputsOutputs[i], opInputsOutputs[i + 1], opInputsOutputs[i + 2]));
    }
    return model(graph);
  }

  private static ModelProto model(GraphProto.Builder graph) {
    return SampleModels.model(10, 21, graph);
  }

  private static ModelProto model(long ir, long opset, GraphProto.Builder graph) {
    return SampleModels.model(ir, opset, graph);
  }
}
