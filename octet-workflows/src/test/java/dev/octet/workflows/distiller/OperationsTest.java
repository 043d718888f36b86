package dev.octet.workflows.distiller;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.Operation;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;

/** Layers without an integer form of their own: their outputs are quantized all the same. */
final class OperationsTest {
  private static final class Net extends Module {
    private final Child<Module> first = child("first", Linear.builder(6, 8).build());
    private final Child<Module> second = child("second", Linear.builder(6, 8).build());
    private final Child<Module> less = child("less", Operation.sub());
    private final Child<Module> left = child("left", Operation.chunk(2, 1, 0));
    private final Child<Module> right = child("right", Operation.split(4, 1, 1));
    private final Child<Module> over = child("over", Operation.div());
    private final Child<Module> pile = child("pile", Operation.stack(1));
    private final Child<Module> mean = child("mean", Operation.mean(false, 2));
    private final Child<Module> norm = child("norm", Operation.norm(2, true, 1));

    @Override
    protected Tensor forward(Tensor x) {
      Tensor difference = less.call(first.call(x), second.call(x));
      Tensor parts = pile.call(left.call(difference), right.call(difference));
      return over.call(norm.call(mean.call(parts)), norm.call(difference));
    }
  }

  @Test
  void outputsAreIntegersHereAndInTheGraph() {
    Torch.seed(5);
    try (Scope scope = Scope.open();
        Module net = new Net()) {
      Tensor x = torch.randn(16, 6);
      net.eval();
      Tensor exact = net.call(x);
      PostTrainLinearQuantizer quantizer =
          Observed.prepared(
              PostTrainLinearQuantizer.builder(net).mode(LinearQuantMode.ASYMMETRIC_UNSIGNED),
              net,
              x);
      assertThat(quantizer.replaced())
          .containsEntry("less", "Sub")
          .containsEntry("left", "Chunk")
          .containsEntry("right", "Split")
          .containsEntry("pile", "Stack")
          .containsEntry("mean", "Mean")
          .containsEntry("norm", "Norm")
          .containsEntry("over", "Div");
      net.eval();
      Tensor simulated = net.call(x);
      assertThat(Tensors.toFloats(simulated.sub(exact).abs().max())[0])
          .isPositive()
          .isLessThan(0.1f);
      float scale = quantizer.namedLinearQuantParams().get("over.output_scale")[0];
      for (float value : Tensors.toFloats(simulated.mul(Tensors.of(new float[] {scale}, 1)))) {
        assertThat(Math.abs(value - Math.rint(value))).isLessThan(1e-3);
      }
      ConversionTest.assertAgrees(quantizer, "over", 2, x);
    }
  }
}
