package dev.octet.graph.onnx;

import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.StringStringEntryProto;
import com.google.protobuf.ByteString;
import com.google.protobuf.CodedInputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.UnsafeByteOperations;
import dev.octet.graph.Graph;
import dev.octet.graph.Model;
import dev.octet.graph.ModelException;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;

/** Turns the bytes of a {@code ModelProto} into a {@link Model}. */
final class ModelDecoder {
  /** The long name of ONNX's own domain, which files may use instead of the empty one. */
  private static final String ONNX_DOMAIN = "ai.onnx";

  private ModelDecoder() {}

  /** Reads {@code content}, which the tensors keep using and which must not change afterwards. */
  static Model decode(byte[] content, Budget budget, ExternalData external) {
    int externalTensors = WireScan.run(content, budget);
    ModelProto proto = parse(content, WireScan.deepest(budget.limits()));
    if (!proto.hasGraph()) {
      throw new ModelException("the file holds no graph; is it an ONNX model?");
    }
    Versions.checkIr(proto.getIrVersion());
    Map<String, Long> opsets = opsets(proto);
    Versions.checkOwnOpset(opsets);
    TensorDecoder tensors = new TensorDecoder(budget, external);
    Graph graph = GraphDecoder.decode(proto.getGraph(), null, tensors);
    if (tensors.externalCount() != externalTensors) {
      throw new ModelException(
          (externalTensors - tensors.externalCount())
              + " tensors in functions, sparse tensors or other parts that are kept unread lie in"
              + " external files; store them in the model");
    }
    Versions.checkImports(opsets, graph);
    ModelProto rest =
        proto.toBuilder()
            .clearIrVersion()
            .clearOpsetImport()
            .clearMetadataProps()
            .clearGraph()
            .build();
    return new Model(proto.getIrVersion(), opsets, metadata(proto), graph, budget.keep(rest));
  }

  /**
   * Raw data stays where it is: the byte strings of the result are windows into {@code content}.
   */
  private static ModelProto parse(byte[] content, int deepest) {
    try {
      CodedInputStream in = UnsafeByteOperations.unsafeWrap(content).newCodedInput();
      in.enableAliasing(true);
      in.setRecursionLimit(deepest + 1);
      ModelProto proto = ModelProto.parseFrom(in);
      in.checkLastTagWas(0);
      return proto;
    } catch (InvalidProtocolBufferException e) {
      throw new ModelException("the file is cut short or no ONNX model: " + e.getMessage(), e);
    } catch (IOException e) {
      throw new ModelException("the file does not decode: " + e.getMessage(), e);
    }
  }

  private static Map<String, Long> opsets(ModelProto proto) {
    Map<String, Long> opsets = new LinkedHashMap<>();
    for (OperatorSetIdProto imported : proto.getOpsetImportList()) {
      String domain = domain(imported.getDomainBytes(), "domain of an operator set");
      Long before = opsets.put(domain, imported.getVersion());
      if (before != null && before != imported.getVersion()) {
        throw new ModelException(
            "operator set '"
                + Texts.shown(domain)
                + "' is imported in versions "
                + before
                + " and "
                + imported.getVersion());
      }
    }
    return opsets;
  }

  private static Map<String, String> metadata(ModelProto proto) {
    Map<String, String> metadata = new LinkedHashMap<>();
    for (StringStringEntryProto entry : proto.getMetadataPropsList()) {
      String key = Texts.text(entry.getKeyBytes(), "metadata key");
      String text = Texts.text(entry.getValueBytes(), "metadata '" + Texts.shown(key) + "':");
      if (metadata.put(key, text) != null) {
        throw new ModelException("metadata key '" + Texts.shown(key) + "' is given twice");
      }
    }
    return metadata;
  }

  /** The domain in {@code bytes}; ONNX's own is empty whichever way the file spells it. */
  static String domain(ByteString bytes, String what) {
    String domain = Texts.name(bytes, what);
    return domain.equals(ONNX_DOMAIN) ? "" : domain;
  }
}
