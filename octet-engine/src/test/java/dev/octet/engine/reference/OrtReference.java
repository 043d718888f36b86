package dev.octet.engine.reference;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession;
import dev.octet.graph.DataType;
import dev.octet.graph.Model;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import dev.octet.graph.onnx.OnnxWriter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Runs models in ONNX Runtime with one thread. */
public final class OrtReference {

  private OrtReference() {}

  /**
   * Every tensor that a node of {@code model} makes, by name, computed without graph optimizations:
   * each operator as it stands. Tensors of types that the runtime's Java side does not know (16-bit
   * unsigned, 4-bit) are missing.
   */
  public static Map<String, Tensor> run(Model model, Map<String, Tensor> inputs) {
    Model open = model.copy();
    for (Node node : open.graph().nodes()) {
      for (Value output : node.outputs()) {
        if (output != null && !output.isOutput()) {
          open.graph().addOutput(output);
        }
      }
    }
    return run(open, inputs, OrtSession.SessionOptions.OptLevel.NO_OPT);
  }

  /** The outputs of {@code model} by name, computed as users get them: with all optimizations. */
  public static Map<String, Tensor> outputs(Model model, Map<String, Tensor> inputs) {
    return run(model, inputs, OrtSession.SessionOptions.OptLevel.ALL_OPT);
  }

  private static Map<String, Tensor> run(
      Model model, Map<String, Tensor> inputs, OrtSession.SessionOptions.OptLevel level) {
    OrtEnvironment environment =
        OrtEnvironment.getEnvironment(OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL);
    Map<String, OnnxTensor> feeds = new LinkedHashMap<>();
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setIntraOpNumThreads(1);
      options.setOptimizationLevel(level);
      options.setSessionLogLevel(OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL);
      try (OrtSession session = environment.createSession(OnnxWriter.toBytes(model), options)) {
        for (Map.Entry<String, Tensor> input : inputs.entrySet()) {
          feeds.put(input.getKey(), toRuntime(environment, input.getValue()));
        }
        Map<String, Tensor> outputs = new LinkedHashMap<>();
        try (OrtSession.Result result = session.run(feeds)) {
          for (Map.Entry<String, OnnxValue> output : result) {
            Tensor tensor = fromRuntime((OnnxTensor) output.getValue());
            if (tensor != null) {
              outputs.put(output.getKey(), tensor);
            }
          }
        }
        return outputs;
      }
    } catch (OrtException e) {
      throw new AssertionError("ONNX Runtime refuses\n" + model.graph(), e);
    } finally {
      feeds.values().forEach(OnnxTensor::close);
    }
  }

  private static OnnxTensor toRuntime(OrtEnvironment environment, Tensor tensor)
      throws OrtException {
    ByteBuffer bytes =
        ByteBuffer.allocateDirect((int) tensor.sizeBytes()).order(ByteOrder.nativeOrder());
    bytes.put(tensor.data()).flip();
    OnnxJavaType type =
        switch (tensor.type()) {
          case FLOAT -> OnnxJavaType.FLOAT;
          case DOUBLE -> OnnxJavaType.DOUBLE;
          case FLOAT16 -> OnnxJavaType.FLOAT16;
          case BFLOAT16 -> OnnxJavaType.BFLOAT16;
          case INT8 -> OnnxJavaType.INT8;
          case UINT8 -> OnnxJavaType.UINT8;
          case INT16 -> OnnxJavaType.INT16;
          case INT32 -> OnnxJavaType.INT32;
          case INT64 -> OnnxJavaType.INT64;
          case BOOL -> OnnxJavaType.BOOL;
          default -> throw new IllegalArgumentException(tensor + " cannot be fed");
        };
    return OnnxTensor.createTensor(environment, bytes, tensor.shape(), type);
  }

  private static @Nullable Tensor fromRuntime(OnnxTensor from) {
    DataType type =
        switch (from.getInfo().type) {
          case FLOAT -> DataType.FLOAT;
          case DOUBLE -> DataType.DOUBLE;
          case FLOAT16 -> DataType.FLOAT16;
          case BFLOAT16 -> DataType.BFLOAT16;
          case INT8 -> DataType.INT8;
          case UINT8 -> DataType.UINT8;
          case INT16 -> DataType.INT16;
          case INT32 -> DataType.INT32;
          case INT64 -> DataType.INT64;
          case BOOL -> DataType.BOOL;
          default -> null;
        };
    return type == null ? null : Tensor.wrap(type, from.getInfo().getShape(), from.getByteBuffer());
  }
}
