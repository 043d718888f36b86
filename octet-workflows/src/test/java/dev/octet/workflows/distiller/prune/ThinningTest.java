package dev.octet.workflows.distiller.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.octet.graph.Model;
import dev.octet.graph.onnx.OnnxWriter;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Module;
import dev.octet.torch.train.Optimizer;
import dev.octet.workflows.distiller.LinearQuantMode;
import dev.octet.workflows.distiller.Overrides;
import dev.octet.workflows.distiller.PostTrainLinearQuantizer;
import dev.octet.workflows.distiller.QBits;
import dev.octet.workflows.distiller.fixture.Stripes;
import dev.octet.workflows.distiller.stats.ModelStats;
import dev.octet.workflows.distiller.stats.QuantCalibrationStatsCollector;
import dev.octet.workflows.distiller.stats.Structure;
import dev.octet.workflows.distiller.train.DorefaQuantizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ThinningTest {
  private static final PrunerEpochs ONCE = new PrunerEpochs(0, 1, 1, 0);

  @TempDir private Path folder;

  static Tensor images(int count) {
    Random random = new Random(7);
    float[] pixels = new float[count * 64];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (float) random.nextGaussian();
    }
    return Tensors.of(pixels, count, 1, 8, 8);
  }

  static float[] outputs(Module net, Tensor images) {
    net.eval();
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      return Tensors.toFloats(net.call(images));
    }
  }

  /** Keeps some filters, biases with them. */
  private static void dropFilters(Module net, String layer, int... dropped) {
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      for (Tensor each : net.get(layer).ownParameters().values()) {
        for (int filter : dropped) {
          each.select(0, filter).zero_();
        }
      }
    }
  }

  /** Statistics and shifts as training leaves them. */
  static void train(Module net, String norm) {
    Map<String, Tensor> state = net.get(norm).stateDict();
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      state.get("weight").uniform_();
      state.get("bias").uniform_();
      state.get("running_mean").normal_();
      state.get("running_var").uniform_().add_(new Scalar(0.5));
    }
  }

  private static void prune(Module net, StructurePruner pruner) {
    try (ZerosMaskDict masks = new ZerosMaskDict(net)) {
      pruner.check(masks);
      pruner.prune(masks, ONCE);
    }
  }

  @Test
  void whatZeroFiltersCarryGoesIntoTheBiasBehindThem() {
    try (Scope scope = Scope.open();
        Module net = Stripes.net(3)) {
      Tensor images = images(4);
      train(net, "bn3");
      prune(
          net,
          StructurePruner.builder("half", Structure.FILTERS, Ranking.L1)
              .weights(List.of("conv3.weight"))
              .build());
      float[] before = outputs(net, images);
      Thinning thinning = Thinning.of(net, Thinning.Kind.FILTERS, images);
      assertThat(thinning.remarks()).isEmpty();
      assertThat(thinning.outputs()).containsOnlyKeys("conv3", "bn3", "fc").containsEntry("bn3", 8);
      thinning.apply(net, null);
      assertThat(Tensors.shape(net.parameters().get("conv3.weight"))).containsExactly(8, 16, 3, 3);
      assertThat(Tensors.shape(net.parameters().get("fc.weight"))).containsExactly(4, 8);
      assertThat(outputs(net, images)).containsExactly(before, within(1e-5f));
    }
  }

  @Test
  void aPaddedBorderIsRemarked() {
    try (Scope scope = Scope.open();
        Module net = Stripes.net(3)) {
      Tensor images = images(4);
      dropFilters(net, "conv2", 1, 4, 5);
      float[] before = outputs(net, images);
      assertThat(Thinning.of(net, Thinning.Kind.FILTERS, images).remarks()).isEmpty();
      train(net, "bn2");
      Thinning shifted = Thinning.of(net, Thinning.Kind.FILTERS, images);
      assertThat(shifted.remarks())
          .singleElement()
          .asString()
          .contains("'conv3' pads by zeros channels that carried up to");
      try (Torch.Switched noGrad = Torch.noGrad();
          Scope inner = Scope.open()) {
        Map<String, Tensor> state = net.get("bn2").stateDict();
        state.get("weight").fill_(new Scalar(1.0));
        state.get("bias").zero_();
        state.get("running_mean").zero_();
        state.get("running_var").fill_(new Scalar(1.0));
      }
      Thinning.of(net, Thinning.Kind.FILTERS, images).apply(net, null);
      assertThat(Tensors.shape(net.parameters().get("conv2.weight"))).containsExactly(13, 8, 3, 3);
      assertThat(Tensors.shape(net.parameters().get("conv3.weight"))).containsExactly(16, 13, 3, 3);
      assertThat(outputs(net, images)).containsExactly(before, within(1e-5f));
    }
  }

  @Test
  void channelsGoThroughSumsConcatenationsAndDepthwiseLayers() {
    Torch.seed(5);
    try (Scope scope = Scope.open();
        Module net = new Branches()) {
      Tensor images = images(3);
      dropFilters(net, "stem", 0, 3, 6);
      dropFilters(net, "inner", 0, 3, 6);
      dropFilters(net, "right", 2);
      dropFilters(net, "last", 4);
      float[] before = outputs(net, images);
      Optimizer optimizer = Stripes.sgd(net, 0.05);
      Thinning thinning = Thinning.of(net, Thinning.Kind.BOTH, images);
      thinning.apply(net, optimizer);
      assertThat(thinning.outputs())
          .containsEntry("stem", 5)
          .containsEntry("bn", 5)
          .containsEntry("inner", 5)
          .containsEntry("deep", 5)
          .containsEntry("right", 5)
          .containsEntry("last", 4);
      assertThat(Tensors.shape(net.parameters().get("last.weight"))).containsExactly(4, 9, 1, 1);
      assertThat(Tensors.shape(net.parameters().get("fc.weight"))).containsExactly(3, 16);
      assertThat(outputs(net, images)).containsExactly(before, within(1e-5f));
      net.call(images).sum().backward();
      optimizer.step();
      assertThat(outputs(net, images)).isNotEqualTo(before);
      optimizer.close();
      assertThat(Thinning.of(net, Thinning.Kind.BOTH, images).isEmpty()).isTrue();
    }
  }

  @Test
  void channelsThatNobodyReadsGo() {
    Torch.seed(5);
    try (Scope scope = Scope.open();
        Module net = new Branches()) {
      Tensor images = images(3);
      prune(
          net,
          StructurePruner.builder("c", Structure.CHANNELS, Ranking.L2)
              .weights(List.of("left.weight", "right.weight"))
              .leader(true)
              .build());
      // The sum's inputs are read by 'inner' too, so that they stay.
      assertThat(Thinning.possible(net, Thinning.Kind.CHANNELS, images).left())
          .containsOnlyKeys("left", "right");
      try (Torch.Switched noGrad = Torch.noGrad();
          Scope inner = Scope.open()) {
        Tensor read = net.parameters().get("left.weight").abs().sum(0L).ne(new Scalar(0.0));
        net.parameters().get("inner.weight").mul_(read.reshape(1, 8, 1, 1));
      }
      float[] before = outputs(net, images);
      Thinning.of(net, Thinning.Kind.CHANNELS, images).apply(net, null);
      assertThat(Tensors.shape(net.parameters().get("stem.weight"))).containsExactly(4, 1, 3, 3);
      assertThat(outputs(net, images)).containsExactly(before, within(1e-5f));
    }
  }

  @Test
  void refusesWhatCannotGoByName() {
    Torch.seed(5);
    try (Scope scope = Scope.open();
        Module net = new Branches()) {
      Tensor images = images(3);
      dropFilters(net, "inner", 2);
      assertThatThrownBy(() -> Thinning.of(net, Thinning.Kind.FILTERS, images))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("'inner': 1 filters of zeros stay, since another layer makes them")
          .hasMessageContaining("group_dependency: Leader");
      dropFilters(net, "fc", 1);
      assertThat(Thinning.possible(net, Thinning.Kind.FILTERS, images).left().get("fc"))
          .contains("the model's output needs them");
      dropFilters(net, "left", 0, 1, 2, 3);
      assertThatThrownBy(() -> Thinning.possible(net, Thinning.Kind.FILTERS, images))
          .hasMessageContaining("nothing would be left of 'left'");
    }
  }

  @Test
  void refusesLayersThatAreQuantizedAlready() {
    try (Scope scope = Scope.open();
        Module net = Stripes.net(3);
        Optimizer optimizer = Stripes.sgd(net, 0.05)) {
      Tensor images = images(3);
      new DorefaQuantizer(net, optimizer, new QBits(8, 8, null), Overrides.NONE).prepareModel();
      try (ZerosMaskDict masks = new ZerosMaskDict(net)) {
        boolean[] kept = new boolean[16 * 72];
        Arrays.fill(kept, 72, kept.length, true);
        masks.setMask("conv2.weight", kept);
      }
      assertThatThrownBy(() -> Thinning.of(net, Thinning.Kind.FILTERS, images))
          .hasMessageContaining("'conv2': filters of zeros stay")
          .hasMessageContaining("before they are quantized");
    }
  }

  @Test
  void aThinModelIsSmallerInIntegersAndComputesTheSame() throws IOException {
    try (Scope scope = Scope.open();
        Module net = Stripes.net(3);
        Module thin = Stripes.net(3)) {
      Tensor images = images(16);
      StructurePruner pruner =
          StructurePruner.builder("half", Structure.FILTERS, Ranking.L1)
              .weights(List.of("conv1.weight", "conv2.weight", "conv3.weight"))
              .build();
      prune(net, pruner);
      prune(thin, pruner);
      Thinning.of(thin, Thinning.Kind.FILTERS, images).apply(thin, null);
      assertThat(outputs(thin, images)).containsExactly(outputs(net, images), within(1e-5f));
      long masked = integers(net, images, "masked.onnx");
      long small = integers(thin, images, "thin.onnx");
      assertThat(small).isLessThan(masked - 2000);
      assertThat(outputs(thin, images)).containsExactly(outputs(net, images), within(0.02f));
    }
  }

  private long integers(Module net, Tensor images, String file) throws IOException {
    net.eval();
    ModelStats stats =
        QuantCalibrationStatsCollector.collectQuantStats(
            net,
            () -> {
              try (Scope scope = Scope.open()) {
                net.call(images);
              }
            });
    PostTrainLinearQuantizer quantizer =
        PostTrainLinearQuantizer.builder(net)
            .mode(LinearQuantMode.ASYMMETRIC_UNSIGNED)
            .modelActivationStats(stats)
            .build();
    quantizer.prepareModel(images);
    net.eval();
    Model model = quantizer.convert(images);
    OnnxWriter.write(model, folder.resolve(file));
    return Files.size(folder.resolve(file));
  }
}
