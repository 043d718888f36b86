package dev.octet.workflows.distiller.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.octet.torch.Scope;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Module;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.bytedeco.pytorch.Tensor;

final class ThinningProperties {
  /** Zeroes slices of weights, each by chance, but for the first. */
  private static void drop(Module net, Random random, int dim, boolean biases) {
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      net.modules()
          .forEach(
              (path, module) -> {
                Tensor weight = module.ownParameters().get("weight");
                if (weight == null || weight.dim() < 2) {
                  return;
                }
                for (long i = 1; i < weight.size(dim); i++) {
                  if (random.nextInt(3) == 0) {
                    weight.select(dim, i).zero_();
                    Tensor bias = module.ownParameters().get("bias");
                    if (biases && dim == 0 && bias != null) {
                      bias.select(0, i).zero_();
                    }
                  }
                }
              });
    }
  }

  @Property(tries = 40)
  void whatGoesIsNotMissed(
      @ForAll @IntRange(max = 1) int dim, @ForAll boolean biases, @ForAll long seed) {
    Torch.seed(seed);
    Random random = new Random(seed);
    try (Scope scope = Scope.open();
        Module net = new Branches()) {
      Tensor images = ThinningTest.images(2);
      ThinningTest.train(net, "bn");
      drop(net, random, dim, biases);
      float[] before = ThinningTest.outputs(net, images);
      Thinning thinning = Thinning.possible(net, Thinning.Kind.BOTH, images);
      thinning.apply(net, null);
      if (thinning.remarks().isEmpty()) {
        assertThat(ThinningTest.outputs(net, images)).containsExactly(before, within(1e-4f));
      }
      Thinning again = Thinning.possible(net, Thinning.Kind.BOTH, images);
      assertThat(again.left().keySet()).isSubsetOf(thinning.left().keySet());
    }
  }
}
