package dev.octet.workflows.distiller.schedule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.octet.graph.Model;
import dev.octet.graph.Node;
import dev.octet.graph.Value;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.data.Batch;
import dev.octet.torch.data.DataLoader;
import dev.octet.torch.data.Epoch;
import dev.octet.torch.nn.Module;
import dev.octet.torch.trace.Trace;
import dev.octet.torch.train.Optimizer;
import dev.octet.torch.train.Trainer;
import dev.octet.torch.train.TrainingException;
import dev.octet.workflows.distiller.fixture.Stripes;
import java.nio.file.Path;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class ScheduleTest {
  private static final String PRUNE_AND_QUANTIZE =
      """
      version: 1
      quantizers:
        four_bits:
          class: QUANTIZER
          bits_activations: 4
          bits_weights: 4
          overrides:
            conv1:
              bits_weights: null
              bits_activations: null
            fc: {bits_weights: null, bits_activations: null}
      pruners:
        gradual:
          class: AutomatedGradualPruner
          initial_sparsity: 0.1
          final_sparsity: 0.5
          weights: [conv2.weight, module.conv3.weight]
      lr_schedulers:
        rate: {class: MultiStepLR, milestones: [2, 3], gamma: 0.1}
      policies:
        - quantizer: {instance_name: four_bits}
          starting_epoch: 0
          ending_epoch: 4
          frequency: 1
        - pruner:
            instance_name: gradual
            args: {mask_gradients: true}
          epochs: [0, 1, 2]
        - lr_scheduler: {instance_name: rate}
          starting_epoch: 0
          ending_epoch: 4
          frequency: 1
      """;

  @TempDir private Path folder;

  private static Schedule schedule(String quantizer) {
    return Schedule.read(PRUNE_AND_QUANTIZE.replace("QUANTIZER", quantizer), "schedule.yaml");
  }

  private static Trained train(Schedule schedule, Path checkpoint, int until) {
    return Trained.by(
        schedule,
        checkpoint,
        until,
        Stripes.images(2, 192),
        Stripes.images(3, 160),
        ScheduleTest::assertExportKeepsZeros);
  }

  private static void assertExportKeepsZeros(Module net) {
    DataLoader images = Stripes.images(5, 32);
    try (Epoch epoch = images.epoch(0);
        Batch batch = epoch.next();
        Scope scope = Scope.open()) {
      Model model = Trace.of(net).quantized(batch.input());
      int layers = 0;
      for (Node node : model.graph().nodes()) {
        Value codes = node.is("DequantizeLinear") ? node.input(0) : null;
        dev.octet.graph.Tensor integers = codes == null ? null : codes.constant();
        Value zero = node.input(2);
        if (integers == null || integers.shape().length != 4 || zero == null) {
          continue;
        }
        dev.octet.graph.Tensor zeroPoint = zero.constant();
        assertThat(zeroPoint).isNotNull();
        long zeros = 0;
        for (long code : integers.toLongs()) {
          zeros += code == zeroPoint.toLongs()[0] ? 1 : 0;
        }
        assertThat(zeros).isGreaterThanOrEqualTo((long) (0.1 * integers.elementCount()));
        layers++;
      }
      assertThat(layers).isEqualTo(2);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "DorefaQuantizer",
        "PACTQuantizer",
        "WRPNQuantizer",
        "QuantAwareTrainRangeLinearQuantizer"
      })
  void aRunResumedAtAnyEpochIsTheSameBitForBit(String quantizer) {
    Trained whole = train(schedule(quantizer), folder.resolve("whole"), 4);
    whole.assertResumed(folder, (parts, until) -> train(schedule(quantizer), parts, until));
    assertThat(whole.sparsities())
        .containsOnlyKeys("conv2.weight", "conv3.weight")
        .containsEntry("conv2.weight", 0.5);
    // Zeros of the float copy are zeros of what the model computes with.
    float[] floating = whole.state().get("conv3.float_weight");
    float[] quantized = whole.state().get("conv3.weight");
    int zeros = 0;
    for (int i = 0; i < floating.length; i++) {
      if (floating[i] == 0) {
        zeros++;
        assertThat(quantized[i]).isZero();
      }
    }
    assertThat(zeros).isGreaterThanOrEqualTo(floating.length / 2);
    assertThat(whole.results().get(3).validation().accuracy()).isGreaterThan(0.6);
    assertThat(whole.results().get(1).learningRate()).isEqualTo(1);
    assertThat(whole.results().get(2).learningRate()).isCloseTo(0.1, within(1e-12));
    assertThat(whole.results().get(3).learningRate()).isCloseTo(0.01, within(1e-12));
  }

  @Test
  void aCheckpointOfAnotherScheduleIsRefused() {
    Path checkpoint = folder.resolve("run");
    train(schedule("DorefaQuantizer"), checkpoint, 1);
    Schedule other = schedule("WRPNQuantizer");
    assertThatThrownBy(() -> train(other, checkpoint, 4))
        .isInstanceOf(TrainingException.class)
        .hasMessageContaining("it differs in the quantizer, the schedule");
  }

  @Test
  void learnsFromATeacherAndPenalizesWeights() {
    Schedule schedule =
        Schedule.read(
            """
            extensions:
              kd:
                class: KnowledgeDistillationPolicy
                temperature: 2
                loss_weights: {distill: 0.7, student: 0.3, teacher: 0}
            regularizers:
              small:
                class: L1Regularizer
                reg_regims: {conv1.weight: 0.01}
            policies:
              - extension: {instance_name: kd}
                epochs: [0, 1]
              - regularizer: {instance_name: small}
                epochs: [1]
            """,
            "kd.yaml");
    assertThat(schedule.needsTeacher()).isTrue();
    assertThat(schedule.epochs()).isEqualTo(2);
    try (Module net = Stripes.net(1);
        Module teacher = Stripes.net(9);
        Optimizer optimizer = Stripes.sgd(net, 0.05)) {
      assertThatThrownBy(() -> schedule.apply(net, optimizer, 2, null))
          .isInstanceOf(ScheduleException.class)
          .hasMessageContaining("there is no teacher to learn from");
      float[] before = Tensors.toFloats(teacher.stateDict().get("bn1.running_mean"));
      try (CompressionScheduler scheduler = schedule.apply(net, optimizer, 2, teacher)) {
        Trainer.builder(net, optimizer)
            .epochs(2)
            .callbacks(scheduler)
            .build()
            .fit(Stripes.images(2, 64), null);
        assertThat(scheduler.lossComponents())
            .containsOnlyKeys("student_loss", "distillation_loss", "small_loss");
        assertThat(scheduler.lossComponents().get("small_loss")).isPositive();
        assertThat(scheduler.schedulesLearningRate()).isFalse();
      }
      assertThat(Tensors.toFloats(teacher.stateDict().get("bn1.running_mean")))
          .containsExactly(before);
    }
  }

  @Test
  void ratesFollowTheirFormulas() {
    assertThat(LRScheduler.stepLR(2, 0.5).factor(5, 1)).isEqualTo(0.25);
    assertThat(LRScheduler.exponentialLR(0.9).factor(2, 1)).isCloseTo(0.81, within(1e-12));
    assertThat(LRScheduler.cosineAnnealingLR(10, 0.02).factor(10, 0.1))
        .isCloseTo(0.2, within(1e-12));
    assertThat(LRScheduler.cosineAnnealingLR(10, 0).factor(5, 0.1)).isCloseTo(0.5, within(1e-12));
    assertThat(LRScheduler.polynomialLR(10, 2).factor(5, 1)).isEqualTo(0.25);
    assertThat(LRScheduler.multiStepMultiGammaLR(List.of(1, 3), List.of(0.5, 0.1)).factor(3, 1))
        .isCloseTo(0.05, within(1e-12));
  }

  @Test
  void mistakesAreNamedWithTheirPlace() {
    String policies = "policies:\n  - quantizer: {instance_name: q}\n    epochs: [0]\n";
    refused("quantizers: {q: {class: DorefaQuantizers}}\n" + policies)
        .hasMessage(
            "s.yaml:1:25: 'quantizers.q.class': found 'DorefaQuantizers'; did you mean"
                + " 'DorefaQuantizer'?");
    refused("quantizers: {q: {class: DorefaQuantizer, bits_weigths: 4}}\n" + policies)
        .hasMessageContaining("s.yaml:1:")
        .hasMessageContaining(
            "unknown key 'quantizers.q.bits_weigths'; did you mean 'bits_weights'?");
    refused("quantizers: {q: {class: DorefaQuantizer, overrides: {fc: {wts: 4}}}}\n" + policies)
        .hasMessageContaining("'quantizers.q.overrides'")
        .hasMessageContaining("deprecated key 'wts'");
    refused("quantizers: {q: {class: PostTrainLinearQuantizer}}\n" + policies)
        .hasMessageContaining("is for models that are trained already");
    refused("quantizers: {q: {class: DorefaQuantizer}, r: {class: DorefaQuantizer}}\n" + policies)
        .hasMessageContaining("a model takes one quantizer");
    refused("quantizers: {q: {class: DorefaQuantizer}}\n" + policies.replace("[0]", "[1]"))
        .hasMessageContaining("s.yaml:3:")
        .hasMessageContaining("let it start at 0");
    refused("quantizers: {q: {class: DorefaQuantizer}}\n" + policies.replace("name: q", "name: p"))
        .hasMessageContaining("'quantizers' has no 'p'");
    refused("quantizers: {q: {class: DorefaQuantizer}}\n" + policies + "    frequency: 2\n")
        .hasMessageContaining("give one or the other");
    refused("pruners: {p: {class: SensitivityPruner, sensitivities: {w: 1}}}\npolicies: []\n")
        .hasMessageContaining("no policy uses [p]");
    refused("pruners: {p: {class: AutomatedGradualPruner}}\npolicies: []\n")
        .hasMessageContaining("there is no 'initial_sparsity', which this class needs");
    refused("lr_schedulers: {r: {class: ChainedScheduler}}\npolicies: []\n")
        .hasMessageContaining("StepLR, MultiStepLR");
    refused("lr_schedulers: {r: {class: StepLR, step_size: 0}}\npolicies: []\n")
        .hasMessageContaining("step_size is 0; choose 1 or more");
    refused("version: 2\npolicies: []\n").hasMessageContaining("this reads version 1");
    refused("pruners: {}\n").hasMessageContaining("there is no section 'policies'");
    refused("policies: !!java.net.URL [x]\n").hasMessageContaining("YAML tag");
    refused("a: &x 1\npolicies: *x\n").hasMessageContaining("which schedules do not have");
  }

  private static org.assertj.core.api.AbstractThrowableAssert<?, ?> refused(String yaml) {
    return assertThatThrownBy(() -> Schedule.read(yaml, "s.yaml"))
        .isInstanceOf(ScheduleException.class);
  }

  @Test
  void whatDoesNotFitTheModelIsNamedWithItsPlace() {
    fails(
        """
        pruners: {p: {class: SensitivityPruner, sensitivities: {convx.weight: 1}}}
        policies:
          - pruner: {instance_name: p}
            epochs: [0]
        """,
        "s.yaml:3:",
        "no parameter 'convx.weight'");
    fails(
        """
        quantizers:
          q: {class: DorefaQuantizer, bits_activations: 4, overrides: {relu1: {clip_acts: AVG}}}
        policies:
          - quantizer: {instance_name: q}
            epochs: [0]
        """,
        "s.yaml:2:",
        "overrides of 'relu1' (ReLU) have [clip_acts]");
  }

  private static void fails(String yaml, String... parts) {
    try (Module net = Stripes.net(1);
        Optimizer optimizer = Stripes.sgd(net, 0.05)) {
      ThrowingCallable apply = () -> Schedule.read(yaml, "s.yaml").apply(net, optimizer, 1, null);
      var refused = assertThatThrownBy(apply).isInstanceOf(ScheduleException.class);
      for (String part : parts) {
        refused.hasMessageContaining(part);
      }
    }
  }
}
