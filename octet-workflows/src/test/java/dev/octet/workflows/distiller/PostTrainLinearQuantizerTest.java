package dev.octet.workflows.distiller;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Activation;
import dev.octet.torch.nn.Add;
import dev.octet.torch.nn.BatchNorm2d;
import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.nn.Embedding;
import dev.octet.torch.nn.Identity;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.Sequential;
import dev.octet.torch.op.Ops;
import dev.octet.workflows.distiller.stats.ModelStats;
import dev.octet.workflows.distiller.stats.TensorStats;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class PostTrainLinearQuantizerTest {
  @BeforeEach
  void seed() {
    Torch.seed(7);
  }

  /** Two branches whose batch normalizations run in the order conv1, conv2, bn1, bn2. */
  private static final class Interleaved extends Module {
    private final Child<Module> conv1 = child("conv1", Conv2d.builder(1, 2, 3).build());
    private final Child<Module> conv2 = child("conv2", Conv2d.builder(1, 2, 3).bias(false).build());
    private final Child<Module> bn1 = child("bn1", BatchNorm2d.builder(2).build());
    private final Child<Module> bn2 = child("bn2", BatchNorm2d.builder(2).build());
    private final Child<Module> add = child("add", Add.of());

    @Override
    protected Tensor forward(Tensor x) {
      Tensor a = conv1.call(x);
      Tensor b = conv2.call(x);
      return add.call(bn1.call(a), bn2.call(b));
    }
  }

  private static void shiftStatistics(Module model) {
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      model
          .stateDict()
          .forEach(
              (name, tensor) -> {
                if (name.endsWith("running_mean")) {
                  tensor.copy_(torch.randn(Tensors.shape(tensor)));
                }
                if (name.endsWith("running_var")) {
                  tensor.copy_(torch.rand(Tensors.shape(tensor)));
                }
              });
    }
  }

  @Test
  void foldsBatchNormIntoTheLayerItReads() {
    try (Scope scope = Scope.open();
        Module model = new Interleaved()) {
      shiftStatistics(model);
      model.eval();
      Tensor x = torch.randn(2, 1, 5, 5);
      Tensor exact = model.call(x);
      ModelStats stats = Observed.stats(model, x);
      PostTrainLinearQuantizer quantizer =
          PostTrainLinearQuantizer.builder(model)
              .bitsActivations(12)
              .bitsParameters(12)
              .modelActivationStats(stats)
              .build();
      quantizer.prepareModel(x);
      model.eval();
      assertThat(model.get("bn1")).isInstanceOf(Identity.class);
      assertThat(model.get("bn2")).isInstanceOf(Identity.class);
      // With 12 bits hardly anything is lost, so a wrong pair would show.
      assertThat(Observed.largestDifference(model.call(x), exact)).isLessThan(0.05f);
      ModelStats after = quantizer.statsAfterPrepareModel();
      assertThat(after.layers()).doesNotContainKeys("bn1", "bn2");
      assertThat(after.layers().get("conv2").output())
          .isEqualTo(stats.layers().get("bn2").output());
    }
  }

  @ParameterizedTest
  @CsvSource({
    "ReLU, -5, 5, 0, 5",
    "ReLU, -5, -1, 0, 0",
    "ReLU6, -5, 8, 0, 6",
    "Tanh, -6, 3, -4, 3",
    "Sigmoid, -8, 8, -6, 6",
    "GELU, -8, 8, -8, 8"
  })
  void narrowsRangesToWhatTheReaderTellsApart(
      String function, double min, double max, double low, double high) {
    Activation activation =
        switch (function) {
          case "ReLU" -> Activation.relu();
          case "ReLU6" -> Activation.relu6();
          case "Tanh" -> Activation.tanh();
          case "Sigmoid" -> Activation.sigmoid();
          default -> Activation.gelu();
        };
    try (Scope scope = Scope.open();
        Module model =
            new Sequential(
                Linear.builder(3, 2).build(), activation, Linear.builder(2, 2).build())) {
      Tensor x = torch.randn(4, 3);
      ModelStats stats = Observed.stats(model, x);
      stats =
          stats.with(
              "0", stats.layers().get("0").withOutput(TensorStats.of(min, max, min + 1, max - 1)));
      PostTrainLinearQuantizer quantizer =
          PostTrainLinearQuantizer.builder(model).modelActivationStats(stats).build();
      quantizer.prepareModel(x);
      TensorStats narrowed = quantizer.statsAfterPrepareModel().layers().get("0").output();
      assertThat(narrowed.min()).isEqualTo(low);
      assertThat(narrowed.max()).isEqualTo(high);
      assertThat(model.get("1") instanceof Identity).isEqualTo(function.startsWith("ReLU"));
      // The caller's record is as it was.
      assertThat(stats.layers().get("0").output().min()).isEqualTo(min);
    }
  }

  @Test
  void aRectifierIsAppliedInsideTheLayerBeforeIt() {
    try (Scope scope = Scope.open();
        Module model = new Sequential(Linear.builder(3, 4).build(), Activation.relu())) {
      Tensor x = torch.randn(16, 3);
      model.eval();
      Tensor exact = model.call(x);
      PostTrainLinearQuantizer quantizer =
          Observed.prepared(
              PostTrainLinearQuantizer.builder(model).mode(LinearQuantMode.ASYMMETRIC_UNSIGNED),
              model,
              x);
      model.eval();
      Tensor y = model.call(x);
      assertThat(y.min().item_float()).isZero();
      assertThat(Observed.largestDifference(y, exact)).isLessThan(0.03f);
      assertThat(quantizer.namedLinearQuantParams().get("0.output_zero_point")[0]).isZero();
    }
  }

  @Test
  void aRectifierThatHasCompanyStays() {
    final class Forked extends Module {
      private final Child<Module> fc = child("fc", Linear.builder(3, 3).build());
      private final Child<Module> relu = child("relu", Activation.relu());
      private final Child<Module> add = child("add", Add.of());

      @Override
      protected Tensor forward(Tensor x) {
        Tensor y = fc.call(x);
        return add.call(relu.call(y), y);
      }
    }
    try (Scope scope = Scope.open();
        Module model = new Forked()) {
      Tensor x = torch.randn(8, 3);
      Observed.prepared(PostTrainLinearQuantizer.builder(model), model, x);
      assertThat(model.get("relu")).isInstanceOf(RangeLinearFakeQuantWrapper.class);
      assertThat(callInEval(model, x).min().item_float()).isNegative();
    }
  }

  private static Tensor callInEval(Module model, Tensor x) {
    model.eval();
    return model.call(x);
  }

  @Test
  void withoutStatisticsSumsStayFloatAndThatIsSaid() {
    try (Scope scope = Scope.open();
        Module model = new Interleaved()) {
      Tensor x = torch.randn(2, 1, 5, 5);
      model.eval();
      Tensor exact = model.call(x);
      PostTrainLinearQuantizer quantizer = PostTrainLinearQuantizer.builder(model).build();
      quantizer.prepareModel(x);
      assertThat(quantizer.warnings()).anyMatch(each -> each.startsWith("'add' (Add) stays float"));
      assertThat(model.get("add")).isInstanceOf(Add.class);
      assertThat(Observed.largestDifference(callInEval(model, x), exact)).isBetween(1e-6f, 0.1f);
      assertThatThrownBy(() -> quantizer.convert(x)).hasMessageContaining("statistics");
    }
  }

  @Test
  void aLayerThatWasNotRunStaysFloatAndThatIsSaid() {
    try (Scope scope = Scope.open();
        Module model = new Sequential(Linear.builder(3, 3).build(), Linear.builder(3, 3).build())) {
      Tensor x = torch.randn(4, 3);
      ModelStats stats = Observed.stats(model, x).without("1");
      PostTrainLinearQuantizer quantizer =
          PostTrainLinearQuantizer.builder(model).modelActivationStats(stats).build();
      quantizer.prepareModel(x);
      assertThat(model.get("1")).isInstanceOf(Linear.class);
      assertThat(quantizer.warnings()).anyMatch(each -> each.startsWith("'1' stays float"));
    }
  }

  @Test
  void settingsByLayer() {
    try (Scope scope = Scope.open();
        Module model =
            new Sequential(
                Linear.builder(3, 3).build(),
                Activation.gelu(),
                Linear.builder(3, 3).build(),
                Linear.builder(3, 3).build(),
                Linear.builder(3, 3).build())) {
      Tensor x = torch.randn(4, 3);
      model.eval();
      Tensor exact = model.call(x);
      PostTrainLinearQuantizer quantizer =
          PostTrainLinearQuantizer.builder(model)
              .modelActivationStats(Observed.stats(model, x))
              .overrides(
                  Overrides.NONE
                      .with("0", "fake", true, "fpq_module", 64)
                      .with("2", "bits_activations", null)
                      .with("3", "bits_activations", null, "bits_weights", null, "fpq_module", 16)
                      .with("4", "per_channel_wts", true, "mode", "ASYMMETRIC_SIGNED"))
              .build();
      quantizer.prepareModel(x);
      assertThat(model.get("0")).isInstanceOf(RangeLinearFakeQuantWrapper.class);
      assertThat(model.get("2")).isInstanceOf(RangeLinearQuantParamLayerWrapper.class);
      assertThat(model.get("3")).isInstanceOf(FPWrapper.class);
      assertThat(model.get("4").ownBuffers().get("w_scale").numel()).isEqualTo(3);
      Tensor y = callInEval(model, x);
      assertThat(Observed.largestDifference(y, exact)).isBetween(1e-7f, 0.1f);
      assertThat(quantizer.conversionNotes())
          .anyMatch(each -> each.contains("'3' computes in float as fpq_module says"))
          .anyMatch(each -> each.contains("'2' computes in float with integer weights"));
    }
  }

  @Test
  void inputsThatComeFromNowhereNeedSettings() {
    try (Scope scope = Scope.open();
        Module model = new Sequential(Linear.builder(3, 3).build(), Linear.builder(3, 3).build())) {
      Tensor x = torch.randn(4, 3);
      ModelStats stats = Observed.stats(model, x);
      PostTrainLinearQuantizer strict =
          PostTrainLinearQuantizer.builder(model)
              .modelActivationStats(stats)
              .inputsQuantAutoFallback(false)
              .overrides(
                  Overrides.parse(
                      "'1':\n  input_overrides:\n    0: {bits_activations: 4}\n", "o.yaml"))
              .build();
      strict.prepareModel(x);
      model.eval();
      assertThatThrownBy(() -> model.call(x))
          .hasMessageContaining("input 0 of '0' comes from no quantized layer");
    }
    try (Scope scope = Scope.open();
        Module model = new Sequential(Linear.builder(3, 3).build(), Linear.builder(3, 3).build())) {
      Tensor x = torch.randn(4, 3);
      PostTrainLinearQuantizer doubled =
          PostTrainLinearQuantizer.builder(model)
              .modelActivationStats(Observed.stats(model, x))
              .overrides(
                  Overrides.parse(
                      "'1':\n  input_overrides:\n    0: {from_output: true}\n", "o.yaml"))
              .build();
      doubled.prepareModel(x);
      model.eval();
      assertThatThrownBy(() -> model.call(x))
          .hasMessageContaining("input 0 of '1' comes quantized from another layer");
      // The tensor of the caller is as it was: the first layer takes it again.
      assertThat(model.get("0").call(x).numel()).isEqualTo(12);
    }
  }

  @Test
  void warnsOfAccumulatorsThatMayOverflow() {
    try (Scope scope = Scope.open();
        Module model = new Sequential(Linear.builder(3, 3).build())) {
      PostTrainLinearQuantizer quantizer =
          PostTrainLinearQuantizer.builder(model).bitsActivations(16).bitsParameters(12).build();
      quantizer.prepareModel(Ops.zeros(1, 3));
      assertThat(quantizer.warnings())
          .containsExactly(
              "'0': products of 16 and 12 bits leave 4 bits of an accumulator of 32 to sum in; sums"
                  + " and biases beyond are cut off");
    }
  }

  @Test
  void refusesTraining() {
    try (Scope scope = Scope.open();
        Module model = new Sequential(Linear.builder(3, 3).build())) {
      Tensor x = torch.randn(4, 3);
      PostTrainLinearQuantizer.builder(model).build().prepareModel(x);
      model.train(true);
      assertThatThrownBy(() -> model.call(x)).hasMessageContaining("call eval() first");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "SYMMETRIC, -4, 4",
    "SYMMETRIC_RESTRICTED, -4, 4",
    "ASYMMETRIC_UNSIGNED, -2, 10.75",
    "ASYMMETRIC_SIGNED, -2, 10.75"
  })
  void rangesReadBackAsTheyWereSet(LinearQuantMode mode, double low, double high) {
    try (Scope scope = Scope.open();
        Module model = new Sequential(Linear.builder(3, 3).build())) {
      Tensor x = torch.randn(4, 3);
      PostTrainLinearQuantizer quantizer =
          Observed.prepared(
              PostTrainLinearQuantizer.builder(model).mode(mode).saveFpWeights(true), model, x);
      for (String name : List.of("0.output", "0.weight")) {
        quantizer.setClipping(name, low, high);
        double[] range = quantizer.namedClipping().get(name);
        assertThat(range[0]).as(name).isCloseTo(low, within(1e-5));
        assertThat(range[1]).as(name).isCloseTo(high, within(1e-5));
      }
      quantizer.setLinearQuantParam("0.output_scale", 3f);
      assertThat(quantizer.namedLinearQuantParams().get("0.output_scale")).containsExactly(3f);
      assertThatThrownBy(() -> quantizer.setLinearQuantParam("0.output_scale", -3f))
          .hasMessageContaining("positive");
      assertThatThrownBy(() -> quantizer.setLinearQuantParam("9.output_scale", 3f))
          .hasMessageContaining("no quantized layer");
    }
  }

  @Test
  void aResumedModelIsTheSameModel() {
    try (Scope scope = Scope.open();
        Module model = net();
        Module fresh = net()) {
      Tensor x = torch.randn(2, 1, 6, 6);
      PostTrainLinearQuantizer quantizer =
          Observed.prepared(
              PostTrainLinearQuantizer.builder(model)
                  .mode(LinearQuantMode.ASYMMETRIC_SIGNED, LinearQuantMode.SYMMETRIC_RESTRICTED)
                  .perChannelWts(true)
                  .clipActs(ClipMode.N_STD)
                  .clipNStds(2.5)
                  .bitsActivations(6)
                  .scaleApproxMultBits(12)
                  .overrides(Overrides.NONE.with("4", "clip_acts", "NONE")),
              model,
              x);
      String text = quantizer.metadata().toYaml();

      QuantizerMetadata metadata = QuantizerMetadata.parse(text, "metadata.yaml");
      PostTrainLinearQuantizer resumed = PostTrainLinearQuantizer.builder(fresh, metadata).build();
      resumed.prepareModel(metadata);
      fresh.loadStateDict(model.stateDict(), true);
      assertThat(resumed.metadata().toYaml()).isEqualTo(text);
      assertThat(Tensors.toFloats(callInEval(fresh, x)))
          .isEqualTo(Tensors.toFloats(callInEval(model, x)));
    }
  }

  static Module net() {
    return new Sequential(
        Conv2d.builder(1, 4, 3).bias(false).build(),
        BatchNorm2d.builder(4).build(),
        Activation.relu(),
        new dev.octet.torch.nn.Flatten(),
        Linear.builder(64, 3).build());
  }

  @Test
  void aModelThatCannotBeFollowedIsQuantizedWithoutFusing() {
    final class Untraceable extends Module {
      private final Child<Module> fc = child("fc", Linear.builder(3, 3).build());
      private final Child<Module> relu = child("relu", Activation.relu());

      @Override
      protected Tensor forward(Tensor x) {
        return relu.call(fc.call(x.sub(torch.ones(1))));
      }
    }
    try (Scope scope = Scope.open();
        Module model = new Untraceable()) {
      Tensor x = torch.randn(8, 3);
      model.eval();
      Tensor exact = model.call(x);
      PostTrainLinearQuantizer quantizer =
          Observed.prepared(PostTrainLinearQuantizer.builder(model), model, x);
      assertThat(quantizer.warnings())
          .singleElement()
          .asString()
          .contains("activations are not fused", "'fc'");
      assertThat(Observed.largestDifference(callInEval(model, x), exact)).isLessThan(0.1f);
    }
  }

  @Test
  void tablesAreQuantized() {
    try (Scope scope = Scope.open();
        Module model =
            new Sequential(Embedding.builder(10, 4).build(), Linear.builder(4, 2).build())) {
      Tensor ids = Tensors.of(new long[] {1, 2, 9}, 1, 3);
      model.eval();
      Tensor exact = model.call(ids);
      Observed.prepared(PostTrainLinearQuantizer.builder(model), model, ids);
      assertThat(model.get("0")).isInstanceOf(RangeLinearEmbeddingWrapper.class);
      assertThat(Observed.largestDifference(callInEval(model, ids), exact)).isBetween(1e-7f, 0.1f);
    }
  }

  @Test
  void wrongSettingsAreNamed() {
    try (Scope scope = Scope.open();
        Module model = new Sequential(Linear.builder(3, 3).build(), Activation.relu())) {
      assertThatThrownBy(
              () -> PostTrainLinearQuantizer.builder(model).clipActs(ClipMode.N_STD).build())
          .hasMessage("clip_acts N_STD needs clip_n_stds above 0, not null");
      assertThatThrownBy(() -> PostTrainLinearQuantizer.builder(model).bitsActivations(32).build())
          .hasMessage("bits_activations is 32; choose 2 to 16");
      assertThatThrownBy(
              () ->
                  PostTrainLinearQuantizer.builder(model)
                      .overrides(Overrides.NONE.with(".*", "per_channel_wts", true))
                      .build()
                      .prepareModel(Ops.zeros(1, 3)))
          .hasMessageContaining("'1' (ReLU) have [per_channel_wts]");
      assertThatThrownBy(
              () ->
                  PostTrainLinearQuantizer.builder(model)
                      .overrides(Overrides.NONE.with("0", "clip_acts", "AVERAGE"))
                      .build()
                      .prepareModel(Ops.zeros(1, 3)))
          .hasMessageContaining("'0' (Linear): clip_acts is 'AVERAGE'");
      PostTrainLinearQuantizer late = PostTrainLinearQuantizer.builder(model).build();
      assertThatThrownBy(late::prepareModel).hasMessageContaining("needs an example input");
      assertThatThrownBy(
              () ->
                  PostTrainLinearQuantizer.builder(model)
                      .overrides(
                          Overrides.parse("'1': {input_overrides: {0: {bits: 4}}}", "o.yaml"))
                      .build()
                      .prepareModel(Ops.zeros(1, 3)))
          .hasMessageContaining("'1' (ReLU): input_overrides of 0 have [bits]");
      assertThat(model.get("0")).isInstanceOf(Linear.class);
      late.prepareModel(Ops.zeros(1, 3));
      assertThat(late.replaced().keySet()).contains("0");
    }
  }

  @Test
  void parametersAreWrittenAsYaml(@org.junit.jupiter.api.io.TempDir java.nio.file.Path folder) {
    try (Scope scope = Scope.open();
        Module model = new Sequential(Linear.builder(3, 3).build())) {
      Tensor x = torch.randn(4, 3);
      PostTrainLinearQuantizer quantizer =
          Observed.prepared(PostTrainLinearQuantizer.builder(model), model, x);
      java.nio.file.Path file = folder.resolve("layer_quant_params.yaml");
      quantizer.writeLayerQuantParams(file);
      Map<String, Object> read = dev.octet.core.yaml.SafeYaml.read(file);
      assertThat(((Number) read.get("0.output_scale")).floatValue())
          .isEqualTo(quantizer.namedLinearQuantParams().get("0.output_scale")[0]);
    }
  }
}
