package dev.octet.torch.models;

import dev.octet.torch.nn.Activation;
import dev.octet.torch.nn.AdaptiveAvgPool2d;
import dev.octet.torch.nn.Add;
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
import org.jspecify.annotations.Nullable;

/**
 * MobileNetV3-Large: images {@code [N, 3, H, W]} to logits {@code [N, classes]}. Howard et al.,
 * "Searching for MobileNetV3", table 1.
 */
public final class MobileNetV3 extends Module {
  private static final int STEM_CHANNELS = 16;
  private static final int LAST_CHANNELS = 1280;

  /** How many times as many channels as the last block the convolution behind it has. */
  private static final int LAST_EXPANSION = 6;

  private static final int SQUEEZE = 4;
  private static final double EPS = 0.001;
  private static final double MOMENTUM = 0.01;

  private final Child<Sequential> features;
  private final Child<AdaptiveAvgPool2d> avgpool;
  private final Child<Sequential> classifier;

  /** A row of the paper's table; dilation takes the place of the stride where it is above 1. */
  private record Row(
      int kernel,
      int expanded,
      int out,
      boolean squeezed,
      boolean hardswish,
      int stride,
      int dilation) {}

  private MobileNetV3(Builder from) {
    double width = from.widthMult;
    long in = MobileNetV2.channels(STEM_CHANNELS, width);
    List<Module> made = new ArrayList<>();
    made.add(step(3, in, 3, 2, 1, 1, Activation.hardswish()));
    for (Row row : large(from.reducedTail, from.dilated)) {
      InvertedResidual block = new InvertedResidual(in, row, width);
      made.add(block);
      in = block.out;
    }
    long last = LAST_EXPANSION * in;
    made.add(step(in, last, 1, 1, 1, 1, Activation.hardswish()));
    features = child("features", new Sequential(made.toArray(Module[]::new)));
    avgpool = child("avgpool", AdaptiveAvgPool2d.of(1));
    long hidden = MobileNetV2.channels(from.reducedTail ? LAST_CHANNELS / 2 : LAST_CHANNELS, width);
    classifier =
        child(
            "classifier",
            new Sequential(
                Linear.builder(last, hidden).build(),
                Activation.hardswish(),
                new Dropout(from.dropout),
                Linear.builder(hidden, from.classes).build()));
    for (Module module : modules().values()) {
      if (module instanceof Conv2d conv) {
        Init.kaimingNormalFanOut(conv.weight(), 0);
        if (conv.bias() != null) {
          Init.constant(conv.bias(), 0);
        }
      } else if (module instanceof Linear linear) {
        Init.normal(linear.weight(), 0, 0.01);
        Init.constant(Objects.requireNonNull(linear.bias()), 0);
      }
    }
  }

  /** A builder of the large network; ImageNet has 1000 classes. */
  public static Builder large(long classes) {
    return new Builder(classes);
  }

  private static List<Row> large(boolean reducedTail, boolean dilated) {
    int tail = reducedTail ? 2 : 1;
    int dilation = dilated ? 2 : 1;
    return List.of(
        new Row(3, 16, 16, false, false, 1, 1),
        new Row(3, 64, 24, false, false, 2, 1),
        new Row(3, 72, 24, false, false, 1, 1),
        new Row(5, 72, 40, true, false, 2, 1),
        new Row(5, 120, 40, true, false, 1, 1),
        new Row(5, 120, 40, true, false, 1, 1),
        new Row(3, 240, 80, false, true, 2, 1),
        new Row(3, 200, 80, false, true, 1, 1),
        new Row(3, 184, 80, false, true, 1, 1),
        new Row(3, 184, 80, false, true, 1, 1),
        new Row(3, 480, 112, true, true, 1, 1),
        new Row(3, 672, 112, true, true, 1, 1),
        new Row(5, 672, 160 / tail, true, true, 2, dilation),
        new Row(5, 960 / tail, 160 / tail, true, true, 1, dilation),
        new Row(5, 960 / tail, 160 / tail, true, true, 1, dilation));
  }

  @Override
  protected Tensor forward(Tensor images) {
    Tensor x = avgpool.call(features.call(images));
    return classifier.call(Ops.flatten(x, 1, -1));
  }

  /** Convolution, BatchNorm and, where given, an activation. */
  private static Sequential step(
      long in,
      long out,
      long kernel,
      long stride,
      long dilation,
      long groups,
      @Nullable Activation activation) {
    List<Module> steps = new ArrayList<>();
    steps.add(
        Conv2d.builder(in, out, kernel)
            .stride(stride)
            .padding((kernel - 1) / 2 * dilation)
            .dilation(dilation)
            .groups(groups)
            .bias(false)
            .build());
    steps.add(BatchNorm2d.builder(out).eps(EPS).momentum(MOMENTUM).build());
    if (activation != null) {
      steps.add(activation);
    }
    return new Sequential(steps.toArray(Module[]::new));
  }

  /** Expands channels, filters each, may weigh them, and projects; a shortcut where it fits. */
  private static final class InvertedResidual extends Module {
    private final long out;
    private final Child<Sequential> block;
    private final @Nullable Child<Add> add;

    InvertedResidual(long in, Row row, double width) {
      long inside = MobileNetV2.channels(row.expanded, width);
      out = MobileNetV2.channels(row.out, width);
      List<Module> steps = new ArrayList<>();
      if (inside != in) {
        steps.add(step(in, inside, 1, 1, 1, 1, activation(row)));
      }
      long stride = row.dilation > 1 ? 1 : row.stride;
      steps.add(step(inside, inside, row.kernel, stride, row.dilation, inside, activation(row)));
      if (row.squeezed) {
        steps.add(new SqueezeExcitation(inside, MobileNetV2.channels(inside / SQUEEZE, 1)));
      }
      steps.add(step(inside, out, 1, 1, 1, 1, null));
      block = child("block", new Sequential(steps.toArray(Module[]::new)));
      add = row.stride == 1 && in == out ? child("add", Add.of()) : null;
    }

    private static Activation activation(Row row) {
      return row.hardswish ? Activation.hardswish() : Activation.relu();
    }

    @Override
    protected Tensor forward(Tensor x) {
      Tensor y = block.call(x);
      return add == null ? y : add.call(x, y);
    }
  }

  /** Settings of a network, by torchvision's names. */
  public static final class Builder {
    private final long classes;
    private double widthMult = 1;
    private boolean reducedTail;
    private boolean dilated;
    private double dropout = 0.2;

    private Builder(long classes) {
      this.classes = classes;
    }

    /**
     * Multiplies all numbers of channels, which become multiples of 8. Default 1.
     *
     * @param multiplier above 0, at most 100
     */
    public Builder widthMult(double multiplier) {
      if (!(multiplier > 0 && multiplier <= 100)) {
        throw new IllegalArgumentException(
            "the width multiplier is " + multiplier + "; choose more than 0, at most 100");
      }
      widthMult = multiplier;
      return this;
    }

    /** Whether the last stage has half as many channels; not unless told otherwise. */
    public Builder reducedTail(boolean on) {
      reducedTail = on;
      return this;
    }

    /** Whether the last stage is dilated instead of strided; not unless told otherwise. */
    public Builder dilated(boolean on) {
      dilated = on;
      return this;
    }

    /** The probability of dropout before the last layer, 0 to 1; default 0.2. */
    public Builder dropout(double probability) {
      dropout = probability;
      return this;
    }

    /**
     * The network, with fresh parameters.
     *
     * @throws IllegalArgumentException if a setting is out of range
     */
    public MobileNetV3 build() {
      return new MobileNetV3(this);
    }
  }
}
