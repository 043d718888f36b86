package dev.octet.examples;

import dev.octet.graph.Model;
import dev.octet.graph.onnx.OnnxWriter;
import dev.octet.quantize.demo.DemoImages;
import dev.octet.quantize.demo.DemoModel;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.data.DataLoader;
import dev.octet.torch.nn.Activation;
import dev.octet.torch.nn.AdaptiveAvgPool2d;
import dev.octet.torch.nn.Add;
import dev.octet.torch.nn.BatchNorm2d;
import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.Module;
import dev.octet.torch.op.Ops;
import dev.octet.torch.quant.flow.ParameterGroups;
import dev.octet.torch.trace.Trace;
import dev.octet.torch.train.EpochResult;
import dev.octet.torch.train.LearningRate;
import dev.octet.torch.train.Optimizer;
import dev.octet.torch.train.Score;
import dev.octet.torch.train.Trainer;
import dev.octet.torch.train.TrainingListener;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Objects;
import java.util.Random;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Trains the model that ships with {@code octet demo} anew; {@code docs/demo-model.md} tells of it.
 *
 * <p>Usage: {@code octet-examples/run demo [EPOCHS [FILE]]}.
 */
public final class DemoModelTraining {
  private static final int IMAGES = 60_000;
  private static final int HELD_OUT = 2_000;
  private static final double SPREAD = 3;

  private DemoModelTraining() {}

  /** A convolution without bias, batch normalization, and an activation unless there is none. */
  private static final class Unit extends Module {
    private final Child<Conv2d> conv;
    private final Child<BatchNorm2d> bn;
    private final @Nullable Child<Activation> act;

    Unit(int inputs, int outputs, int kernel, int stride, int groups, @Nullable Activation act) {
      conv =
          child(
              "conv",
              Conv2d.builder(inputs, outputs, kernel)
                  .stride(stride)
                  .padding(kernel / 2)
                  .groups(groups)
                  .bias(false)
                  .build());
      bn = child("bn", BatchNorm2d.builder(outputs).build());
      this.act = act == null ? null : child("act", act);
    }

    @Override
    protected Tensor forward(Tensor x) {
      Tensor y = bn.call(conv.call(x));
      return act == null ? y : act.call(y);
    }
  }

  /** Two full convolutions, their result added to what went in. */
  private static final class Plain extends Module {
    private final Child<Unit> first;
    private final Child<Unit> second;
    private final Child<Add> add = child("add", Add.of());

    Plain(int width) {
      first = child("first", new Unit(width, width, 3, 1, 1, Activation.relu()));
      second = child("second", new Unit(width, width, 3, 1, 1, null));
    }

    @Override
    protected Tensor forward(Tensor x) {
      return add.call(x, second.call(first.call(x)));
    }
  }

  /** Widens, filters each channel alone, and narrows; added to what went in. */
  private static final class Inverted extends Module {
    private final Child<Unit> expand;
    private final Child<Unit> depthwise;
    private final Child<Unit> project;
    private final Child<Add> add = child("add", Add.of());

    Inverted(int width, int hidden) {
      expand = child("expand", new Unit(width, hidden, 1, 1, 1, Activation.relu6()));
      depthwise = child("depthwise", new Unit(hidden, hidden, 3, 1, hidden, Activation.relu6()));
      project = child("project", new Unit(hidden, width, 1, 1, 1, null));
    }

    @Override
    protected Tensor forward(Tensor x) {
      return add.call(x, project.call(depthwise.call(expand.call(x))));
    }
  }

  /** The whole network. */
  static final class DemoNet extends Module {
    private final Child<Unit> stem = child("stem", new Unit(3, 16, 5, 2, 1, Activation.relu6()));
    private final Child<Plain> block1 = child("block1", new Plain(16));
    private final Child<Unit> down1 =
        child("down1", new Unit(16, 16, 3, 2, 16, Activation.relu6()));
    private final Child<Unit> down2 = child("down2", new Unit(16, 24, 1, 1, 1, Activation.relu()));
    private final Child<Inverted> block2 = child("block2", new Inverted(24, 96));
    private final Child<Inverted> block3 = child("block3", new Inverted(24, 96));
    private final Child<Inverted> block4 = child("block4", new Inverted(24, 96));
    private final Child<Inverted> block5 = child("block5", new Inverted(24, 96));
    private final Child<Unit> head = child("head", new Unit(24, 96, 1, 1, 1, Activation.relu6()));
    private final Child<AdaptiveAvgPool2d> pool = child("pool", AdaptiveAvgPool2d.of(1));
    private final Child<Linear> classifier =
        child("classifier", Linear.builder(96, DemoImages.CLASSES).build());

    @Override
    protected Tensor forward(Tensor x) {
      Tensor y = down2.call(down1.call(block1.call(stem.call(x))));
      y = block5.call(block4.call(block3.call(block2.call(y))));
      return classifier.call(Ops.flatten(pool.call(head.call(y)), 1, -1));
    }
  }

  /** Trains, spreads channels, and writes the float model. */
  public static void main(String[] args) throws IOException {
    int epochs = args.length > 0 ? Integer.parseInt(args[0]) : 8;
    Path file = args.length > 1 ? Path.of(args[1]) : Results.file("demo.trained.onnx");
    DataLoader training =
        DataLoader.builder(DrawnImages.of(DemoImages.TRAINING_SEED, IMAGES))
            .batchSize(128)
            .shuffle()
            .dropLast()
            .seed(1)
            .build();
    DataLoader heldOut =
        DataLoader.builder(DrawnImages.of(DemoImages.EVALUATION_SEED, HELD_OUT))
            .batchSize(200)
            .build();
    Torch.seed(1);
    try (DemoNet net = new DemoNet();
        Optimizer optimizer =
            Optimizer.adamW(ParameterGroups.of(net).forOptimizer(0.006, 0.02), 0.9, 0.999)) {
      Trainer.builder(net, optimizer)
          .stopWhen(Results.interrupted())
          .epochs(epochs)
          .learningRate(LearningRate.cosine(0).afterWarmup(0.2))
          .listener(
              new TrainingListener() {
                @Override
                public void onEpoch(EpochResult result) {
                  print("epoch " + result.epoch(), result.validation());
                }
              })
          .build()
          .fit(training, heldOut);
      for (String block : new String[] {"block2", "block3", "block4", "block5"}) {
        spread(net, block);
      }
      print("with channels spread", Score.of(net, heldOut));
      try (Scope scope = Scope.open()) {
        Tensor example =
            Tensors.of(
                new float[3 * DemoImages.SIZE * DemoImages.SIZE],
                1,
                3,
                DemoImages.SIZE,
                DemoImages.SIZE);
        Model model = Trace.of(net).input(DemoModel.INPUT).output(DemoModel.OUTPUT).graph(example);
        OnnxWriter.write(model, file);
      }
    }
  }

  /**
   * Makes the channels between two convolutions differ in size, as they do in larger networks of
   * the kind, without changing what the network computes but for values that are cut at 6.
   */
  private static void spread(Module net, String block) {
    Random random = new Random(block.hashCode());
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      Tensor gamma = parameter(net, block + ".depthwise.bn.weight");
      float[] factors = new float[Math.toIntExact(gamma.numel())];
      for (int c = 0; c < factors.length; c++) {
        factors[c] = (float) Math.pow(SPREAD, -random.nextDouble());
      }
      Tensor down = Tensors.of(factors, factors.length);
      gamma.mul_(down);
      parameter(net, block + ".depthwise.bn.bias").mul_(down);
      parameter(net, block + ".project.conv.weight").div_(down.reshape(1, factors.length, 1, 1));
    }
  }

  private static Tensor parameter(Module net, String name) {
    return Objects.requireNonNull(net.parameters().get(name), name);
  }

  private static void print(String what, @Nullable Score score) {
    if (score != null) {
      System.out.printf(
          Locale.ROOT,
          "%s: loss %.4f, accuracy %.2f %%%n",
          what,
          score.loss(),
          100 * score.accuracy());
    }
  }
}
