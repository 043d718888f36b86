package dev.octet.workflows.pytorch.fx;

import static dev.octet.workflows.pytorch.fx.Fixtures.sqnr;
import static dev.octet.workflows.pytorch.fx.Fixtures.values;
import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.graph.Model;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Activation;
import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.Module;
import dev.octet.torch.op.Ops;
import dev.octet.workflows.pytorch.QConfigMapping;
import dev.octet.workflows.pytorch.QConfigs;
import java.util.Map;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;

final class EqualizationTest {
  /** Layers of which some inputs are far larger than others. */
  private static final class Uneven extends Module {
    private final Child<Linear> fc1 = child("fc1", Linear.builder(8, 8).build());
    private final Child<Activation> relu = child("relu", Activation.relu());
    private final Child<Linear> fc2 = child("fc2", Linear.builder(8, 6).build());

    @Override
    protected Tensor forward(Tensor x) {
      return fc2.call(relu.call(fc1.call(x)));
    }
  }

  private static final class Convolutions extends Module {
    private final Child<Conv2d> conv1 = child("conv1", Conv2d.builder(3, 6, 3).padding(1).build());
    private final Child<Conv2d> conv2 = child("conv2", Conv2d.builder(6, 4, 3).build());

    @Override
    protected Tensor forward(Tensor x) {
      return conv2.call(Ops.relu(conv1.call(x)));
    }
  }

  private static Uneven uneven() {
    Torch.seed(3);
    Uneven net = new Uneven();
    try (Scope scope = Scope.open();
        Torch.Switched noGrad = Torch.noGrad()) {
      Map<String, Tensor> state = net.stateDict();
      state.get("fc1.weight").select(0, 0).mul_(new Scalar(60.0));
      state.get("fc2.weight").select(1, 0).mul_(new Scalar(1 / 60.0));
    }
    net.eval();
    return net;
  }

  private static Tensor inputs(int count) {
    Tensor x = torch.randn(count, 8);
    return x.mul(Tensors.of(new float[] {40, 1, 1, 1, 1, 1, 1, 0.5f}, 8));
  }

  private static FxConfig config(EqualizationMapping layers) {
    return FxConfig.of(new QConfigMapping().setGlobal(QConfigs.DEFAULT_PER_CHANNEL_QCONFIG))
        .backend(BackendConfig.forBackend("x86"))
        .equalization(layers);
  }

  private static double error(EqualizationMapping layers) {
    try (Uneven net = uneven();
        GraphModule prepared = QuantizeFx.prepareFx(net, config(layers), inputs(2))) {
      Fixtures.calibrate(prepared, inputs(64));
      Tensor x = inputs(32);
      Fixtures.checkConverted(prepared, x);
      try (ConvertedModule converted = QuantizeFx.convertFx(prepared)) {
        return sqnr(values(net, x), values(converted, x));
      }
    }
  }

  @Test
  void evensOutWhatOneScaleWouldDrown() {
    double plain = error(new EqualizationMapping());
    double first = error(new EqualizationMapping().setModuleName("fc1", true));
    double both = error(EqualizationMapping.all());
    assertThat(both).isGreaterThan(plain + 5);
    assertThat(first).isNotEqualTo(plain);
  }

  @Test
  void theFirstLayerMultipliesItsInputAndTheSecondScalesTheFirst() {
    try (Uneven net = uneven();
        GraphModule prepared =
            QuantizeFx.prepareFx(net, config(EqualizationMapping.all()), inputs(2))) {
      Fixtures.calibrate(prepared, inputs(64));
      try (ConvertedModule converted = QuantizeFx.convertFx(prepared)) {
        Model model = converted.model();
        assertThat(model.graph().nodes().stream().filter(node -> node.is("Mul"))).hasSize(1);
        assertThat(converted.report().warnings()).isEmpty();
      }
    }
  }

  @Test
  void convolutionsAreScaledByChannel() {
    Torch.seed(6);
    try (Convolutions net = new Convolutions()) {
      net.eval();
      try (GraphModule prepared =
          QuantizeFx.prepareFx(
              net,
              config(new EqualizationMapping().setObjectType("Conv2d", true)),
              torch.randn(2, 3, 6, 6))) {
        Fixtures.calibrate(prepared, torch.randn(16, 3, 6, 6));
        Tensor x = torch.randn(4, 3, 6, 6);
        Model model = Fixtures.checkConverted(prepared, x);
        assertThat(model.graph().nodes().stream().filter(node -> node.is("Mul"))).hasSize(1);
        try (ConvertedModule converted = QuantizeFx.convertFx(prepared)) {
          assertThat(sqnr(values(net, x), values(converted, x))).isGreaterThan(25);
        }
      }
    }
  }

  @Test
  void saysWhatIsNotEqualized() {
    try (Fixtures.Cnn net = Fixtures.cnn();
        GraphModule prepared =
            QuantizeFx.prepareFx(net, config(EqualizationMapping.all()), Fixtures.images(2))) {
      assertThat(prepared.report().warnings())
          .anyMatch(text -> text.contains("'fc/Gemm' is not equalized: its input shares"));
      Fixtures.calibrate(prepared, Fixtures.images(16));
      Fixtures.checkConverted(prepared, Fixtures.images(3));
    }
  }
}
