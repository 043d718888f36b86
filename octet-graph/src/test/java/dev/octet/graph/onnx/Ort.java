package dev.octet.graph.onnx;

import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Runs a model in ONNX Runtime on made-up inputs: what a round trip must not change. */
final class Ort {
  private static final long SEED = 7;

  private Ort() {}

  /** Every output as nested Java arrays, by name; every unknown dimension of the inputs is 2. */
  static Map<String, Object> run(byte[] model) throws OrtException {
    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setIntraOpNumThreads(1);
      try (OrtSession session = environment.createSession(model, options)) {
        return run(environment, session);
      }
    }
  }

  /** The same for a model in a file, which may have external data. */
  static Map<String, Object> run(java.nio.file.Path model) throws OrtException {
    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setIntraOpNumThreads(1);
      try (OrtSession session = environment.createSession(model.toString(), options)) {
        return run(environment, session);
      }
    }
  }

  private static Map<String, Object> run(OrtEnvironment environment, OrtSession session)
      throws OrtException {
    Random random = new Random(SEED);
    Map<String, OnnxTensor> inputs = new LinkedHashMap<>();
    List<OnnxTensor> opened = new ArrayList<>();
    try {
      for (Map.Entry<String, NodeInfo> input : session.getInputInfo().entrySet()) {
        OnnxTensor tensor = input(environment, (TensorInfo) input.getValue().getInfo(), random);
        opened.add(tensor);
        inputs.put(input.getKey(), tensor);
      }
      Map<String, Object> outputs = new LinkedHashMap<>();
      try (OrtSession.Result result = session.run(inputs)) {
        for (Map.Entry<String, ai.onnxruntime.OnnxValue> output : result) {
          outputs.put(output.getKey(), output.getValue().getValue());
        }
      }
      return outputs;
    } finally {
      opened.forEach(OnnxTensor::close);
    }
  }

  private static OnnxTensor input(OrtEnvironment environment, TensorInfo info, Random random)
      throws OrtException {
    long[] shape = info.getShape().clone();
    int count = 1;
    for (int i = 0; i < shape.length; i++) {
      shape[i] = shape[i] < 0 ? 2 : shape[i];
      count *= (int) shape[i];
    }
    if (info.type == OnnxJavaType.FLOAT) {
      float[] values = new float[count];
      for (int i = 0; i < count; i++) {
        values[i] = (float) random.nextGaussian();
      }
      return OnnxTensor.createTensor(environment, FloatBuffer.wrap(values), shape);
    }
    long[] values = random.longs(count, 0, 2).toArray();
    if (info.type == OnnxJavaType.INT64) {
      return OnnxTensor.createTensor(environment, LongBuffer.wrap(values), shape);
    }
    throw new IllegalArgumentException("no made-up input of type " + info.type);
  }
}
