package dev.octet.quantize.adjust;

import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import dev.octet.graph.Attribute;
import dev.octet.graph.Bytes;
import dev.octet.graph.DataType;
import dev.octet.graph.Dimension;
import dev.octet.graph.Graph;
import dev.octet.graph.Model;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import dev.octet.graph.ValueType;
import dev.octet.graph.onnx.OnnxWriter;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;

/** Small float models, built by hand, and what ONNX Runtime makes of a model. */
final class FloatModels {
  private static final long SEED = 5;

  private final Graph graph = new Graph("small");
  private final Random random = new Random(SEED);

  /** A float input. */
  Value input(String name, long... shape) {
    Value value =
        graph.addValue(
            name,
            new ValueType.TensorType(
                DataType.FLOAT,
                Arrays.stream(shape).<Dimension>mapToObj(Dimension.Fixed::new).toList()));
    graph.addInput(value);
    return value;
  }

  /** Normal numbers whose size differs by two orders of magnitude along the first axes. */
  Value uneven(String name, long... shape) {
    float[] values = new float[(int) Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
    int row = Math.max(1, values.length / (int) (shape[0] * (shape.length > 1 ? shape[1] : 1)));
    double size = 1;
    for (int i = 0; i < values.length; i++) {
      size = i % row == 0 ? Math.pow(10, 2 * random.nextDouble() - 1) : size;
      values[i] = (float) (size * random.nextGaussian());
    }
    return graph.addConstant(name, Tensor.ofFloats(values, shape));
  }

  Value constant(String name, Tensor tensor) {
    return graph.addConstant(name, tensor);
  }

  /** A node named like its output. */
  Value node(String name, NodeSpec spec) {
    Value output = graph.addValue(name, null);
    graph.add(spec.named(name).makes(output));
    return output;
  }

  Value node(String name, String op, Value... inputs) {
    return node(name, NodeSpec.of(op).reads(inputs));
  }

  static Attribute ints(Long... values) {
    return new Attribute.IntList(Arrays.asList(values));
  }

  /** The model that returns {@code outputs}. */
  Model returning(Value... outputs) {
    for (Value output : outputs) {
      graph.setType(output, new ValueType.TensorType(DataType.FLOAT, null));
      graph.addOutput(output);
    }
    return new Model(8, Map.of("", 17L), Map.of(), graph, Bytes.EMPTY);
  }

  /** Every float output of {@code model} for inputs drawn from a fixed seed. */
  static Map<String, float[]> run(Model model) throws OrtException {
    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    Map<String, OnnxTensor> inputs = new HashMap<>();
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setIntraOpNumThreads(1);
      options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.NO_OPT);
      try (OrtSession session = environment.createSession(OnnxWriter.toBytes(model), options)) {
        Random draws = new Random(SEED);
        for (Map.Entry<String, NodeInfo> input : session.getInputInfo().entrySet()) {
          TensorInfo info = (TensorInfo) input.getValue().getInfo();
          inputs.put(input.getKey(), draw(environment, info, draws));
        }
        Map<String, float[]> outputs = new HashMap<>();
        try (OrtSession.Result result = session.run(inputs)) {
          for (Map.Entry<String, OnnxValue> output : result) {
            FloatBuffer values = ((OnnxTensor) output.getValue()).getFloatBuffer();
            float[] copy = new float[values.remaining()];
            values.get(copy);
            outputs.put(output.getKey(), copy);
          }
        }
        return outputs;
      }
    } finally {
      inputs.values().forEach(OnnxTensor::close);
    }
  }

  /** The largest difference between outputs of the two, relative to the largest magnitude. */
  static double difference(Map<String, float[]> expected, Map<String, float[]> actual) {
    double worst = expected.keySet().equals(actual.keySet()) ? 0 : Double.POSITIVE_INFINITY;
    for (Map.Entry<String, float[]> entry : expected.entrySet()) {
      float[] wanted = entry.getValue();
      float[] got = actual.get(entry.getKey());
      double largest = 0;
      double difference = 0;
      for (int i = 0; i < wanted.length; i++) {
        largest = Math.max(largest, Math.abs(wanted[i]));
        difference = Math.max(difference, Math.abs(wanted[i] - got[i]));
      }
      worst = Math.max(worst, difference / largest);
    }
    return worst;
  }

  private static OnnxTensor draw(OrtEnvironment environment, TensorInfo info, Random draws)
      throws OrtException {
    long[] shape = Arrays.stream(info.getShape()).map(size -> size < 0 ? 2 : size).toArray();
    int count = (int) Arrays.stream(shape).reduce(1, (a, b) -> a * b);
    if (info.type == OnnxJavaType.INT64) {
      long[] ones = new long[count];
      Arrays.fill(ones, 1);
      return OnnxTensor.createTensor(environment, LongBuffer.wrap(ones), shape);
    }
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) draws.nextGaussian();
    }
    return OnnxTensor.createTensor(environment, FloatBuffer.wrap(values), shape);
  }
}
