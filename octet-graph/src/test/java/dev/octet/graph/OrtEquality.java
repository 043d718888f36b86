package dev.octet.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import dev.octet.graph.onnx.OnnxWriter;
import java.lang.reflect.Array;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Compares two models by running both in ONNX Runtime, its own optimizations switched off. */
public final class OrtEquality {
  private static final long SEED = 11;

  /** The size that open dimensions of inputs get. */
  private static final int OPEN = 2;

  private OrtEquality() {}

  /**
   * Asserts that both give outputs of the same names, shapes and types, the values within {@code
   * tolerance} times the largest magnitude of the output; 0 asks for equality.
   */
  public static void assertSame(Model before, Model after, double tolerance) {
    Map<String, Object> expected = run(before);
    Map<String, Object> actual = run(after);
    assertThat(actual.keySet()).containsExactlyElementsOf(expected.keySet());
    expected.forEach(
        (name, value) -> {
          List<Double> wanted = new ArrayList<>();
          List<Double> got = new ArrayList<>();
          String wantedShape = flatten(value, wanted);
          assertThat(flatten(actual.get(name), got)).as(name).isEqualTo(wantedShape);
          double largest = wanted.stream().mapToDouble(Math::abs).max().orElse(0);
          for (int i = 0; i < wanted.size(); i++) {
            if (!wanted.get(i).equals(got.get(i))) {
              assertThat(got.get(i))
                  .as(name + " at " + i)
                  .isCloseTo(wanted.get(i), within(tolerance * largest));
            }
          }
        });
  }

  /** Every output of {@code model} as Java arrays, on inputs drawn from a fixed seed. */
  public static Map<String, Object> run(Model model) {
    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    List<OnnxTensor> opened = new ArrayList<>();
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setIntraOpNumThreads(1);
      options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.NO_OPT);
      try (OrtSession session = environment.createSession(OnnxWriter.toBytes(model), options)) {
        Random random = new Random(SEED);
        Map<String, OnnxTensor> inputs = new LinkedHashMap<>();
        for (Map.Entry<String, NodeInfo> input : session.getInputInfo().entrySet()) {
          Value declared = model.graph().value(input.getKey());
          if (declared != null && declared.initializer() != null) {
            continue; // its default
          }
          OnnxTensor tensor = input(environment, (TensorInfo) input.getValue().getInfo(), random);
          opened.add(tensor);
          inputs.put(input.getKey(), tensor);
        }
        Map<String, Object> outputs = new LinkedHashMap<>();
        try (OrtSession.Result result = session.run(inputs)) {
          for (Map.Entry<String, OnnxValue> output : result) {
            outputs.put(output.getKey(), output.getValue().getValue());
          }
        }
        return outputs;
      }
    } catch (OrtException e) {
      throw new AssertionError("ONNX Runtime refuses\n" + model.graph(), e);
    } finally {
      opened.forEach(OnnxTensor::close);
    }
  }

  private static OnnxTensor input(OrtEnvironment environment, TensorInfo info, Random random)
      throws OrtException {
    long[] shape = info.getShape().clone();
    int count = 1;
    for (int i = 0; i < shape.length; i++) {
      shape[i] = shape[i] < 0 ? OPEN : shape[i];
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
    if (info.type == OnnxJavaType.BOOL) {
      ByteBuffer bytes = ByteBuffer.allocateDirect(count);
      for (long value : values) {
        bytes.put((byte) value);
      }
      return OnnxTensor.createTensor(environment, bytes.flip(), shape, OnnxJavaType.BOOL);
    }
    throw new IllegalArgumentException("no made-up input of type " + info.type);
  }

  /** Appends the numbers in {@code value}; returns its shape and type as text. */
  private static String flatten(Object value, List<Double> into) {
    if (!value.getClass().isArray()) {
      into.add(
          value instanceof Boolean truth ? (truth ? 1.0 : 0.0) : ((Number) value).doubleValue());
      return value.getClass().getSimpleName();
    }
    int length = Array.getLength(value);
    String inner = value.getClass().getSimpleName();
    for (int i = 0; i < length; i++) {
      inner = flatten(Array.get(value, i), into);
    }
    return length + "x" + inner;
  }
}
