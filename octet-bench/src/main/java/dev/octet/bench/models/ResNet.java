package dev.octet.bench.models;

import dev.octet.bench.models.Layers.Conv;
import dev.octet.graph.DataType;
import dev.octet.graph.Model;
import dev.octet.graph.Value;

/** Residual networks (He et al. 2016), their batch normalization not folded. */
final class ResNet {
  /** What a residual branch is scaled by, so that sums of many blocks stay in range. */
  private static final double BRANCH = 0.4;

  private static final int CLASSES = 1000;

  private final Layers net;

  private ResNet(Layers net) {
    this.net = net;
  }

  /** ResNet-18: blocks of two 3x3 convolutions. */
  static Model resNet18() {
    return imageNet("resnet18", 1, 2, 2, 2, 2);
  }

  /** ResNet-50: blocks of 1x1, 3x3 and 1x1, the stride at the 3x3. */
  static Model resNet50() {
    return imageNet("resnet50", 4, 3, 4, 6, 3);
  }

  /** ResNet-20 for images of 32x32, its shortcuts without weights: every second pixel, zeros. */
  static Model resNet20() {
    Layers layers = new Layers("resnet20");
    ResNet net = new ResNet(layers);
    Value x = layers.input("input", DataType.FLOAT, "batch", 3, 32, 32);
    x = net.stem(x, 16, 3, 1);
    int in = 16;
    for (int stage = 0; stage < 3; stage++) {
      int width = 16 << stage;
      for (int block = 0; block < 3; block++) {
        String name = "layer" + (stage + 1) + "." + block;
        Value shortcut = in == width ? x : net.subsampled(name, x, (width - in) / 2);
        x = net.joined(name, net.basic(name, x, in, width, width / in), shortcut);
        in = width;
      }
    }
    layers.output("output", layers.dense("linear", layers.averaged(x), 64, 10), "batch", 10);
    return layers.model();
  }

  private static Model imageNet(String name, int expansion, int... blocks) {
    Layers layers = new Layers(name);
    ResNet net = new ResNet(layers);
    Value x = layers.input("input", DataType.FLOAT, "batch", 3, 224, 224);
    x = layers.maxPool("maxpool", net.stem(x, 64, 7, 2), 3, 2, 1, false);
    int in = 64;
    for (int stage = 0; stage < blocks.length; stage++) {
      int width = 64 << stage;
      for (int block = 0; block < blocks[stage]; block++) {
        String label = "layer" + (stage + 1) + "." + block;
        int stride = stage > 0 && block == 0 ? 2 : 1;
        int out = width * expansion;
        Value shortcut =
            in == out
                ? x
                : layers.convNorm(
                    label + ".downsample.0",
                    label + ".downsample.1",
                    x,
                    Conv.of(in, out, 1, stride),
                    1);
        Value branch =
            expansion == 1
                ? net.basic(label, x, in, out, stride)
                : net.bottleneck(label, x, in, width, out, stride);
        x = net.joined(label, branch, shortcut);
        in = out;
      }
    }
    Value scores = layers.dense("fc", layers.averaged(x), in, CLASSES);
    layers.output("output", scores, "batch", CLASSES);
    return layers.model();
  }

  private Value stem(Value x, int width, int kernel, int stride) {
    Value y = net.convNorm("conv1", "bn1", x, Conv.of(3, width, kernel, stride), 1);
    return net.relu("relu", y);
  }

  private Value basic(String name, Value x, int in, int out, int stride) {
    Value y = net.convNorm(name + ".conv1", name + ".bn1", x, Conv.of(in, out, 3, stride), 1);
    y = net.relu(name + ".relu1", y);
    return net.convNorm(name + ".conv2", name + ".bn2", y, Conv.of(out, out, 3, 1), BRANCH);
  }

  private Value bottleneck(String name, Value x, int in, int width, int out, int stride) {
    Value y = net.convNorm(name + ".conv1", name + ".bn1", x, Conv.of(in, width, 1, 1), 1);
    y = net.relu(name + ".relu1", y);
    y = net.convNorm(name + ".conv2", name + ".bn2", y, Conv.of(width, width, 3, stride), 1);
    y = net.relu(name + ".relu2", y);
    return net.convNorm(name + ".conv3", name + ".bn3", y, Conv.of(width, out, 1, 1), BRANCH);
  }

  private Value joined(String name, Value branch, Value shortcut) {
    return net.relu(name + ".relu", net.node(name, "Add", branch, shortcut));
  }

  /** Every second pixel, with {@code more} channels of zeros on either side. */
  private Value subsampled(String name, Value x, int more) {
    Value part =
        net.node(
            name + ".shortcut",
            "Slice",
            x,
            net.integers(0, 0),
            net.integers(Long.MAX_VALUE, Long.MAX_VALUE),
            net.integers(2, 3),
            net.integers(2, 2));
    return net.node(
        name + ".shortcut", "Pad", part, net.integers(0, more, 0, 0, 0, more, 0, 0), net.scalar(0));
  }
}
