package dev.octet.workflows.distiller;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Activation;
import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.Sequential;
import dev.octet.torch.op.Ops;
import dev.octet.torch.train.Optimizer;
import dev.octet.torch.train.ParameterGroup;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

final class QuantizerTest {
  private static final QBits BITS = new QBits(8, 4, 8);

  /** Doubles parameters, so that what was quantized is plain to see, and brings a parameter. */
  private static final class Doubling extends Quantizer {
    private @Nullable Scaled brought;

    Doubling(Module model, Overrides overrides, @Nullable Optimizer optimizer, boolean copies) {
      super(model, BITS, overrides, optimizer, copies);
      replaceActivation(
          "ReLU",
          Set.of("slope"),
          (module, name, bits, arguments) -> {
            brought = new Scaled();
            return brought;
          });
    }

    @Override
    protected Tensor quantizeParam(Tensor floating, ParamToQuant param) {
      return floating.mul(new Scalar(2));
    }

    @Override
    protected List<ParameterGroup> newParameterGroups() {
      return brought == null
          ? List.of()
          : List.of(ParameterGroup.of(brought.parameters().values(), 0.5, 0));
    }
  }

  private static final class Scaled extends Module {
    private final Tensor factor = parameter("factor", Tensors.of(new float[] {1}, 1));

    @Override
    protected Tensor forward(Tensor x) {
      return Ops.mul(x, factor);
    }
  }

  private static Optimizer sgd(Module model) {
    return Optimizer.sgd(List.of(ParameterGroup.of(model.parameters().values(), 0.1, 0)), 0, false);
  }

  @Test
  void trainsFloatCopies() {
    try (Scope scope = Scope.open();
        Module model = new Sequential(Linear.builder(3, 2).build(), Activation.relu());
        Optimizer optimizer = sgd(model)) {
      Tensor weight = model.parameters().get("0.weight");
      float[] before = Tensors.toFloats(weight);
      Doubling quantizer = new Doubling(model, Overrides.NONE, optimizer, true);
      quantizer.prepareModel();

      assertThat(model.parameters().keySet())
          .containsExactlyInAnyOrder("0.float_weight", "0.float_bias", "1.factor");
      assertThat(model.buffers().keySet()).containsExactlyInAnyOrder("0.weight", "0.bias");
      assertThat(model.parameters().get("0.float_weight")).isSameAs(weight);
      assertThat(Tensors.toFloats(model.buffers().get("0.weight"))).isEqualTo(doubled(before));

      Tensor x = Tensors.of(new float[] {1, 2, 3}, 1, 3);
      model.call(x).sum().backward();
      optimizer.step();
      float[] after = Tensors.toFloats(weight);
      assertThat(after).isNotEqualTo(before);
      // Until it is quantized again, eval would see the old weight; switching quantizes.
      quantizer.quantizeParams();
      assertThat(Tensors.toFloats(model.buffers().get("0.weight"))).isEqualTo(doubled(after));
      assertThat(Tensors.toFloats(model.parameters().get("1.factor"))[0]).isNotEqualTo(1f);
      assertThat(optimizer.groups()).hasSize(2);
    }
  }

  private static float[] doubled(float[] values) {
    float[] doubled = values.clone();
    for (int i = 0; i < doubled.length; i++) {
      doubled[i] *= 2;
    }
    return doubled;
  }

  @Test
  void trainingAndEvalComputeTheSame() {
    try (Scope scope = Scope.open();
        Module model = new Sequential(Conv2d.builder(1, 2, 3).padding(1).build());
        Optimizer optimizer = sgd(model)) {
      new Doubling(model, Overrides.NONE, optimizer, true).prepareModel();
      Tensor x = Tensors.of(new float[] {1, -2, 3, 4}, 1, 1, 2, 2);
      float[] training = Tensors.toFloats(model.call(x).detach());
      model.eval();
      assertThat(Tensors.toFloats(model.call(x).detach())).isEqualTo(training);
    }
  }

  @Test
  void withoutCopiesOverwritesParameters() {
    try (Scope scope = Scope.open();
        Module model = new Sequential(Linear.builder(3, 2).build())) {
      float[] before = Tensors.toFloats(model.parameters().get("0.weight"));
      Doubling quantizer = new Doubling(model, Overrides.NONE, null, false);
      quantizer.prepareModel();
      assertThat(Tensors.toFloats(model.parameters().get("0.weight"))).isEqualTo(before);
      quantizer.quantizeParams();
      assertThat(Tensors.toFloats(model.parameters().get("0.weight"))).isEqualTo(doubled(before));
    }
  }

  @Test
  void aBiasOfAFloatLayerStaysFloat() {
    try (Scope scope = Scope.open();
        Module model = new Sequential(Linear.builder(3, 2).build())) {
      Doubling quantizer =
          new Doubling(
              model,
              Overrides.NONE.with("0", "bits_activations", null, "bits_weights", null),
              null,
              false);
      quantizer.prepareModel();
      assertThat(quantizer.paramsToQuantize()).isEmpty();
    }
  }

  private static final class Shared extends Module {
    private final Activation relu = Activation.relu();
    private final Child<Module> one = child("one", relu);
    private final Child<Module> two = child("two", relu);

    @Override
    protected Tensor forward(Tensor x) {
      return two.call(one.call(x));
    }
  }

  @Test
  void warnsOnceOfSharedModules() {
    try (Scope scope = Scope.open();
        Shared model = new Shared()) {
      Doubling quantizer = new Doubling(model, Overrides.NONE, null, false);
      quantizer.prepareModel();
      assertThat(quantizer.warnings())
          .containsExactly(
              "'two' is the same module as 'one'; it is quantized once, as the settings of 'one'"
                  + " say");
      assertThat(model.one.get()).isInstanceOf(Scaled.class).isSameAs(model.two.get());
    }
  }

  @Test
  void refusesWhatIsWrongBeforeAnythingChanges() {
    try (Scope scope = Scope.open();
        Module model = new Sequential(Linear.builder(3, 2).build(), Activation.relu())) {
      assertThatThrownBy(() -> new Doubling(model, Overrides.NONE, null, true))
          .hasMessageContaining("give one");
      Doubling unknown = new Doubling(model, Overrides.NONE.with("1", "slop", 1), null, false);
      assertThatThrownBy(unknown::prepareModel)
          .hasMessage(
              "overrides of '1' (ReLU) have [slop], which Doubling does not take for this type; it"
                  + " takes [slope]");
      Doubling idle =
          new Doubling(
              model, Overrides.NONE.with("1", "bits_activations", null, "slope", 1), null, false);
      assertThatThrownBy(idle::prepareModel)
          .hasMessageContaining("'1' (ReLU)")
          .hasMessageContaining("not quantized");
      assertThat(model.get("1")).isInstanceOf(Activation.class);

      Doubling quantizer =
          new Doubling(model, Overrides.NONE.with("0", "whatever", 1), null, false);
      assertThatThrownBy(quantizer::quantizeParams).isInstanceOf(IllegalStateException.class);
      quantizer.prepareModel();
      assertThat(quantizer.warnings()).anyMatch(each -> each.contains("have no effect"));
      assertThatThrownBy(quantizer::prepareModel)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("prepared already");
    }
  }

  @Test
  void metadataHoldEverythingAndAreText() {
    try (Scope scope = Scope.open();
        Module model = new Sequential(Linear.builder(3, 2).build(), Activation.relu())) {
      Overrides overrides = Overrides.NONE.with("1", "bits_activations", 4, "slope", 0.1);
      Doubling quantizer = new Doubling(model, overrides, null, false);
      quantizer.prepareModel(Ops.zeros(2, 3));
      QuantizerMetadata read =
          QuantizerMetadata.parse(quantizer.metadata().toYaml(), "metadata.yaml");
      assertThat(read.type()).isEqualTo("Doubling");
      assertThat(read.bits()).isEqualTo(BITS);
      assertThat(read.overrides()).isEqualTo(overrides);
      assertThat(read.dummyInput().get(0).shape()).containsExactly(2L, 3L);
      try (Module again = new Sequential(Linear.builder(3, 2).build(), Activation.relu())) {
        Doubling resumed = new Doubling(again, read.overrides(), null, false);
        resumed.prepareModel(read);
        assertThat(again.loadStateDict(model.stateDict(), true).missing()).isEmpty();
        assertThat(resumed.metadata()).isEqualTo(read);
      }
      assertThatThrownBy(() -> read.require(PostTrainLinearQuantizer.class))
          .hasMessageContaining("of a Doubling");
    }
  }

  @Test
  void resumedTrainingGoesOnBitForBit() {
    try (Scope scope = Scope.open()) {
      Torch.seed(3);
      float[] whole = train(null);
      Torch.seed(3);
      assertThat(train(1)).isEqualTo(whole);
    }
  }

  /** Weights after three steps; resumed from its state after some, if told. */
  private static float[] train(@Nullable Integer resumeAfter) {
    Module model = new Sequential(Linear.builder(3, 2).build());
    Doubling quantizer = new Doubling(model, Overrides.NONE, sgd(model), true);
    quantizer.prepareModel();
    for (int step = 0; step < 3; step++) {
      if (resumeAfter != null && resumeAfter == step) {
        Module fresh = new Sequential(Linear.builder(3, 2).build());
        Doubling resumed = new Doubling(fresh, Overrides.NONE, sgd(fresh), true);
        resumed.prepareModel(QuantizerMetadata.parse(quantizer.metadata().toYaml(), "m"));
        Map<String, Tensor> state = model.stateDict();
        fresh.loadStateDict(state, true);
        model.close();
        model = fresh;
        quantizer = resumed;
      }
      Optimizer optimizer = quantizer.optimizer();
      optimizer.zeroGrad();
      model.call(Tensors.of(new float[] {1, 2, 3 + step}, 1, 3)).sum().backward();
      optimizer.step();
      quantizer.quantizeParams();
    }
    float[] weight = Tensors.toFloats(model.stateDict().get("0.float_weight"));
    quantizer.optimizer().close();
    model.close();
    return weight;
  }
}
