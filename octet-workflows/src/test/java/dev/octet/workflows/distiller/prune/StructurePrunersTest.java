package dev.octet.workflows.distiller.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.Module;
import dev.octet.workflows.distiller.fixture.Stripes;
import dev.octet.workflows.distiller.prune.StructureParameterPruner.Criterion;
import dev.octet.workflows.distiller.prune.StructureParameterPruner.Regime;
import dev.octet.workflows.distiller.stats.Structure;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;

final class StructurePrunersTest {
  private static final PrunerEpochs ONCE = new PrunerEpochs(0, 1, 1, 0);

  private static Linear layer(float... weights) {
    Linear layer = Linear.builder(weights.length / 2, 2).bias(false).build();
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      layer.weight().copy_(Tensors.of(weights, 2, weights.length / 2));
    }
    return layer;
  }

  private static Tensor images(int count) {
    Random random = new Random(7);
    float[] pixels = new float[count * 64];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (float) random.nextGaussian();
    }
    return Tensors.of(pixels, count, 1, 8, 8);
  }

  @Test
  void structuresCutAsTheirNamesSay() {
    long[] shape = {4, 2, 1, 2};
    assertThat(Structure.FILTERS.parts(shape))
        .containsExactly(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
    assertThat(Structure.CHANNELS.parts(shape))
        .containsExactly(0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1);
    assertThat(Structure.KERNELS.parts(shape))
        .containsExactly(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
    assertThat(Structure.LAYER.count(shape)).isEqualTo(1);
    assertThat(Structure.blocks(2, 2).parts(shape))
        .containsExactly(0, 1, 0, 1, 0, 1, 0, 1, 2, 3, 2, 3, 2, 3, 2, 3);
    assertThatThrownBy(() -> Structure.blocks(3, 1).count(shape))
        .hasMessageContaining("do not divide a parameter of shape [4, 2, 1, 2]");
    assertThatThrownBy(() -> Structure.FILTERS.count(new long[] {4}))
        .hasMessage("a parameter of shape [4] has no filters");
    try (Scope scope = Scope.open()) {
      float[] values = new float[16];
      for (int i = 0; i < 16; i++) {
        values[i] = 1 + i;
      }
      Tensor x = Tensors.of(values, shape);
      for (Structure structure :
          List.of(
              Structure.FILTERS,
              Structure.CHANNELS,
              Structure.KERNELS,
              Structure.LAYER,
              Structure.blocks(2, 1),
              Structure.blocks(1, 2))) {
        double[] sums =
            Ranking.sums(values, structure.parts(shape), structure.count(shape), v -> v);
        float[] expected = new float[sums.length];
        for (int i = 0; i < sums.length; i++) {
          expected[i] = (float) sums[i];
        }
        assertThat(Tensors.toFloats(structure.sums(x))).as("%s", structure).isEqualTo(expected);
      }
    }
  }

  @Test
  void ranksByNormInGroupsAndFollowsALeader() {
    try (Module net = layer(1, 9, 2, 2, 5, 1, 8, 3);
        ZerosMaskDict masks = new ZerosMaskDict(net)) {
      // Column sums of magnitudes are 6, 10, 10 and 5; of squares 26, 82, 68 and 13.
      StructurePruner.builder("p", Structure.CHANNELS, Ranking.L1).build().prune(masks, ONCE);
      assertThat(masks.values("weight")).containsExactly(0, 9, 2, 0, 0, 1, 8, 0);
      StructurePruner.builder("p", Structure.CHANNELS, Ranking.L2)
          .sparsity(Sparsity.constant(0.75))
          .build()
          .prune(masks, ONCE);
      assertThat(masks.values("weight")).containsExactly(0, 9, 0, 0, 0, 1, 0, 0);
    }
    try (Module net = layer(1, 9, 2, 2, 5, 1, 8, 3);
        ZerosMaskDict masks = new ZerosMaskDict(net)) {
      StructurePruner.builder("p", Structure.CHANNELS, Ranking.L1)
          .groupSize(2)
          .build()
          .prune(masks, ONCE);
      assertThat(masks.values("weight")).containsExactly(1, 9, 0, 0, 5, 1, 0, 0);
    }
    try (Module net = Stripes.net(1);
        ZerosMaskDict masks = new ZerosMaskDict(net)) {
      StructurePruner leader =
          StructurePruner.builder("p", Structure.FILTERS, Ranking.L1)
              .weights(List.of("conv2.weight", "conv3.weight"))
              .leader(true)
              .build();
      leader.prune(masks, ONCE);
      for (int filter = 0; filter < 16; filter++) {
        assertThat(masks.mask("conv2.weight")[filter * 72])
            .isEqualTo(masks.mask("conv3.weight")[filter * 144]);
      }
      assertThat(masks.sparsity("conv2.weight")).isEqualTo(0.5);
      StructurePruner unlike =
          StructurePruner.builder("p", Structure.FILTERS, Ranking.L1)
              .weights(List.of("conv1.weight", "conv3.weight"))
              .leader(true)
              .build();
      assertThatThrownBy(() -> unlike.prune(masks, ONCE))
          .hasMessageContaining("'conv3.weight' has 16 filters and cannot follow the 8");
    }
  }

  @Test
  void ranksByWhatActivationsAndGradientsTell() {
    try (Scope scope = Scope.open();
        Module net = Stripes.net(1);
        ZerosMaskDict masks = new ZerosMaskDict(net)) {
      Tensor images = images(8);
      // Channels 2 and 5 never get past the rectifier.
      try (Torch.Switched noGrad = Torch.noGrad()) {
        Tensor shift = net.parameters().get("bn2.bias");
        shift.fill_(new Scalar(1.0));
        shift.select(0, 2).fill_(new Scalar(-100.0));
        shift.select(0, 5).fill_(new Scalar(-100.0));
      }
      for (Ranking ranking : List.of(Ranking.ACTIVATION_APOZ, Ranking.ACTIVATION_MEAN)) {
        StructurePruner pruner =
            StructurePruner.builder("a", Structure.FILTERS, ranking)
                .weights(List.of("conv2.weight"))
                .sparsity(Sparsity.constant(0.125))
                .build();
        assertThat(pruner.needs()).isEqualTo(ParameterPruner.Needs.INPUTS);
        assertThatThrownBy(() -> pruner.prune(masks, ONCE)).hasMessageContaining("give some");
        pruner.prune(masks, ONCE, images);
        boolean[] kept = masks.mask("conv2.weight");
        for (int filter = 0; filter < 16; filter++) {
          assertThat(kept[filter * 72]).isEqualTo(filter != 2 && filter != 5);
        }
        assertThat(net.isTraining()).isTrue();
      }
      StructurePruner gradients =
          StructurePruner.builder("g", Structure.FILTERS, Ranking.GRADIENT)
              .weights(List.of("conv2.weight"))
              .sparsity(Sparsity.constant(0.125))
              .build();
      assertThatThrownBy(() -> gradients.prune(masks, ONCE))
          .hasMessageContaining("'conv2.weight' has no gradient yet");
      net.call(images).square().sum().backward();
      gradients.prune(masks, ONCE);
      // What is behind a closed rectifier changes nothing.
      assertThat(masks.mask("conv2.weight")[2 * 72]).isFalse();
      assertThat(masks.mask("conv2.weight")[5 * 72]).isFalse();
    }
  }

  @Test
  void whatIsLeftIsFittedToTheOutputs() {
    float plain = errorOf(false);
    float fitted = errorOf(true);
    assertThat(fitted).isLessThan(plain * 0.7f);
  }

  private static float errorOf(boolean reconstructs) {
    try (Scope scope = Scope.open();
        Module net = Stripes.net(1);
        ZerosMaskDict masks = new ZerosMaskDict(net)) {
      Tensor images = images(32);
      net.eval();
      float[] before = Tensors.toFloats(net.call(images));
      StructurePruner.builder("r", Structure.CHANNELS, Ranking.L1)
          .weights(List.of("conv3.weight", "fc.weight"))
          .reconstructs(reconstructs)
          .build()
          .prune(masks, ONCE, images);
      float[] after = Tensors.toFloats(net.call(images));
      assertThat(masks.sparsity("conv3.weight")).isEqualTo(0.5);
      float error = 0;
      for (int i = 0; i < before.length; i++) {
        error += (before[i] - after[i]) * (before[i] - after[i]);
      }
      return error;
    }
  }

  @Test
  void chanceIsTheSameAgainAfterARestore() {
    try (Module net = Stripes.net(1);
        ZerosMaskDict masks = new ZerosMaskDict(net)) {
      StructurePruner first = random(3);
      first.prune(masks, ONCE);
      Map<String, double[]> state = first.state();
      first.prune(masks, ONCE);
      boolean[] second = masks.mask("conv3.weight");
      StructurePruner other = random(3);
      other.restore(state);
      other.prune(masks, ONCE);
      assertThat(masks.mask("conv3.weight")).containsExactly(second);
      other.prune(masks, ONCE);
      assertThat(masks.mask("conv3.weight")).isNotEqualTo(second);
    }
  }

  private static StructurePruner random(long seed) {
    return StructurePruner.builder("r", Structure.FILTERS, Ranking.RANDOM)
        .weights(List.of("conv3.weight"))
        .sparsity(Sparsity.random(0.25, 0.75))
        .seed(seed)
        .build();
  }

  @Test
  void filtersDroppedByChanceLeaveTheOthersLarger() {
    try (Module net = Stripes.net(1);
        ZerosMaskDict masks = new ZerosMaskDict(net)) {
      StructurePruner pruner =
          StructurePruner.builder("b", Structure.FILTERS, Ranking.RANDOM)
              .weights(List.of("conv3.weight"))
              .bernoulli(true)
              .build();
      assertThatThrownBy(() -> pruner.prune(masks, ONCE)).hasMessageContaining("use double copies");
      float[] before = masks.values("conv3.weight");
      assertThat(masks.during(Masking.DOUBLE_COPIES, () -> pruner.prune(masks, ONCE)))
          .containsExactly("conv3.weight");
      assertThat(masks.values("conv3.weight")).containsExactly(before);
      masks.applyForward();
      float[] dropped = masks.values("conv3.weight");
      double left = 1 - masks.sparsity("conv3.weight");
      assertThat(left).isBetween(0.1, 0.9);
      for (int i = 0; i < dropped.length; i++) {
        if (dropped[i] != 0) {
          assertThat((double) dropped[i]).isCloseTo(before[i] / left, within(1e-5));
        }
      }
      masks.applyForward();
      assertThat(masks.values("conv3.weight")).containsExactly(dropped);
      masks.revert();
      assertThat(masks.values("conv3.weight")).containsExactly(before);
      masks.keep(java.util.Set.of("conv3.weight"));
      assertThat(masks.sparsity("conv3.weight")).isCloseTo(1 - left, within(1e-9));
    }
  }

  @Test
  void masksOfTheForwardPassLetWeightsComeBack() {
    try (Module net = layer(1, 9, 2, 2, 5, 1, 8, 3);
        ZerosMaskDict masks = new ZerosMaskDict(net);
        ZerosMaskDict resumed = new ZerosMaskDict(net)) {
      SplicingPruner surgery = new SplicingPruner("s", Map.of("*", 0.0), 0.5, 1.5, 0);
      masks.during(Masking.FORWARD_ONLY, () -> surgery.prune(masks, ONCE));
      // The mean is 31/8: below 1.94 goes, from 5.8 on comes, between stays.
      assertThat(masks.values("weight")).containsExactly(0, 9, 2, 2, 5, 0, 8, 3);
      try (Torch.Switched noGrad = Torch.noGrad();
          Scope scope = Scope.open()) {
        net.parameters().get("weight").add_(Tensors.of(new float[] {6, 0, 0, 0, 0, 3, 0, 0}, 2, 4));
      }
      masks.apply();
      assertThat(masks.values("weight")).containsExactly(6, 9, 2, 2, 5, 3, 8, 3);
      resumed.restore(masks.state());
      resumed.apply();
      SplicingPruner again = new SplicingPruner("s", Map.of("*", 0.0), 0.5, 1.5, 0);
      again.restore(surgery.state());
      resumed.during(Masking.FORWARD_ONLY, () -> again.prune(resumed, ONCE));
      assertThat(resumed.values("weight")).containsExactly(6, 9, 2, 2, 5, 0, 8, 3);
    }
  }

  @Test
  void thresholdsOfStructuresAndOfTheRamp() {
    try (Module net = layer(1, 9, 2, 2, 5, 1, 8, 3);
        ZerosMaskDict masks = new ZerosMaskDict(net)) {
      new StructureParameterPruner(
              "t", Map.of("weight", new Regime(4, List.of(Structure.CHANNELS))), Criterion.MEAN_ABS)
          .prune(masks, ONCE);
      assertThat(masks.values("weight")).containsExactly(0, 9, 2, 0, 0, 1, 8, 0);
      new StructureParameterPruner(
              "t",
              Map.of("weight", new Regime(8, List.of(Structure.FILTERS, Structure.CHANNELS))),
              Criterion.MAX)
          .prune(masks, ONCE);
      assertThat(masks.values("weight")).containsExactly(0, 9, 0, 0, 0, 0, 0, 0);
    }
    BaiduRNNPruner ramp = new BaiduRNNPruner("b", 0.5, 4, 2, List.of("weight"));
    // The first slope is 2 q / (2 · 4 + 3 · 6) = 1 / 26.
    assertThat(ramp.threshold(new PrunerEpochs(0, 10, 1, 1))).isCloseTo(2 / 26.0, within(1e-12));
    assertThat(ramp.threshold(new PrunerEpochs(0, 10, 1, 5)))
        .isCloseTo((5 + 2 * 2) / 26.0, within(1e-12));
    assertThatThrownBy(() -> ramp.threshold(new PrunerEpochs(5, 10, 1, 5)))
        .hasMessageContaining("the ramp at epoch 4");
  }

  @Test
  void filtersAreJudgedBehindTheirBatchNorm() {
    try (Scope scope = Scope.open();
        Module net = Stripes.net(1);
        ZerosMaskDict masks = new ZerosMaskDict(net)) {
      try (Torch.Switched noGrad = Torch.noGrad()) {
        net.parameters().get("bn3.weight").select(0, 11).fill_(new Scalar(1e-6));
      }
      masks.judgeBehindBatchNorm(images(2));
      StructurePruner.builder("p", Structure.FILTERS, Ranking.L1)
          .weights(List.of("conv3.weight"))
          .sparsity(Sparsity.constant(0.07))
          .build()
          .prune(masks, ONCE);
      assertThat(masks.mask("conv3.weight")[11 * 144]).isFalse();
      masks.judgeBehindBatchNorm();
      assertThat(Arrays.stream(toDoubles(masks.values("conv3.weight"))).map(Math::abs).max())
          .hasValueCloseTo(1 / 12.0, within(1e-3));
    }
  }

  private static double[] toDoubles(float[] values) {
    double[] wide = new double[values.length];
    for (int i = 0; i < wide.length; i++) {
      wide[i] = values[i];
    }
    return wide;
  }

  @Test
  void settingsThatExcludeEachOtherAreRefused() {
    assertThatThrownBy(
            () -> StructurePruner.builder("p", Structure.CHANNELS, Ranking.ACTIVATION_APOZ).build())
        .hasMessage("activations tell the worth of filters, not of channels");
    assertThatThrownBy(
            () ->
                StructurePruner.builder("p", Structure.FILTERS, Ranking.L1).bernoulli(true).build())
        .hasMessageContaining("choose Ranking.RANDOM");
    assertThatThrownBy(
            () ->
                StructurePruner.builder("p", Structure.FILTERS, Ranking.L1)
                    .reconstructs(true)
                    .build())
        .hasMessageContaining("where channels are dropped");
    try (Module net = Stripes.net(1);
        ZerosMaskDict masks = new ZerosMaskDict(net)) {
      StructurePruner own =
          StructurePruner.builder(
                  "p",
                  Structure.FILTERS,
                  Ranking.of("mine", candidate -> new double[candidate.count() + 1]))
              .weights(List.of("fc.weight"))
              .build();
      assertThatThrownBy(() -> own.prune(masks, ONCE))
          .hasMessage("the ranking by mine has 5 scores for the 4 parts of 'fc.weight'");
    }
  }
}
