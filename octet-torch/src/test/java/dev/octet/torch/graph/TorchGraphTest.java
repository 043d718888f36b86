package dev.octet.torch.graph;

import static dev.octet.torch.graph.Nets.net;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.octet.graph.DataType;
import dev.octet.graph.Model;
import dev.octet.graph.ModelException;
import dev.octet.graph.Tensor;
import dev.octet.graph.onnx.OnnxWriter;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.ModuleException;
import java.util.Map;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.pytorch.Adam;
import org.bytedeco.pytorch.AdamOptions;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class TorchGraphTest {

  private static Model convolutional() {
    return net()
        .input("x", -1, 2, 6, 6)
        .weight("conv.weight", 3, 2, 3, 3)
        .positive("bn.weight", 3)
        .weight("bn.bias", 3)
        .weight("bn.running_mean", 3)
        .positive("bn.running_var", 3)
        .weight("fc.weight", 4, 3)
        .weight("fc.bias", 4)
        .node("Conv", "c", "x,conv.weight", "pads", new long[] {1, 1, 0, 0})
        .node(
            "BatchNormalization",
            "n",
            "c,bn.weight,bn.bias,bn.running_mean,bn.running_var",
            "momentum",
            0.8)
        .node("Relu", "r", "n")
        .node("GlobalAveragePool", "g", "r")
        .node("Flatten", "f", "g")
        .node("Gemm", "y", "f,fc.weight,fc.bias", "transB", 1)
        .returns(15, "y");
  }

  @Test
  void namesItsStateAsTheFileDoes() {
    try (TorchGraph net = TorchGraph.of(convolutional())) {
      assertThat(net.parameters().keySet())
          .containsExactly("conv.weight", "bn.weight", "bn.bias", "fc.weight", "fc.bias");
      assertThat(net.buffers().keySet()).containsExactly("bn.running_mean", "bn.running_var");
      assertThat(net.inputNames()).containsExactly("x");
      assertThat(net.outputNames()).containsExactly("y");
    }
  }

  @Test
  void escapesNamesThatAreNoPaths() {
    Model model =
        net()
            .input("x", -1, 2)
            .weight("a", 2)
            .weight("a.b", 2)
            .weight(".c", 2)
            .node("Add", "p", "x,a")
            .node("Add", "q", "p,a.b")
            .node("Add", "y", "q,.c")
            .returns(13, "y");
    try (TorchGraph net = TorchGraph.of(model)) {
      assertThat(net.parameters().keySet()).containsExactlyInAnyOrder("a", "a%2Eb", "%2Ec");
    }
  }

  @Test
  void trainsWeightsAndKeepsMasksNumbersAndIndices() {
    Model model =
        net()
            .input("x", -1, 2)
            .weight("bias", 2)
            .scalar("factor", 3)
            .constant("mask", Tensor.ofFloats(new float[] {0, -10000}, 2))
            .longs("shape", -1, 2)
            .weight("w", 2, 2)
            .longs("axes", 0)
            .node("Add", "a", "x,bias")
            .node("Mul", "b", "a,factor")
            .node("Add", "c", "b,mask")
            .node("Transpose", "wt", "w")
            .node("MatMul", "d", "c,wt")
            .node("Reshape", "y", "d,shape")
            .returns(13, "y");
    try (TorchGraph net = TorchGraph.of(model)) {
      assertThat(net.stateDict().keySet()).containsExactly("bias", "w");
    }
  }

  @Test
  void namesEveryNodeThatItCannotCompute() {
    Model model =
        net()
            .input("x", -1, 2)
            .node("NonZero", "first", "x")
            .node("Relu", "r", "x")
            .node("Bernoulli", "second", "r")
            .returns(15, "first", "second");
    assertThatThrownBy(() -> TorchGraph.of(model))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("'first' (NonZero)")
        .hasMessageContaining("'second' (Bernoulli)");
  }

  @Test
  void refusesInputsThatDoNotFit() {
    try (TorchGraph net = TorchGraph.of(convolutional());
        Scope scope = Scope.open()) {
      assertThatThrownBy(() -> net.call(Tensors.of(new float[8], 2, 4)))
          .isInstanceOf(ModuleException.class)
          .hasMessageContaining("input 'x' is Float[2, 4], not float[n, 2, 6, 6]");
      assertThatThrownBy(() -> net.run(Map.of("z", Tensors.scalar(1))))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("input 'x' is null");
      assertThatThrownBy(() -> net.call())
          .isInstanceOf(ModuleException.class)
          .hasMessageContaining("not 0 tensors");
    }
  }

  @Test
  void namesTheNodeThatFails() {
    Model model =
        net()
            .input("x", -1, 3)
            .weight("w", 2, 2)
            .node("MatMul", "product", "x,w")
            .returns(13, "product");
    try (TorchGraph net = TorchGraph.of(model);
        Scope scope = Scope.open()) {
      assertThatThrownBy(() -> net.call(Tensors.of(new float[3], 1, 3)))
          .isInstanceOf(ModuleException.class)
          .hasMessageContaining("node 'product' (MatMul)");
    }
  }

  @Test
  void normalizesByTheBatchInTrainingAsLibTorchDoes() {
    Model model =
        net()
            .input("x", -1, 3, 4, 4)
            .positive("s", 3)
            .weight("b", 3)
            .weight("m", 3)
            .positive("v", 3)
            .node("BatchNormalization", "y", "x,s,b,m,v", "momentum", 0.7, "epsilon", 0.01)
            .returns(15, "y");
    try (TorchGraph net = TorchGraph.of(model);
        Scope scope = Scope.open()) {
      var x = torch.randn(5, 3, 4, 4);
      var state = net.stateDict();
      var mean = state.get("m").clone();
      var variance = state.get("v").clone();
      var expected =
          torch.batch_norm(
              x,
              new TensorOptional(state.get("s")),
              new TensorOptional(state.get("b")),
              new TensorOptional(mean),
              new TensorOptional(variance),
              true,
              0.3,
              0.01,
              false);
      var actual = net.call(x);
      assertThat(Tensors.toFloats(actual))
          .containsExactly(Tensors.toFloats(expected), within(1e-5f));
      assertThat(Tensors.toFloats(state.get("m")))
          .containsExactly(Tensors.toFloats(mean), within(1e-6f));
      assertThat(Tensors.toFloats(state.get("v")))
          .containsExactly(Tensors.toFloats(variance), within(1e-6f));
      net.eval();
      float[] before = Tensors.toFloats(state.get("m"));
      net.call(x);
      assertThat(Tensors.toFloats(state.get("m"))).containsExactly(before);
      assertThat(net.toModel().graph().value("m").initializer().toFloats()).containsExactly(before);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"convolutional", "recurrent", "transformer"})
  void gradientsAreThoseOfFiniteDifferences(String kind) {
    Torch.seed(4);
    Model model =
        switch (kind) {
          case "convolutional" -> smooth();
          case "recurrent" -> recurrent();
          default -> transformer();
        };
    try (TorchGraph net = TorchGraph.of(model);
        Scope scope = Scope.open()) {
      net.eval();
      var x =
          torch.randn(
              kind.equals("convolutional") ? new long[] {2, 2, 5, 5} : new long[] {3, 2, 4});
      net.call(x).square().sum().backward();
      for (var entry : net.parameters().entrySet()) {
        var parameter = entry.getValue();
        float[] gradient = Tensors.toFloats(parameter.grad());
        var flat = parameter.detach().view(-1);
        for (int i = 0; i < gradient.length; i += Math.max(1, gradient.length / 3)) {
          double slope = (loss(net, x, flat, i, 1e-2f) - loss(net, x, flat, i, -1e-2f)) / 2e-2;
          assertThat((double) gradient[i])
              .as(entry.getKey() + " " + i)
              .isCloseTo(slope, within(2e-2 * Math.max(1, Math.abs(slope))));
        }
      }
    }
  }

  private static double loss(
      TorchGraph net,
      org.bytedeco.pytorch.Tensor x,
      org.bytedeco.pytorch.Tensor flat,
      int i,
      float by) {
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      var element = flat.narrow(0, i, 1);
      var shift = Tensors.of(new float[] {by}, 1);
      element.add_(shift);
      double loss = net.call(x).to(torch.ScalarType.Double).square().sum().item_double();
      element.sub_(shift);
      return loss;
    }
  }

  private static Model smooth() {
    return net()
        .input("x", -1, 2, 5, 5)
        .weight("w", 3, 2, 3, 3)
        .weight("b", 3)
        .weight("t", 3, 2, 2, 2)
        .positive("s", 2)
        .weight("o", 2)
        .node("Conv", "c", "x,w,b", "strides", new long[] {2, 2}, "pads", new long[] {1, 0, 1, 1})
        .node("Tanh", "a", "c")
        .node("ConvTranspose", "d", "a,t", "strides", new long[] {2, 2})
        .node("InstanceNormalization", "e", "d,s,o")
        .node(
            "AveragePool",
            "p",
            "e",
            "kernel_shape",
            new long[] {2, 2},
            "pads",
            new long[] {1, 0, 0, 0})
        .node("Softplus", "y", "p")
        .returns(13, "y");
  }

  private static Model recurrent() {
    return net()
        .input("x", 3, -1, 4)
        .weight("w", 1, 12, 4)
        .weight("r", 1, 12, 3)
        .weight("b", 1, 24)
        .weight("gw", 2, 6, 3)
        .weight("gr", 2, 6, 2)
        .weight("gb", 2, 12)
        .longs("axes", 1)
        .node("LSTM", "l", "x,w,r,b", "hidden_size", 3)
        .node("Squeeze", "s", "l,axes")
        .node("GRU", "y", "s,gw,gr,gb", "hidden_size", 2, "direction", "bidirectional")
        .returns(13, "y");
  }

  private static Model transformer() {
    return net()
        .input("x", -1, 2, 4)
        .weight("q", 4, 4)
        .weight("k", 4, 4)
        .weight("v", 4, 4)
        .positive("s", 4)
        .weight("o", 4)
        .node("MatMul", "xq", "x,q")
        .node("MatMul", "xk", "x,k")
        .node("MatMul", "xv", "x,v")
        .node("Transpose", "kt", "xk", "perm", new long[] {0, 2, 1})
        .node("MatMul", "scores", "xq,kt")
        .node("Softmax", "p", "scores")
        .node("MatMul", "a", "p,xv")
        .node("Add", "sum", "a,x")
        .node("LayerNormalization", "n", "sum,s,o")
        .node("Gelu", "y", "n")
        .returns(20, "y");
  }

  @Test
  void trainingLowersTheLossAndTheResultIsWrittenBack() {
    Torch.seed(1);
    Model model = convolutional();
    try (TorchGraph net = TorchGraph.of(model)) {
      assertThat(OnnxWriter.toBytes(net.toModel())).isEqualTo(OnnxWriter.toBytes(model));
      double first;
      double last = 0;
      try (Scope scope = Scope.open()) {
        var x = torch.randn(16, 2, 6, 6);
        var labels = torch.randint(4, new long[] {16}).to(torch.ScalarType.Long);
        var parameters =
            new TensorVector(net.parameters().values().toArray(new org.bytedeco.pytorch.Tensor[0]));
        Adam adam = new Adam(parameters, new AdamOptions(0.05));
        first = torch.cross_entropy_loss(net.call(x), labels).item_double();
        for (int step = 0; step < 40; step++) {
          try (Scope inner = Scope.open()) {
            adam.zero_grad();
            var loss = torch.cross_entropy_loss(net.call(x), labels);
            loss.backward();
            adam.step();
            last = loss.item_double();
          }
        }
      }
      assertThat(last).isLessThan(0.7 * first);
      Model trained = net.toModel();
      net.eval();
      var inputs = OrtAgreement.inputs(trained, 2);
      var expected = OrtAgreement.ort(trained, inputs).get("y");
      try (Scope scope = Scope.open()) {
        OrtAgreement.assertClose(
            "y", expected, net.run(OrtAgreement.tensors(inputs)).get("y"), 1e-4);
      }
      assertThat(trained.graph().value("fc.weight").initializer())
          .isNotEqualTo(model.graph().value("fc.weight").initializer());
    }
  }

  @Test
  void finetunesIntegersBehindADequantizer() {
    Tensor codes = Tensor.ofRaw(DataType.INT8, new byte[] {-127, -3, 0, 5, 100, 127}, 2, 3);
    Model model =
        net()
            .input("x", -1, 3)
            .constant("w", codes)
            .positive("s", 2)
            .constant("b", Tensor.ofInts(new int[] {1_000_000_001, -7}, 2))
            .constant("sb", Tensor.ofFloats(new float[] {1e-9f, 1e-3f}, 2))
            .scalar("sx", 0.02f)
            .node("QuantizeLinear", "q", "x,sx")
            .node("DequantizeLinear", "dq", "q,sx")
            .node("DequantizeLinear", "dw", "w,s", "axis", 0)
            .node("DequantizeLinear", "db", "b,sb", "axis", 0)
            .node("Gemm", "y", "dq,dw,db", "transB", 1)
            .returns(13, "y");
    try (TorchGraph net = TorchGraph.of(model);
        Scope scope = Scope.open()) {
      assertThat(net.parameters().keySet()).containsExactly("w", "b");
      assertThat(OnnxWriter.toBytes(net.toModel())).isEqualTo(OnnxWriter.toBytes(model));
      var x = Tensors.of(new float[] {0.5f, 1, 0.25f}, 1, 3).set_requires_grad(true);
      net.call(x).sum().backward();
      assertThat(Tensors.toFloats(net.parameters().get("w").grad()))
          .containsExactly(new float[] {0.5f, 1, 0.24f, 0.5f, 1, 0.24f}, within(1e-6f));
      assertThat(Tensors.toFloats(x.grad())).doesNotContain(0);
      try (Torch.Switched noGrad = Torch.noGrad()) {
        float step = model.graph().value("s").initializer().toFloats()[0];
        net.parameters().get("w").add_(Tensors.of(new float[] {0, step, 0, 0, 0, 0}, 2, 3));
      }
      assertThat(net.toModel().graph().value("w").initializer())
          .isEqualTo(Tensor.ofRaw(DataType.INT8, new byte[] {-127, -2, 0, 5, 100, 127}, 2, 3));
    }
  }

  @Test
  void dropsInTrainingOnly() {
    Torch.seed(2);
    Model model = net().input("x", -1).node("Dropout", "y", "x", "ratio", 0.5).returns(11, "y");
    try (TorchGraph net = TorchGraph.of(model);
        Scope scope = Scope.open()) {
      var x = torch.ones(1000);
      assertThat(Tensors.toFloats(net.call(x))).containsOnly(0, 2).contains(0).contains(2);
      net.eval();
      assertThat(Tensors.toFloats(net.call(x))).containsOnly(1);
    }
  }

  @Test
  void givesAnyValueByName() {
    try (TorchGraph net = TorchGraph.of(convolutional());
        Scope scope = Scope.open()) {
      net.eval();
      var values =
          net.run(Map.of("x", torch.randn(2, 2, 6, 6)), java.util.List.of("r", "y", "fc.bias"));
      assertThat(values.keySet()).containsExactly("r", "y", "fc.bias");
      assertThat(Tensors.shape(values.get("r"))).containsExactly(2, 3, 5, 5);
    }
  }

  @Test
  void freesWhatItComputes() {
    Model model =
        net()
            .input("x", -1)
            .node("Exp", "a", "x")
            .node("Neg", "b", "a")
            .node("Exp", "c", "b")
            .node("Neg", "y", "c")
            .returns(13, "y");
    try (TorchGraph net = TorchGraph.of(model);
        Torch.Switched noGrad = Torch.noGrad()) {
      net.eval();
      for (int i = 0; i < 3; i++) {
        once(net);
      }
      long before = Pointer.physicalBytes();
      for (int i = 0; i < 20; i++) {
        once(net);
      }
      assertThat(Pointer.physicalBytes() - before).isLessThan(150L << 20);
    }
  }

  /** Four values of 16 MB each. */
  private static void once(TorchGraph net) {
    try (Scope scope = Scope.open()) {
      net.call(torch.zeros(4_000_000));
    }
  }
}
