package dev.octet.torch.models;

import dev.octet.torch.nn.Activation;
import dev.octet.torch.nn.AdaptiveAvgPool2d;
import dev.octet.torch.nn.BatchNorm2d;
import dev.octet.torch.nn.ChannelShuffle;
import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.Concat;
import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.MaxPool2d;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.Sequential;
import dev.octet.torch.op.Ops;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/**
 * ShuffleNetV2: images {@code [N, 3, H, W]} to logits {@code [N, classes]}. Ma et al., "ShuffleNet
 * V2: Practical Guidelines for Efficient CNN Architecture Design", table 5.
 */
public final class ShuffleNetV2 extends Module {
  private static final int STEM_CHANNELS = 24;
  private static final int[] REPEATS = {4, 8, 4};

  private final Child<Sequential> conv1;
  private final Child<MaxPool2d> maxpool;
  private final List<Child<Sequential>> stages = new ArrayList<>();
  private final Child<Sequential> conv5;
  private final Child<AdaptiveAvgPool2d> avgpool = child("avgpool", AdaptiveAvgPool2d.of(1));
  private final Child<Linear> fc;

  private ShuffleNetV2(long classes, long... channels) {
    conv1 =
        child(
            "conv1",
            new Sequential(
                Conv2d.builder(3, STEM_CHANNELS, 3).stride(2).padding(1).bias(false).build(),
                BatchNorm2d.builder(STEM_CHANNELS).build(),
                Activation.relu()));
    maxpool = child("maxpool", MaxPool2d.builder(3).stride(2).padding(1).build());
    long in = STEM_CHANNELS;
    for (int stage = 0; stage < REPEATS.length; stage++) {
      Module[] blocks = new Module[REPEATS[stage]];
      for (int i = 0; i < blocks.length; i++) {
        blocks[i] = i == 0 ? new Down(in, channels[stage]) : new Split(channels[stage]);
      }
      stages.add(child("stage" + (stage + 2), new Sequential(blocks)));
      in = channels[stage];
    }
    long last = channels[REPEATS.length];
    conv5 = child("conv5", new Sequential(pointwise(in, last).toArray(Module[]::new)));
    fc = child("fc", Linear.builder(last, classes).build());
  }

  /** torchvision's shufflenet_v2_x0_5; ImageNet has 1000 classes. */
  public static ShuffleNetV2 x05(long classes) {
    return new ShuffleNetV2(classes, 48, 96, 192, 1024);
  }

  /** torchvision's shufflenet_v2_x1_0. */
  public static ShuffleNetV2 x10(long classes) {
    return new ShuffleNetV2(classes, 116, 232, 464, 1024);
  }

  /** torchvision's shufflenet_v2_x1_5. */
  public static ShuffleNetV2 x15(long classes) {
    return new ShuffleNetV2(classes, 176, 352, 704, 1024);
  }

  /** torchvision's shufflenet_v2_x2_0. */
  public static ShuffleNetV2 x20(long classes) {
    return new ShuffleNetV2(classes, 244, 488, 976, 2048);
  }

  @Override
  protected Tensor forward(Tensor images) {
    Tensor x = maxpool.call(conv1.call(images));
    for (Child<Sequential> stage : stages) {
      x = stage.call(x);
    }
    return fc.call(Ops.flatten(avgpool.call(conv5.call(x)), 1, -1));
  }

  /** A 1x1 convolution, BatchNorm, ReLU. */
  private static List<Module> pointwise(long in, long out) {
    return List.of(
        Conv2d.builder(in, out, 1).bias(false).build(),
        BatchNorm2d.builder(out).build(),
        Activation.relu());
  }

  /** A 3x3 convolution of each channel by itself, BatchNorm. */
  private static List<Module> depthwise(long channels, long stride) {
    return List.of(
        Conv2d.builder(channels, channels, 3)
            .stride(stride)
            .padding(1)
            .groups(channels)
            .bias(false)
            .build(),
        BatchNorm2d.builder(channels).build());
  }

  private static Sequential branch2(long in, long out, long stride) {
    List<Module> steps = new ArrayList<>(pointwise(in, out));
    steps.addAll(depthwise(out, stride));
    steps.addAll(pointwise(out, out));
    return new Sequential(steps.toArray(Module[]::new));
  }

  /** Halves the size; both branches see all channels. */
  private static final class Down extends Module {
    private final Child<Sequential> branch1;
    private final Child<Sequential> branch2;
    private final Child<Concat> cat = child("cat", Concat.of(1));
    private final Child<ChannelShuffle> shuffle = child("shuffle", new ChannelShuffle(2));

    Down(long in, long out) {
      List<Module> steps = new ArrayList<>(depthwise(in, 2));
      steps.addAll(pointwise(in, out / 2));
      branch1 = child("branch1", new Sequential(steps.toArray(Module[]::new)));
      branch2 = child("branch2", branch2(in, out / 2, 2));
    }

    @Override
    protected Tensor forward(Tensor x) {
      return shuffle.call(cat.call(branch1.call(x), branch2.call(x)));
    }
  }

  /** Passes the first half of the channels by, and computes on the second. */
  private static final class Split extends Module {
    private final Child<Sequential> branch2;
    private final Child<Concat> cat = child("cat", Concat.of(1));
    private final Child<ChannelShuffle> shuffle = child("shuffle", new ChannelShuffle(2));

    Split(long channels) {
      branch2 = child("branch2", branch2(channels / 2, channels / 2, 1));
    }

    @Override
    protected Tensor forward(Tensor x) {
      List<Tensor> halves = Ops.chunk(x, 2, 1);
      return shuffle.call(cat.call(halves.get(0), branch2.call(halves.get(1))));
    }
  }
}
