package dev.octet.torch.models;

import dev.octet.torch.nn.Activation;
import dev.octet.torch.nn.AdaptiveAvgPool2d;
import dev.octet.torch.nn.BatchNorm2d;
import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.nn.Dropout;
import dev.octet.torch.nn.Init;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.Sequential;
import dev.octet.torch.op.Ops;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.bytedeco.pytorch.Tensor;

/**
 * Inverted residuals with depthwise convolutions: images {@code [N, 3, H, W]} to logits {@code [N,
 * classes]}. Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks".
 */
public final class MobileNetV2 extends Module {
  /** Channels are multiples of this. */
  private static final int DIVISOR = 8;

  private static final int STEM_CHANNELS = 32;
  private static final int LAST_CHANNELS = 1280;

  private final Child<Sequential> features;
  private final Child<AdaptiveAvgPool2d> avgpool;
  private final Child<Sequential> classifier;

  /**
   * Blocks that give out the same number of channels.
   *
   * @param expansion how many times its input channels a block has inside; at least 1
   * @param channels to give out, before the width multiplier; at least 1
   * @param repeats how many blocks; at least 1
   * @param stride of the first block; at least 1
   */
  public record Stage(int expansion, int channels, int repeats, int stride) {
    /** Checks the numbers. */
    public Stage {
      if (expansion < 1 || channels < 1 || repeats < 1 || stride < 1) {
        throw new IllegalArgumentException(
            "expansion "
                + expansion
                + ", channels "
                + channels
                + ", repeats "
                + repeats
                + " and stride "
                + stride
                + " must all be at least 1");
      }
    }
  }

  private MobileNetV2(Builder from) {
    long in = channels(STEM_CHANNELS, from.width);
    long last = channels(LAST_CHANNELS, Math.max(1, from.width));
    List<Module> made = new ArrayList<>();
    made.add(step(3, in, 3, from.stemStride, 1));
    for (Stage stage : from.stages) {
      long out = channels(stage.channels, from.width);
      for (int i = 0; i < stage.repeats; i++) {
        made.add(new InvertedResidual(in, out, i == 0 ? stage.stride : 1, stage.expansion));
        in = out;
      }
    }
    made.add(step(in, last, 1, 1, 1));
    features = child("features", new Sequential(made.toArray(Module[]::new)));
    avgpool = child("avgpool", AdaptiveAvgPool2d.of(1));
    classifier =
        child(
            "classifier",
            new Sequential(new Dropout(from.dropout), Linear.builder(last, from.classes).build()));
    for (Module module : modules().values()) {
      if (module instanceof Conv2d conv) {
        Init.kaimingNormalFanOut(conv.weight(), 0);
      } else if (module instanceof Linear linear) {
        Init.normal(linear.weight(), 0, 0.01);
        Init.constant(Objects.requireNonNull(linear.bias()), 0);
      }
    }
  }

  /** A builder of the paper's network for images of about 224x224; ImageNet has 1000 classes. */
  public static Builder builder(long classes) {
    return new Builder(classes);
  }

  /**
   * A builder of a smaller network for images of 32x32: three steps down instead of five, and
   * stages (1, 16, 1, 1), (4, 24, 2, 2), (4, 32, 3, 2), (6, 64, 3, 1), (6, 96, 2, 2), (6, 160, 1,
   * 1).
   */
  public static Builder cifar(long classes) {
    return new Builder(classes)
        .stemStride(1)
        .stages(
            List.of(
                new Stage(1, 16, 1, 1),
                new Stage(4, 24, 2, 2),
                new Stage(4, 32, 3, 2),
                new Stage(6, 64, 3, 1),
                new Stage(6, 96, 2, 2),
                new Stage(6, 160, 1, 1)));
  }

  @Override
  protected Tensor forward(Tensor images) {
    Tensor x = avgpool.call(features.call(images));
    return classifier.call(Ops.flatten(x, 1, -1));
  }

  /** Convolution, BatchNorm, ReLU6. */
  static Sequential step(long in, long out, long kernel, long stride, long groups) {
    return new Sequential(
        Conv2d.builder(in, out, kernel)
            .stride(stride)
            .padding((kernel - 1) / 2)
            .groups(groups)
            .bias(false)
            .build(),
        BatchNorm2d.builder(out).build(),
        Activation.relu6());
  }

  /** The nearest multiple of 8 that is not below 90 % of the product. */
  static long channels(long nominal, double width) {
    double product = nominal * width;
    long rounded = Math.max(DIVISOR, (long) (product + DIVISOR / 2.0) / DIVISOR * DIVISOR);
    return rounded < 0.9 * product ? rounded + DIVISOR : rounded;
  }

  /** Settings of a network. */
  public static final class Builder {
    private final long classes;
    private double width = 1;
    private long stemStride = 2;
    private double dropout = 0.2;
    private List<Stage> stages =
        List.of(
            new Stage(1, 16, 1, 1),
            new Stage(6, 24, 2, 2),
            new Stage(6, 32, 3, 2),
            new Stage(6, 64, 4, 2),
            new Stage(6, 96, 3, 1),
            new Stage(6, 160, 3, 2),
            new Stage(6, 320, 1, 1));

    private Builder(long classes) {
      this.classes = classes;
    }

    /**
     * Multiplies all numbers of channels, which become multiples of 8; the last convolution's 1280
     * only grow. Default 1.
     *
     * @param multiplier above 0, at most 100
     */
    public Builder width(double multiplier) {
      if (!(multiplier > 0 && multiplier <= 100)) {
        throw new IllegalArgumentException(
            "the width multiplier is " + multiplier + "; choose more than 0, at most 100");
      }
      width = multiplier;
      return this;
    }

    /** The stride of the first convolution; default 2. */
    public Builder stemStride(long stride) {
      stemStride = stride;
      return this;
    }

    /** The probability of dropout before the classifier, 0 to 1; default 0.2. */
    public Builder dropout(double probability) {
      dropout = probability;
      return this;
    }

    /** The stages; the paper's seven unless told otherwise. */
    public Builder stages(List<Stage> list) {
      stages = List.copyOf(list);
      return this;
    }

    /**
     * The network, with fresh parameters.
     *
     * @throws IllegalArgumentException if a setting is out of range
     */
    public MobileNetV2 build() {
      return new MobileNetV2(this);
    }
  }
}
