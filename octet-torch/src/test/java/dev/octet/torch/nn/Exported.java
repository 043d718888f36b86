package dev.octet.torch.nn;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.octet.graph.Bytes;
import dev.octet.graph.DataType;
import dev.octet.graph.Dimension;
import dev.octet.graph.Graph;
import dev.octet.graph.Model;
import dev.octet.graph.Node;
import dev.octet.graph.Value;
import dev.octet.graph.ValueType;
import dev.octet.graph.onnx.OnnxWriter;
import dev.octet.torch.Tensors;
import dev.octet.torch.op.Tracer;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** A computation traced on some inputs, to be run in ONNX Runtime on others. */
final class Exported implements AutoCloseable {
  private final Graph graph;
  private final OrtSession session;

  private Exported(Graph graph) {
    this.graph = graph;
    Model model = new Model(8, Map.of("", 17L), Map.of(), graph, Bytes.EMPTY);
    try {
      OrtSession.SessionOptions options = new OrtSession.SessionOptions();
      options.setIntraOpNumThreads(1);
      session = OrtEnvironment.getEnvironment().createSession(OnnxWriter.toBytes(model), options);
      options.close();
    } catch (OrtException e) {
      throw new IllegalStateException(graph.toString(), e);
    }
  }

  /**
   * Traces.
   *
   * @param inputs become the graph's, with every dimension free
   */
  static Exported of(Module module, List<Tensor> inputs, Supplier<List<Tensor>> compute) {
    Graph graph = new Graph("traced");
    try (Tracer tracer =
        Tracer.start(graph, module.stateDict(), 17, CallStack::path, CallStack::place)) {
      for (int i = 0; i < inputs.size(); i++) {
        Tensor input = inputs.get(i);
        List<Dimension> free = new ArrayList<>();
        for (int axis = 0; axis < input.dim(); axis++) {
          free.add(new Dimension.Symbolic("x" + i + "_" + axis));
        }
        DataType type = Tensors.dataType(Tensors.type(input));
        Value value = graph.addValue("x" + i, new ValueType.TensorType(type, free));
        graph.addInput(value);
        tracer.bind(input, value);
      }
      for (Tensor output : compute.get()) {
        graph.addOutput(tracer.value(output, "an output"));
      }
    }
    return new Exported(graph);
  }

  List<String> operators() {
    return graph.nodes().stream().map(Node::op).toList();
  }

  /** The outputs, each in row-major order. */
  List<float[]> run(Tensor... inputs) {
    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    Map<String, OnnxTensor> fed = new LinkedHashMap<>();
    try {
      for (int i = 0; i < inputs.length; i++) {
        // An input that nothing reads is not asked for.
        if (session.getInputNames().contains("x" + i)) {
          fed.put("x" + i, onnx(environment, inputs[i]));
        }
      }
      List<float[]> outputs = new ArrayList<>();
      try (OrtSession.Result result = session.run(fed)) {
        result.forEach(
            output -> {
              FloatBuffer values = ((OnnxTensor) output.getValue()).getFloatBuffer();
              float[] copy = new float[values.remaining()];
              values.get(copy);
              outputs.add(copy);
            });
      }
      return outputs;
    } catch (OrtException e) {
      throw new IllegalStateException(e);
    } finally {
      fed.values().forEach(OnnxTensor::close);
    }
  }

  private static OnnxTensor onnx(OrtEnvironment environment, Tensor tensor) throws OrtException {
    long[] shape = Tensors.shape(tensor);
    ScalarType type = Tensors.type(tensor);
    if (type == ScalarType.Long) {
      return OnnxTensor.createTensor(environment, LongBuffer.wrap(Tensors.toLongs(tensor)), shape);
    }
    if (type == ScalarType.Float) {
      return OnnxTensor.createTensor(
          environment, FloatBuffer.wrap(Tensors.toFloats(tensor)), shape);
    }
    throw new IllegalArgumentException("no input of type " + type);
  }

  @Override
  public void close() {
    try {
      session.close();
    } catch (OrtException e) {
      throw new IllegalStateException(e);
    }
  }
}
