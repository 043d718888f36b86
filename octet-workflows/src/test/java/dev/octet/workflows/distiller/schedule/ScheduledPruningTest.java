package dev.octet.workflows.distiller.schedule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.train.EpochResult;
import dev.octet.torch.train.Score;
import dev.octet.workflows.distiller.fixture.Stripes;
import dev.octet.workflows.distiller.schedule.LRScheduler.CyclicMode;
import dev.octet.workflows.distiller.stats.Structure;
import java.nio.file.Path;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class ScheduledPruningTest {
  private static final String STRUCTURES =
      """
      pruners:
        filters:
          class: L1RankedStructureParameterPruner_AGP
          initial_sparsity: 0.1
          final_sparsity: 0.5
          group_type: Filters
          group_dependency: Leader
          weights: [conv2.weight, conv3.weight]
      lr_schedulers:
        plateau: {class: ReduceLROnPlateau, patience: 0, factor: 0.5}
      extensions:
        thin: {class: FilterRemover}
      policies:
        - pruner: {instance_name: filters}
          epochs: [0, 1]
        - extension: {instance_name: thin}
          epochs: [2]
        - lr_scheduler: {instance_name: plateau}
          starting_epoch: 0
          ending_epoch: 4
      """;

  private static final String BY_CHANCE =
      """
      quantizers:
        q: {class: DorefaQuantizer, bits_activations: 4, bits_weights: 4,
            overrides: {conv1: {bits_weights: null, bits_activations: null},
                        fc: {bits_weights: null, bits_activations: null}}}
      pruners:
        drop:
          class: BernoulliFilterPruner
          desired_sparsity: 0.3
          group_type: 3D
          weights: [conv2.weight]
          seed: 4
        apoz:
          class: ActivationAPoZRankedFilterPruner
          desired_sparsity: 0.25
          group_type: Filters
          weights: [conv1.weight]
        taylor:
          class: GradientRankedFilterPruner_AGP
          initial_sparsity: 0.1
          final_sparsity: 0.3
          group_type: Filters
          weights: [conv3.weight]
      regularizers:
        lasso:
          class: GroupLassoRegularizer
          reg_regims: {fc.weight: [0.001, Rows+Cols]}
          threshold_criteria: Mean_Abs
      policies:
        - quantizer: {instance_name: q}
          starting_epoch: 0
          ending_epoch: 4
        - pruner:
            instance_name: drop
            args: {use_double_copies: true, mask_on_forward_only: true,
                   discard_masks_at_minibatch_end: true, mini_batch_pruning_frequency: 1}
          starting_epoch: 0
          ending_epoch: 4
        - pruner: {instance_name: apoz}
          epochs: [1, 3]
        - pruner: {instance_name: taylor, args: {mask_gradients: true}}
          starting_epoch: 0
          ending_epoch: 4
        - regularizer: {instance_name: lasso}
          starting_epoch: 0
          ending_epoch: 4
      """;

  @TempDir private Path folder;

  private static Trained train(String yaml, Path checkpoint, int until) {
    return Trained.by(
        Schedule.read(yaml, "s.yaml"),
        checkpoint,
        until,
        Stripes.images(2, 96),
        Stripes.images(3, 64),
        net -> {});
  }

  @Test
  void prunesFiltersThinsAndGoesOnAndResumes() {
    Trained whole = train(STRUCTURES, folder.resolve("whole"), 4);
    assertThat(whole.shapes().get("conv2.weight")).containsExactly(8, 8, 3, 3);
    assertThat(whole.shapes().get("conv3.weight")).containsExactly(8, 8, 3, 3);
    assertThat(whole.shapes().get("fc.weight")).containsExactly(4, 8);
    assertThat(whole.shapes().get("bn3.running_var")).containsExactly(8);
    assertThat(whole.sparsities()).containsEntry("conv2.weight", 0.0);
    whole.assertResumed(folder, (parts, until) -> train(STRUCTURES, parts, until));
  }

  @Test
  void allKindsOfChoiceBesideAQuantizerResumeToTheSameBits() {
    Trained whole = train(BY_CHANCE, folder.resolve("whole"), 4);
    assertThat(whole.sparsities()).containsOnlyKeys("conv1.weight", "conv3.weight");
    assertThat(whole.sparsities().get("conv1.weight")).isEqualTo(0.25);
    assertThat(whole.sparsities().get("conv3.weight")).isEqualTo(0.25);
    for (float value : whole.state().get("conv2.float_weight")) {
      assertThat(value).isNotZero();
    }
    whole.assertResumed(folder, (parts, until) -> train(BY_CHANCE, parts, until));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "class: L2RankedStructureParameterPruner, group_type: Channels, desired_sparsity: 0.5",
        "class: L1RankedStructureParameterPruner, group_type: Blocks, desired_sparsity: 0.5,"
            + " kwargs: {block_shape: [1, 8, 1, 1]}",
        "class: RandomLevelStructureParameterPruner, group_type: 3D, sparsity_range: [0.2, 0.6]",
        "class: RandomRankedFilterPruner, group_type: 3D, desired_sparsity: 0.5",
        "class: ActivationMeanRankedFilterPruner, group_type: 3D, desired_sparsity: 0.5",
        "class: FMReconstructionChannelPruner, group_type: Channels, desired_sparsity: 0.5",
        "class: BaiduRNNPruner, q: 0.02, ramp_epoch: 0, ramp_slope_mult: 1.5",
      })
  void everyClassOfDistillerPrunes(String pruner) {
    Trained trained =
        train(
            """
            pruners: {p: {PRUNER, weights: [conv3.weight]}}
            policies:
              - pruner: {instance_name: p}
                epochs: [0]
            """
                .replace("PRUNER", pruner),
            folder.resolve("run"),
            1);
    assertThat(trained.sparsities().get("conv3.weight")).isBetween(0.15, 0.999);
  }

  @Test
  void optionsOfPoliciesChooseLevelsAndJudgeBehindBatchNorm() {
    String yaml =
        """
        pruners:
          p: {class: SparsityLevelParameterPruner, levels: {conv3.weight: 0.1}}
          surgery: {class: SplicingPruner, sensitivities: {conv2.weight: 0.5},
                    low_thresh_mult: 0.9, hi_thresh_mult: 1.1}
        policies:
          - pruner: {instance_name: p, args: {levels: {conv3.weight: 0.4}, fold_batchnorm: true}}
            epochs: [0]
          - pruner:
              instance_name: surgery
              args: {mask_on_forward_only: true, keep_mask: true, mini_batch_pruning_frequency: 1}
            epochs: [0, 1]
        """;
    Trained trained = train(yaml, folder.resolve("run"), 2);
    assertThat(trained.sparsities().get("conv3.weight")).isCloseTo(0.4, within(0.001));
    assertThat(trained.sparsities().get("conv2.weight")).isBetween(0.3, 0.95);
    refused(
            yaml.replace(
                "args: {levels",
                "args: {keep_mask: true, discard_masks_at_minibatch_end:" + " true, levels"))
        .hasMessageContaining("exclude each other");
    refused(yaml.replace("instance_name: p,", "instance_name: surgery,"))
        .hasMessageContaining("which SparsityLevelParameterPruner alone takes");
  }

  @Test
  void mistakesOfPrunersAreNamedWithTheirPlace() {
    String policy = "policies:\n  - pruner: {instance_name: p}\n    epochs: [0]\n";
    refused(
            "pruners: {p: {class: BernoulliFilterPruner, group_type: 3D, desired_sparsity: 0.5,"
                + " weights: [a]}}\n"
                + policy.replace("p}", "p, args: {mask_gradients: true}}"))
        .hasMessageContaining("s.yaml:3:")
        .hasMessageContaining("set use_double_copies");
    refused(
            "pruners: {p: {class: BernoulliFilterPruner, group_type: 3D, desired_sparsity: 0.5,"
                + " weights: [a]}}\n"
                + policy)
        .hasMessageContaining("set use_double_copies");
    refused(
            "pruners: {p: {class: L1RankedStructureParameterPruner, group_type: 5D,"
                + " desired_sparsity: 0.5, weights: [a]}}\n"
                + policy)
        .hasMessageContaining("found '5D'; choose one of 3D");
    refused(
            "pruners: {p: {class: GradientRankedFilterPruner, group_type: Channels,"
                + " desired_sparsity: 0.5, weights: [a]}}\n"
                + policy)
        .hasMessageContaining("this class does not drop channels");
    refused("regularizers: {r: {class: GroupLassoRegularizer, reg_regims: {a: [0.1]}}}\n" + policy)
        .hasMessageContaining("give [strength, structure]");
    refused("lr_schedulers: {r: {class: ChainedScheduler}}\n" + policy)
        .hasMessageContaining("StepLR, MultiStepLR");
    refused(
            "lr_schedulers: {r: {class: CyclicLR, base_lr: 0.1, max_lr: 1, cycle_momentum: true}}\n"
                + policy)
        .hasMessageContaining("momentum stays");
  }

  private static org.assertj.core.api.AbstractThrowableAssert<?, ?> refused(String yaml) {
    return assertThatThrownBy(() -> Schedule.read(yaml, "s.yaml"))
        .isInstanceOf(ScheduleException.class);
  }

  @Test
  void penaltiesAreWhatTheirFormulasSay() {
    try (Scope scope = Scope.open()) {
      Tensor w = Tensors.of(new float[] {3, 0, 4, 12}, 2, 2);
      assertThat(Penalty.l1(0.5).of(w).item_double()).isCloseTo(9.5, within(1e-6));
      // Rows have the norms 3 and 12.649, columns 5 and 12.
      assertThat(penalty(Penalty.Kind.GROUP_LASSO, Structure.FILTERS).of(w).item_double())
          .isCloseTo(2 * (3 + Math.sqrt(160)), within(1e-4));
      assertThat(penalty(Penalty.Kind.GROUP_LASSO, Structure.CHANNELS).of(w).item_double())
          .isCloseTo(2 * (5 + 12), within(1e-4));
      assertThat(penalty(Penalty.Kind.GROUP_LASSO, Structure.LAYER).of(w).item_double())
          .isCloseTo(26, within(1e-4));
      assertThat(penalty(Penalty.Kind.GROUP_VARIANCE, Structure.CHANNELS).of(w).item_double())
          .isCloseTo(2 / 24.5, within(1e-6));
      assertThatThrownBy(() -> Penalty.l1(-1)).hasMessageContaining("choose 0 or more");
    }
  }

  private static Penalty penalty(Penalty.Kind kind, Structure structure) {
    return new Penalty(kind, 2, List.of(structure));
  }

  @Test
  void aThresholdCutsOffWhatThePenaltyMadeSmall() {
    String yaml =
        """
        regularizers:
          r: {class: L1Regularizer, reg_regims: {conv3.weight: 0.02}, threshold_criteria: Mean_Abs}
        policies:
          - regularizer: {instance_name: r, args: {keep_mask: true}}
            epochs: [0, 1]
        """;
    Trained kept = train(yaml, folder.resolve("kept"), 2);
    assertThat(kept.sparsities().get("conv3.weight")).isBetween(0.2, 0.99);
    Trained loose = train(yaml.replace(", args: {keep_mask: true}", ""), folder.resolve("l"), 2);
    assertThat(loose.sparsities()).isEmpty();
  }

  @Test
  void ratesOfTorchFollowTheirFormulas() {
    LRScheduler restarts = LRScheduler.cosineAnnealingWarmRestarts(2, 2, 0);
    assertThat(factors(restarts, 0.1, 7))
        .containsExactly(
            new double[] {1, 0.5, 1, 0.8535533905932737, 0.5, 0.14644660940672627, 1},
            within(1e-9));
    LRScheduler cyclic = LRScheduler.cyclicLR(0.01, 0.1, 4, 4, CyclicMode.TRIANGULAR2, 1);
    assertThat(factors(cyclic, 0.1, 13))
        .containsExactly(
            new double[] {
              0.1, 0.325, 0.55, 0.775, 1, 0.775, 0.55, 0.325, 0.1, 0.2125, 0.325, 0.4375, 0.55
            },
            within(1e-9));
    LRScheduler one = LRScheduler.oneCycleLR(0.1, 10, 0.3, true, 25, 1e4);
    double[] cycle = factors(one, 0.1, 10);
    assertThat(cycle[0]).isCloseTo(0.04, within(1e-9));
    assertThat(cycle[1]).isCloseTo(0.52, within(1e-9));
    assertThat(cycle[2]).isCloseTo(1, within(1e-9));
    assertThat(cycle[9]).isCloseTo(4e-6, within(1e-12));
    assertThat(factors(LRScheduler.linearLR(0.5, 1, 4), 1, 6))
        .containsExactly(0.5, 0.625, 0.75, 0.875, 1.0, 1.0);
    assertThat(factors(LRScheduler.constantLR(0.25, 2), 1, 4))
        .containsExactly(0.25, 0.25, 1.0, 1.0);
  }

  private static double[] factors(LRScheduler rate, double start, int epochs) {
    double[] factors = new double[epochs];
    for (int epoch = 0; epoch < epochs; epoch++) {
      factors[epoch] = rate.factor(epoch, start);
    }
    return factors;
  }

  @Test
  void aPlateauLowersTheRate() {
    ReduceLROnPlateau plateau =
        new ReduceLROnPlateau(
            new ReduceLROnPlateau.Settings(false, 0.5, 1, 0.1, true, 1, 0.2, 1e-8));
    double[] losses = {1, 0.95, 0.94, 0.93, 0.92, 0.91, 0.9, 0.2};
    // 0.95 to 0.91 are no progress of a tenth: two are borne, and one epoch cools down.
    double[] expected = {1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25};
    for (int i = 0; i < losses.length; i++) {
      plateau.onEpochEnd(new EpochResult(i, new Score(1, 9, 0), new Score(1, losses[i], 0), 1, 1));
      assertThat(plateau.factor(i, 1)).as("epoch " + i).isEqualTo(expected[i]);
      ReduceLROnPlateau resumed =
          new ReduceLROnPlateau(
              new ReduceLROnPlateau.Settings(false, 0.5, 1, 0.1, true, 1, 0.2, 1e-8));
      resumed.restore(plateau.state());
      assertThat(resumed.state()).containsExactly(plateau.state());
    }
  }
}
