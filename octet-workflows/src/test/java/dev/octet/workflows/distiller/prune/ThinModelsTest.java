package dev.octet.workflows.distiller.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.models.MobileNetV2;
import dev.octet.torch.models.ResNet;
import dev.octet.torch.nn.Module;
import dev.octet.workflows.distiller.stats.Structure;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;

final class ThinModelsTest {
  private static final PrunerEpochs ONCE = new PrunerEpochs(0, 1, 1, 0);

  private static List<String> weights(Module net, String pattern) {
    return net.parameters().entrySet().stream()
        .filter(each -> each.getKey().matches(pattern) && each.getValue().size(1) > 1)
        .map(Map.Entry::getKey)
        .toList();
  }

  private static long size(Module net) {
    return net.parameters().values().stream().mapToLong(Tensor::numel).sum();
  }

  private static void drop(Module net, List<String> weights, boolean leader) {
    assertThat(weights).isNotEmpty();
    try (ZerosMaskDict masks = new ZerosMaskDict(net)) {
      StructurePruner.builder("half", Structure.FILTERS, Ranking.L1)
          .weights(weights)
          .leader(leader)
          .build()
          .prune(masks, ONCE);
    }
  }

  /** Thins, and gives the part of the parameters that is left. */
  private static double thin(Module net) {
    net.eval();
    Random random = new Random(3);
    float[] pixels = new float[2 * 3 * 32 * 32];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (float) random.nextGaussian();
    }
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      Tensor images = Tensors.of(pixels, 2, 3, 32, 32);
      float[] before = Tensors.toFloats(net.call(images));
      long whole = size(net);
      Thinning thinning = Thinning.of(net, Thinning.Kind.FILTERS, images);
      assertThat(thinning.remarks()).isEmpty();
      thinning.apply(net, null);
      assertThat(Tensors.toFloats(net.call(images))).containsExactly(before, within(1e-4f));
      return size(net) / (double) whole;
    }
  }

  @Test
  void blocksOfResNetLoseWhatIsInsideAndWhatTheirSumsShare() {
    Torch.seed(1);
    try (Module net = ResNet.cifar18(10)) {
      drop(net, weights(net, "layer\\d\\.\\d\\.conv1\\.weight"), false);
      drop(net, weights(net, "(conv1|layer1\\.\\d\\.conv2)\\.weight"), true);
      assertThat(thin(net)).isBetween(0.4, 0.6);
    }
  }

  @Test
  void paddedShortcutsKeepWhatTheyAddTo() {
    Torch.seed(1);
    try (Module net = ResNet.cifar20(10)) {
      drop(net, weights(net, "layer\\d\\.\\d\\.conv1\\.weight"), false);
      assertThat(thin(net)).isBetween(0.4, 0.6);
    }
  }

  @Test
  void expansionsOfMobileNetLoseTheirDepthwiseFilters() {
    Torch.seed(1);
    try (Module net = MobileNetV2.cifar(10).build()) {
      drop(net, weights(net, "features\\.\\d+\\.conv\\.0\\.0\\.weight"), false);
      assertThat(thin(net)).isBetween(0.4, 0.8);
    }
  }
}
