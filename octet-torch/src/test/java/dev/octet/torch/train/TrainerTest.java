package dev.octet.torch.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.quantize.data.HostTensor;
import dev.octet.quantize.data.Sample;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.data.DataLoader;
import dev.octet.torch.data.Dataset;
import dev.octet.torch.data.Example;
import dev.octet.torch.nn.Module;
import dev.octet.torch.op.Ops;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Random;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class TrainerTest {
  @TempDir Path folder;

  /** Two layers with dropout, so that random numbers matter. */
  private static final class Net extends Module {
    private final Tensor first;
    private final Tensor second;

    Net(long seed) {
      Random random = new Random(seed);
      first = parameter("first", gaussian(random, 2, 16));
      second = parameter("second", gaussian(random, 16, 3));
    }

    private static Tensor gaussian(Random random, int rows, int columns) {
      float[] values = new float[rows * columns];
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) random.nextGaussian() * 0.5f;
      }
      return Tensors.of(values, rows, columns);
    }

    @Override
    protected Tensor forward(Tensor x) {
      Tensor hidden = Ops.relu(Ops.matmul(x, first));
      return Ops.matmul(torch.dropout(hidden, 0.2, isTraining()), second);
    }
  }

  /** Three blobs around the corners of a triangle. */
  private static DataLoader blobs(long seed, int count) {
    Random random = new Random(seed);
    List<Example> examples = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int label = i % 3;
      double angle = label * 2 * Math.PI / 3;
      float[] point = {
        (float) (2 * Math.cos(angle) + 0.5 * random.nextGaussian()),
        (float) (2 * Math.sin(angle) + 0.5 * random.nextGaussian())
      };
      examples.add(
          new Example.Values(
              Sample.of(
                  HostTensor.ofFloats(new int[] {1, 2}, point),
                  OptionalInt.of(label),
                  "blob " + i)));
    }
    return DataLoader.builder(Dataset.of(examples)).batchSize(32).shuffle().seed(seed).build();
  }

  private static Optimizer sgd(Module model, double rate) {
    return Optimizer.sgd(
        List.of(ParameterGroup.of(model.parameters().values(), rate, 1e-4)), 0.9, false);
  }

  @Test
  void learnsAndReports() {
    List<String> heard = new ArrayList<>();
    try (Net net = new Net(1);
        Optimizer optimizer = sgd(net, 0.1)) {
      List<EpochResult> results =
          Trainer.builder(net, optimizer)
              .epochs(5)
              .learningRate(LearningRate.cosine(0.01))
              .clipGradients(5)
              .labelSmoothing(0.05)
              .listener(
                  new TrainingListener() {
                    @Override
                    public void onStep(int epoch, int step, int steps, double loss) {
                      heard.add(epoch + "." + step + "/" + steps);
                    }

                    @Override
                    public void onEpoch(EpochResult result) {
                      heard.add("end of " + result.epoch());
                    }
                  })
              .build()
              .fit(blobs(2, 96), blobs(3, 90));
      assertThat(results).hasSize(5);
      assertThat(results.get(4).training().loss()).isLessThan(results.get(0).training().loss());
      assertThat(results.get(4).validation().accuracy()).isGreaterThan(0.95);
      assertThat(results.get(4).validation().samples()).isEqualTo(90);
      assertThat(results.get(4).throughput()).isPositive();
      assertThat(net.isTraining()).isFalse();
    }
    assertThat(heard).startsWith("0.0/3", "0.1/3", "0.2/3", "end of 0", "1.0/3").hasSize(20);
  }

  @Test
  void aResumedRunIsTheSameRunBitForBit() {
    float[] whole = run(folder.resolve("whole"), 4, 4);
    run(folder.resolve("parts"), 2, 4);
    float[] resumed = run(folder.resolve("parts"), 4, 4);
    assertThat(resumed).containsExactly(whole);
  }

  /** Counts its calls, and writes them down. */
  private static final class Counting implements TrainingCallbacks {
    private final List<String> calls = new ArrayList<>();
    private long steps;

    @Override
    public void onEpochBegin(int epoch) {
      calls.add("begin " + epoch);
    }

    @Override
    public void onMinibatchBegin(Minibatch at) {
      calls.add("step " + at.step() + "/" + at.steps());
    }

    @Override
    public Tensor beforeBackwardPass(Minibatch at, Tensor output, Tensor loss) {
      calls.add("loss of " + output.size(0) + "x" + output.size(1));
      return loss.mul(new org.bytedeco.pytorch.Scalar(0.0));
    }

    @Override
    public void beforeParameterOptimization(Minibatch at) {
      calls.add("gradients");
    }

    @Override
    public void onMinibatchEnd(Minibatch at) {
      calls.add("moved");
      steps++;
    }

    @Override
    public void onEpochEnd(EpochResult result) {
      calls.add("end " + result.epoch());
    }

    @Override
    public Map<String, dev.octet.graph.Tensor> state() {
      return Map.of("steps", dev.octet.graph.Tensor.ofLongs(new long[] {steps}, 1));
    }

    @Override
    public void restore(Map<String, dev.octet.graph.Tensor> state) {
      steps = state.get("steps").toLongs()[0];
    }
  }

  @Test
  void callbacksTakePartAndAreResumed() {
    Path checkpoint = folder.resolve("callbacks");
    Counting first = new Counting();
    trainWith(first, checkpoint, 1);
    assertThat(first.calls)
        .containsExactly("begin 0", "step 0/1", "loss of 30x3", "gradients", "moved", "end 0");
    Counting second = new Counting();
    trainWith(second, checkpoint, 2);
    assertThat(second.calls).startsWith("begin 1").endsWith("end 1");
    assertThat(second.steps).isEqualTo(2);
    assertThatThrownBy(() -> trainWith(null, checkpoint, 3))
        .isInstanceOf(TrainingException.class)
        .hasMessageContaining("it keeps [steps] of callbacks, and this run has none");
  }

  private static void trainWith(TrainingCallbacks callbacks, Path checkpoint, int epochs) {
    try (Net net = new Net(7);
        Optimizer optimizer =
            Optimizer.sgd(
                List.of(ParameterGroup.of(net.parameters().values(), 0.1, 0)), 0, false)) {
      float[] before = Tensors.toFloats(net.parameters().get("first"));
      Trainer.Builder trainer =
          Trainer.builder(net, optimizer).epochs(epochs).checkpoint(checkpoint);
      if (callbacks != null) {
        trainer.callbacks(callbacks);
      }
      trainer.build().fit(blobs(4, 30), null);
      // The loss was taken away, so nothing moved.
      assertThat(Tensors.toFloats(net.parameters().get("first"))).containsExactly(before);
    }
  }

  /** Trains up to an epoch of a schedule that is made for all of them. */
  private float[] run(Path checkpoint, int until, int epochs) {
    try (Net net = new Net(7);
        Optimizer optimizer = sgd(net, 0.05)) {
      Torch.seed(5);
      LearningRate schedule =
          (step, steps) -> LearningRate.cosine(0).factor(step, steps * epochs / until);
      Trainer.builder(net, optimizer)
          .epochs(until)
          .learningRate(schedule)
          .atEpoch(1, model -> model.ownParameters().get("first").set_requires_grad(false))
          .checkpoint(checkpoint)
          .build()
          .fit(blobs(4, 100), null);
      float[] first = Tensors.toFloats(net.parameters().get("first"));
      float[] second = Tensors.toFloats(net.parameters().get("second"));
      float[] all = java.util.Arrays.copyOf(first, first.length + second.length);
      System.arraycopy(second, 0, all, first.length, second.length);
      return all;
    }
  }

  @Test
  void stopsAfterTheStepInWhichItIsAskedTo() {
    List<String> steps = new ArrayList<>();
    TrainingListener listener =
        new TrainingListener() {
          @Override
          public void onStep(int epoch, int step, int count, double loss) {
            steps.add(epoch + "." + step);
          }
        };
    Path checkpoint = folder.resolve("run");
    try (Net net = new Net(1);
        Optimizer optimizer = sgd(net, 0.1)) {
      Trainer trainer =
          Trainer.builder(net, optimizer)
              .epochs(3)
              .checkpoint(checkpoint)
              .listener(listener)
              .stopWhen(() -> steps.contains("1.1"))
              .build();
      assertThatThrownBy(() -> trainer.fit(blobs(2, 96), null))
          .isInstanceOf(StoppedException.class)
          .hasMessageContaining("epoch 1, step 1");
    }
    assertThat(steps).containsExactly("0.0", "0.1", "0.2", "1.0", "1.1");
    assertThat(Checkpoint.read(checkpoint).results()).hasSize(1);
  }

  @Test
  void stopsBetweenTheBatchesThatItIsJudgedBy() {
    try (Net net = new Net(1);
        Optimizer optimizer = sgd(net, 0.1)) {
      int[] asked = new int[1];
      Trainer trainer = Trainer.builder(net, optimizer).stopWhen(() -> ++asked[0] == 5).build();
      assertThatThrownBy(() -> trainer.fit(blobs(2, 96), blobs(3, 96)))
          .isInstanceOf(StoppedException.class)
          .hasMessageContaining("the end of epoch 0");
    }
  }

  @Test
  void distillsATeacher() {
    try (Net teacher = new Net(1);
        Optimizer optimizer = sgd(teacher, 0.1);
        Net student = new Net(9);
        Optimizer studentOptimizer = sgd(student, 0.1)) {
      Trainer.builder(teacher, optimizer).epochs(4).build().fit(blobs(2, 96), null);
      Trainer.builder(student, studentOptimizer)
          .epochs(6)
          .distillation(new Distillation(teacher, 1, 2))
          .build()
          .fit(blobs(2, 96), null);
      try (Scope scope = Scope.open()) {
        Tensor x = Tensors.of(new float[] {2, 0, -1, 1.7f, -1, -1.7f, 0.5f, 0.2f}, 4, 2);
        Tensor gap = student.call(x).softmax(1).sub(teacher.call(x).softmax(1)).abs().max();
        assertThat(gap.item_float()).isLessThan(0.2f);
      }
    }
  }

  @Test
  void trainsInBfloat16WithWeightsInFloat32() {
    try (Net net = new Net(1);
        Optimizer optimizer = sgd(net, 0.1)) {
      List<EpochResult> results =
          Trainer.builder(net, optimizer)
              .epochs(3)
              .autocast(ScalarType.BFloat16)
              .build()
              .fit(blobs(2, 96), blobs(3, 90));
      assertThat(results.get(2).validation().accuracy()).isGreaterThan(0.9);
      assertThat(Tensors.type(net.parameters().get("first"))).isEqualTo(ScalarType.Float);
      assertThat(torch.is_autocast_enabled(torch.DeviceType.CPU)).isFalse();
    }
  }

  @Test
  void stopsAtALossThatIsNoNumber() {
    try (Net net = new Net(1);
        Optimizer optimizer = sgd(net, 1e30);
        Scope scope = Scope.open()) {
      Path checkpoint = folder.resolve("none");
      Trainer trainer = Trainer.builder(net, optimizer).epochs(3).checkpoint(checkpoint).build();
      assertThatThrownBy(() -> trainer.fit(blobs(2, 96), null))
          .isInstanceOf(TrainingException.class)
          .hasMessageContaining("epoch 0, step")
          .hasMessageContaining("learning rate");
      assertThat(checkpoint).doesNotExist();
    }
  }

  @Test
  void refusesACheckpointThatDoesNotFit() throws Exception {
    Path checkpoint = folder.resolve("run");
    try (Net net = new Net(1);
        Optimizer optimizer = sgd(net, 0.1)) {
      Trainer.builder(net, optimizer)
          .epochs(2)
          .checkpoint(checkpoint)
          .build()
          .fit(blobs(2, 96), null);
      assertThatThrownBy(
              () ->
                  Trainer.builder(net, optimizer)
                      .epochs(1)
                      .checkpoint(checkpoint)
                      .build()
                      .fit(blobs(2, 96), null))
          .isInstanceOf(TrainingException.class)
          .hasMessageContaining("2 epochs");
      Module other =
          new Module() {
            final Tensor only = parameter("only", Tensors.scalar(1));

            @Override
            protected Tensor forward(Tensor x) {
              return Ops.mul(x, only);
            }
          };
      assertThatThrownBy(() -> Checkpoint.read(checkpoint).restore(other, optimizer))
          .isInstanceOf(TrainingException.class)
          .hasMessageContaining("missing [only]");
      other.close();
      byte[] damaged = Files.readAllBytes(checkpoint);
      damaged[damaged.length - damaged.length / 3] ^= 1;
      Files.write(checkpoint, java.util.Arrays.copyOf(damaged, damaged.length - 1));
      assertThatThrownBy(() -> Checkpoint.read(checkpoint)).isInstanceOf(TrainingException.class);
    }
  }
}
