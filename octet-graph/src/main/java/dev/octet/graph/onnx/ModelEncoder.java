package dev.octet.graph.onnx;

import ai.onnx.proto.OnnxMl.ModelProto;
import dev.octet.graph.Model;

/** Turns a {@link Model} into {@code ModelProto}. */
final class ModelEncoder {
  private ModelEncoder() {}

  static ModelProto encode(Model model, TensorEncoder tensors) {
    ModelProto.Builder proto = ModelProto.newBuilder();
    GraphEncoder.restore(proto, model.extra(), "the model");
    proto.setIrVersion(model.irVersion()).setGraph(new GraphEncoder(tensors).encode(model.graph()));
    model
        .opsets()
        .forEach(
            (domain, version) ->
                proto.addOpsetImportBuilder().setDomain(domain).setVersion(version));
    model
        .metadata()
        .forEach((key, text) -> proto.addMetadataPropsBuilder().setKey(key).setValue(text));
    return proto.build();
  }
}
