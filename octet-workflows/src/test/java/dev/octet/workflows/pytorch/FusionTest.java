package dev.octet.workflows.pytorch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.octet.torch.Scope;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Activation;
import dev.octet.torch.nn.BatchNorm1d;
import dev.octet.torch.nn.BatchNorm2d;
import dev.octet.torch.nn.BatchNorm3d;
import dev.octet.torch.nn.Conv1d;
import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.nn.Conv3d;
import dev.octet.torch.nn.ConvTranspose1d;
import dev.octet.torch.nn.ConvTranspose2d;
import dev.octet.torch.nn.ConvTranspose3d;
import dev.octet.torch.nn.Identity;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.Sequential;
import dev.octet.workflows.pytorch.observer.FakeQuantizeBase;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** All patterns of reference 1.5, in eval and in training. */
final class FusionTest {
  private static final long[][] SHAPES = {
    {4, 6}, {4, 6, 9}, {4, 6, 7, 7}, {2, 6, 5, 5, 5},
  };

  record Case(String name, int dims, Supplier<List<Module>> modules, String eval, String training) {
    @Override
    public String toString() {
      return name;
    }
  }

  static Stream<Case> cases() {
    List<Case> cases = new ArrayList<>();
    for (int d = 1; d <= 3; d++) {
      int dims = d;
      String n = d + "d";
      cases.add(
          new Case(
              "conv bn " + n, d, () -> List.of(conv(dims), norm(dims)), "Conv" + n, "ConvBn" + n));
      cases.add(
          new Case(
              "conv bn relu " + n,
              d,
              () -> List.of(conv(dims), norm(dims), Activation.relu()),
              "ConvReLU" + n,
              "ConvBnReLU" + n));
      cases.add(
          new Case(
              "conv relu " + n,
              d,
              () -> List.of(conv(dims), Activation.relu()),
              "ConvReLU" + n,
              "ConvReLU" + n));
      cases.add(
          new Case(
              "transposed bn " + n,
              d,
              () -> List.of(transposed(dims), norm(dims)),
              "ConvTranspose" + n,
              ""));
      if (d > 1) {
        cases.add(
            new Case(
                "bn relu " + n,
                d,
                () -> List.of(norm(dims), Activation.relu()),
                "BNReLU" + n,
                "BNReLU" + n));
      }
    }
    cases.add(new Case("linear bn", 0, () -> List.of(linear(), norm(1)), "Linear", "LinearBn1d"));
    cases.add(
        new Case(
            "linear relu",
            0,
            () -> List.of(linear(), Activation.relu()),
            "LinearReLU",
            "LinearReLU"));
    return cases.stream();
  }

  private static Module conv(int dims) {
    return switch (dims) {
      case 1 -> Conv1d.builder(6, 6, 3).padding("same").groups(2).bias(false).build();
      case 2 -> Conv2d.builder(6, 6, 3).padding(1).stride(2).build();
      default -> Conv3d.builder(6, 6, 3).dilation(2).bias(false).build();
    };
  }

  private static Module transposed(int dims) {
    return switch (dims) {
      case 1 -> ConvTranspose1d.builder(6, 6, 3).stride(2).outputPadding(1).bias(false).build();
      case 2 -> ConvTranspose2d.builder(6, 6, 3).padding(1).build();
      default -> ConvTranspose3d.builder(6, 6, 3).bias(false).build();
    };
  }

  private static Module norm(int dims) {
    return switch (dims) {
      case 1 -> BatchNorm1d.builder(6).build();
      case 2 -> BatchNorm2d.builder(6).build();
      default -> BatchNorm3d.builder(6).affine(false).build();
    };
  }

  private static Module linear() {
    return Linear.builder(6, 6).bias(false).build();
  }

  private static Module warm(Case given) {
    Module model = new Sequential(given.modules.get().toArray(new Module[0]));
    for (int i = 0; i < 4; i++) {
      Nets.run(model, Nets.noise(i, SHAPES[given.dims]));
    }
    return model;
  }

  private static List<List<String>> all(Module model) {
    return List.of(
        IntStream.range(0, model.children().size()).mapToObj(Integer::toString).toList());
  }

  private static String kind(Module module) {
    return module instanceof FusedModule fused
        ? fused.kind()
        : module instanceof QatLayer layer ? layer.kind() : module.getClass().getSimpleName();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("cases")
  void inEvalItComputesTheSame(Case given) {
    try (Module model = warm(given)) {
      assertThatThrownBy(() -> Quantization.fuseModules(model, all(model)))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("'0' is in training mode");
      model.eval();
      float[] before = Nets.run(model, Nets.noise(9, SHAPES[given.dims]));
      int places = model.children().size();
      Quantization.fuseModules(model, all(model));
      assertThat(kind(model.get("0"))).isEqualTo(given.eval);
      for (int i = 1; i < places; i++) {
        assertThat(model.get(Integer.toString(i))).isInstanceOf(Identity.class);
      }
      float[] after = Nets.run(model, Nets.noise(9, SHAPES[given.dims]));
      assertThat(Nets.sqnr(before, after)).isGreaterThan(100);
      assertThat(model.get("0").isTraining()).isFalse();
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("cases")
  void inTrainingItBecomesOneLayerThatComputesTheSame(Case given) {
    try (Module model = warm(given)) {
      if (given.training.isEmpty()) {
        assertThatThrownBy(() -> Quantization.fuseModulesQat(model, all(model)))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("in eval only");
        return;
      }
      model.eval();
      float[] before = Nets.run(model, Nets.noise(9, SHAPES[given.dims]));
      assertThatThrownBy(() -> Quantization.fuseModulesQat(model, all(model)))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("'0' is in eval mode");
      model.train(true);
      Quantization.fuseModulesQat(model, all(model));
      assertThat(kind(model.get("0"))).isEqualTo(given.training);
      try (Prepared prepared = Quantization.prepareQat(model, Backend.OCTET.qatQConfigMapping())) {
        assertThat(kind(prepared.model().get("0"))).isEqualTo(given.training);
        FakeQuantizeBase.disableFakeQuant(model);
        model.eval();
        float[] after = Nets.run(model, Nets.noise(9, SHAPES[given.dims]));
        assertThat(Nets.sqnr(before, after)).isGreaterThan(100);
      }
    }
  }

  @Test
  void whatDoesNotFitIsRefusedAndNothingChanges() {
    try (Module model =
        new Sequential(conv(2), norm(3), Activation.relu6(), conv(2), Activation.relu(), norm(2))) {
      model.eval();
      String before = model.tree();
      for (List<String> group :
          List.of(
              List.of("0", "1"),
              List.of("0", "2"),
              List.of("3"),
              List.of("4", "3"),
              List.of("3", "4", "5"))) {
        assertThatThrownBy(() -> Quantization.fuseModules(model, List.of(List.of("3", "5"), group)))
            .isInstanceOf(IllegalArgumentException.class);
      }
      assertThatThrownBy(() -> Quantization.fuseModules(model, List.of(List.of("0", "1"))))
          .hasMessageContaining("[Conv2d, BatchNorm3d]")
          .hasMessageContaining("do not fuse");
      assertThat(model.tree()).isEqualTo(before);
    }
  }

  @Test
  void hooksBeforeTheFirstAndAfterTheLastStay() {
    try (Module model = new Sequential(conv(2), norm(2), Activation.relu())) {
      List<String> calls = new ArrayList<>();
      Module.Hook first =
          model
              .get("0")
              .beforeForward(
                  (module, inputs) -> {
                    calls.add("before first");
                    return inputs;
                  });
      model
          .get("1")
          .afterForward(
              (module, inputs, output) -> {
                calls.add("after norm");
                return output;
              });
      model
          .get("2")
          .afterForward(
              (module, inputs, output) -> {
                calls.add("after last");
                return output;
              });
      model.eval();
      Quantization.fuseModules(model, all(model));
      Nets.run(model, Nets.noise(1, SHAPES[2]));
      assertThat(calls).containsExactly("before first", "after last");
      first.close();
      Nets.run(model, Nets.noise(1, SHAPES[2]));
      assertThat(calls).hasSize(3);
    }
  }

  @Test
  void aChannelThatIsScaledByZeroTrainsWithoutNaN() {
    try (Module model = new Sequential(conv(2), norm(2))) {
      Tensor gamma = ((BatchNorm2d) model.get("1")).weight();
      assertThat(gamma).isNotNull();
      try (Torch.Switched noGrad = Torch.noGrad();
          Scope scope = Scope.open()) {
        if (gamma != null) {
          gamma.zero_();
        }
      }
      Quantization.fuseModulesQat(model, all(model));
      Prepared prepared = Quantization.prepareQat(model, Backend.OCTET.qatQConfig());
      for (float value : Nets.run(prepared.model(), Nets.noise(1, SHAPES[2]))) {
        assertThat(value).isCloseTo(0, within(1e-6f));
      }
      prepared.close();
    }
  }
}
