package dev.octet.torch.quant.flow;

import static org.assertj.core.api.Assertions.assertThat;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.octet.graph.Model;
import dev.octet.graph.Node;
import dev.octet.graph.onnx.OnnxWriter;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.LSTM;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.MultiheadAttention;
import dev.octet.torch.nn.Sequential;
import dev.octet.torch.quant.nn.QuantModules;
import dev.octet.torch.trace.Trace;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;

/** Quantized layers as a graph: ONNX Runtime computes what LibTorch does. */
final class TracedLayersTest {
  @Test
  void tracesACalibratedClassifier() throws OrtException {
    try (SmallNet net = SmallNet.quantized();
        Scope scope = Scope.open()) {
      List<Tensor> batches = SmallNet.batches(2);
      agrees(net, batches, 7);
    }
  }

  @Test
  void tracesRecurrentLayersStepByStep() throws OrtException {
    Torch.seed(8);
    try (QuantModules quantizing = QuantModules.initialize();
        Module net = new Sequential(LSTM.builder(3, 4).bidirectional(true).build());
        Scope scope = Scope.open()) {
      // One quantizer of weights for each direction, and one of [x, h] for each of its 5 steps.
      agrees(net, List.of(torch.randn(5, 2, 3), torch.randn(5, 2, 3)), 2 + 2 * 5);
    }
  }

  @Test
  void tracesAttention() throws OrtException {
    Torch.seed(9);
    try (QuantModules quantizing = QuantModules.initialize();
        Module net = new Sequential(MultiheadAttention.builder(4, 2).batchFirst(true).build());
        Scope scope = Scope.open()) {
      agrees(net, List.of(torch.randn(2, 3, 4)), 8 + 3 + 2);
    }
  }

  private static void agrees(Module net, List<Tensor> batches, int quantizers) throws OrtException {
    Calibration.collect(net, batches);
    Calibration.loadAmax(net);
    net.eval();
    Tensor x = batches.get(0);
    float[] wanted = Tensors.toFloats(net.call(x));
    Model model = Trace.of(net).graph(x);
    assertThat(model.graph().nodes())
        .extracting(Node::op)
        .filteredOn(op -> op.equals("QuantizeLinear"))
        .hasSize(quantizers);
    float largest = 0;
    for (float each : wanted) {
      largest = Math.max(largest, Math.abs(each));
    }
    // Sums in another order may move a value over the border between two steps of 1/127.
    assertThat(run(model, x)).usingComparatorWithPrecision(largest / 50).containsExactly(wanted);
  }

  private static float[] run(Model model, Tensor x) throws OrtException {
    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setIntraOpNumThreads(1);
      try (OrtSession session = environment.createSession(OnnxWriter.toBytes(model), options);
          OnnxTensor input =
              OnnxTensor.createTensor(
                  environment, FloatBuffer.wrap(Tensors.toFloats(x)), Tensors.shape(x));
          OrtSession.Result result = session.run(Map.of("input", input))) {
        FloatBuffer values = ((OnnxTensor) result.get(0)).getFloatBuffer();
        float[] output = new float[values.remaining()];
        values.get(output);
        return output;
      }
    }
  }
}
