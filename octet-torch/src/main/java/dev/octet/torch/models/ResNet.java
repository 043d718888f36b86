package dev.octet.torch.models;

import dev.octet.torch.nn.Activation;
import dev.octet.torch.nn.AdaptiveAvgPool2d;
import dev.octet.torch.nn.BatchNorm2d;
import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.nn.Init;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.MaxPool2d;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.Sequential;
import dev.octet.torch.op.Ops;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Residual networks: images {@code [N, 3, H, W]} to logits {@code [N, classes]}. He et al., "Deep
 * Residual Learning for Image Recognition"; Xie et al., "Aggregated Residual Transformations for
 * Deep Neural Networks" (ResNeXt). Like torchvision's, the networks for ImageNet have the stride in
 * the 3x3 convolution.
 */
public final class ResNet extends Module {
  /** Channels of a group of which a bottleneck has as many inside as its stage is named after. */
  private static final int BASE_WIDTH = 64;

  private final Child<Conv2d> conv1;
  private final Child<BatchNorm2d> bn1;
  private final Child<Activation> relu = child("relu", Activation.relu());
  private final @Nullable Child<MaxPool2d> maxpool;
  private final List<Child<Sequential>> layers = new ArrayList<>();
  private final Child<AdaptiveAvgPool2d> avgpool;
  private final Child<Linear> fc;

  private ResNet(Kind kind, boolean forImageNet, int width, int[] blocks, long classes) {
    this(kind, forImageNet, width, blocks, classes, 1, BASE_WIDTH);
  }

  private ResNet(
      Kind kind,
      boolean forImageNet,
      int width,
      int[] blocks,
      long classes,
      long groups,
      long widthPerGroup) {
    conv1 =
        child(
            "conv1",
            forImageNet
                ? Conv2d.builder(3, width, 7).stride(2).padding(3).bias(false).build()
                : Conv2d.builder(3, width, 3).padding(1).bias(false).build());
    bn1 = child("bn1", BatchNorm2d.builder(width).build());
    maxpool =
        forImageNet ? child("maxpool", MaxPool2d.builder(3).stride(2).padding(1).build()) : null;
    long in = width;
    for (int stage = 0; stage < blocks.length; stage++) {
      long channels = (long) width << stage;
      Module[] made = new Module[blocks[stage]];
      for (int i = 0; i < made.length; i++) {
        long inside = channels * widthPerGroup / BASE_WIDTH * groups;
        made[i] = kind.block(in, inside, channels, i == 0 && stage > 0 ? 2 : 1, groups);
        in = channels * kind.expansion;
      }
      layers.add(child("layer" + (stage + 1), new Sequential(made)));
    }
    avgpool = child("avgpool", AdaptiveAvgPool2d.of(1));
    fc = child("fc", Linear.builder(in, classes).build());
    for (Module module : modules().values()) {
      if (module instanceof Conv2d conv) {
        Init.kaimingNormalFanOut(conv.weight(), 0);
      }
    }
  }

  /** 18 layers for images of about 224x224; ImageNet has 1000 classes. */
  public static ResNet resnet18(long classes) {
    return new ResNet(Kind.BASIC, true, 64, new int[] {2, 2, 2, 2}, classes);
  }

  /** 34 layers for images of about 224x224. */
  public static ResNet resnet34(long classes) {
    return new ResNet(Kind.BASIC, true, 64, new int[] {3, 4, 6, 3}, classes);
  }

  /** 50 layers for images of about 224x224. */
  public static ResNet resnet50(long classes) {
    return new ResNet(Kind.BOTTLENECK, true, 64, new int[] {3, 4, 6, 3}, classes);
  }

  /**
   * ResNeXt of 101 layers for images of about 224x224: bottlenecks whose 3x3 convolutions are in
   * groups. torchvision's resnext101_32x8d has 32 groups of 8, its resnext101_64x4d 64 of 4.
   *
   * @param groups of the 3x3 convolutions, 1 or more
   * @param widthPerGroup channels of each group in the first stage, twice as many in each next one;
   *     1 or more
   */
  public static ResNet resnext101(long classes, int groups, int widthPerGroup) {
    if (groups < 1 || widthPerGroup < 1) {
      throw new IllegalArgumentException(
          groups + " groups of " + widthPerGroup + " channels; choose at least 1 of at least 1");
    }
    return new ResNet(
        Kind.BOTTLENECK, true, 64, new int[] {3, 4, 23, 3}, classes, groups, widthPerGroup);
  }

  /**
   * {@link #resnet18} for images of 32x32: it begins with a 3x3 convolution of stride 1 and has no
   * max pool.
   */
  public static ResNet cifar18(long classes) {
    return new ResNet(Kind.BASIC, false, 64, new int[] {2, 2, 2, 2}, classes);
  }

  /**
   * The paper's 20 layers for images of 32x32: three stages of 16, 32 and 64 channels, with
   * shortcuts that have no parameters (option A).
   */
  public static ResNet cifar20(long classes) {
    return new ResNet(Kind.BASIC_OPTION_A, false, 16, new int[] {3, 3, 3}, classes);
  }

  @Override
  protected Tensor forward(Tensor images) {
    Tensor x = relu.call(bn1.call(conv1.call(images)));
    if (maxpool != null) {
      x = maxpool.call(x);
    }
    for (Child<Sequential> layer : layers) {
      x = layer.call(x);
    }
    return fc.call(Ops.flatten(avgpool.call(x), 1, -1));
  }

  /** What a network is made of. */
  private enum Kind {
    BASIC(1),
    BASIC_OPTION_A(1),
    BOTTLENECK(4);

    /** How many times its channels a block gives out. */
    private final int expansion;

    Kind(int expansion) {
      this.expansion = expansion;
    }

    /** A block; {@code inside} and {@code groups} mean something to bottlenecks only. */
    Module block(long in, long inside, long channels, long stride, long groups) {
      long out = channels * expansion;
      Module shortcut = null;
      if (stride != 1 || in != out) {
        shortcut =
            this == BASIC_OPTION_A
                ? new PaddedShortcut(in, out, stride)
                : new Sequential(
                    Conv2d.builder(in, out, 1).stride(stride).bias(false).build(),
                    BatchNorm2d.builder(out).build());
      }
      return this == BOTTLENECK
          ? new Bottleneck(in, inside, out, stride, groups, shortcut)
          : new BasicBlock(in, out, stride, shortcut);
    }
  }
}
