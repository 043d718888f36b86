package dev.octet.graph.onnx;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import com.google.protobuf.ByteString;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * A model up to what no runtime sees: how a tensor stores its elements, and the order of
 * declarations and initializers. Written apart from the reader, whose work it checks.
 */
final class Normalised {
  private Normalised() {}

  static ModelProto of(ModelProto model) {
    ModelProto.Builder result = model.toBuilder().setGraph(of(model.getGraph()));
    for (OperatorSetIdProto.Builder imported : result.getOpsetImportBuilderList()) {
      String unsetMeansEmpty = imported.getDomain();
      imported.setDomain(unsetMeansEmpty);
    }
    return result.build();
  }

  private static GraphProto of(GraphProto graph) {
    GraphProto.Builder result =
        graph.toBuilder().clearNode().clearInitializer().clearValueInfo().setName(graph.getName());
    graph.getNodeList().forEach(node -> result.addNode(of(node)));
    List<TensorProto> tensors = new ArrayList<>();
    graph.getInitializerList().forEach(tensor -> tensors.add(of(tensor)));
    tensors.sort(Comparator.comparing(TensorProto::getName));
    List<ValueInfoProto> infos = new ArrayList<>(graph.getValueInfoList());
    infos.sort(Comparator.comparing(ValueInfoProto::getName));
    return result.addAllInitializer(tensors).addAllValueInfo(infos).build();
  }

  private static NodeProto of(NodeProto node) {
    NodeProto.Builder result = node.toBuilder().clearAttribute();
    if (result.getDomain().isEmpty()) {
      result.clearDomain();
    }
    if (result.getName().isEmpty()) {
      result.clearName();
    }
    for (AttributeProto attribute : node.getAttributeList()) {
      AttributeProto.Builder copy = attribute.toBuilder();
      if (attribute.hasG()) {
        copy.setG(of(attribute.getG()));
      }
      if (attribute.hasT()) {
        copy.setT(of(attribute.getT()));
      }
      copy.clearGraphs();
      attribute.getGraphsList().forEach(nested -> copy.addGraphs(of(nested)));
      result.addAttribute(copy);
    }
    return result.build();
  }

  private static TensorProto of(TensorProto tensor) {
    if (tensor.hasRawData() || tensor.getStringDataCount() > 0) {
      return tensor;
    }
    TensorProto.Builder result =
        tensor.toBuilder()
            .clearFloatData()
            .clearDoubleData()
            .clearInt32Data()
            .clearInt64Data()
            .clearUint64Data();
    ByteBuffer raw =
        ByteBuffer.allocate(tensor.getSerializedSize() * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    tensor.getFloatDataList().forEach(raw::putFloat);
    tensor.getDoubleDataList().forEach(raw::putDouble);
    tensor.getInt64DataList().forEach(raw::putLong);
    for (long value : tensor.getUint64DataList()) {
      if (tensor.getDataType() == TensorProto.DataType.UINT32_VALUE) {
        raw.putInt((int) value);
      } else {
        raw.putLong(value);
      }
    }
    for (int value : tensor.getInt32DataList()) {
      switch (tensor.getDataType()) {
        case 6 -> raw.putInt(value);
        case 4, 5, 10, 16 -> raw.putShort((short) value);
        default -> raw.put((byte) value);
      }
    }
    return result.setRawData(ByteString.copyFrom(raw.flip())).build();
  }
}
