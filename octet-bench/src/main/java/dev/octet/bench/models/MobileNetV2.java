package dev.octet.bench.models;

import dev.octet.bench.models.Layers.Conv;
import dev.octet.graph.DataType;
import dev.octet.graph.Model;
import dev.octet.graph.Value;

/** MobileNetV2 (Sandler et al. 2018) of width 1, its batch normalization folded, as exports are. */
final class MobileNetV2 {
  /** Expansion, channels, repeats and stride of each stage. */
  private static final int[][] STAGES = {
    {1, 16, 1, 1},
    {6, 24, 2, 2},
    {6, 32, 3, 2},
    {6, 64, 4, 2},
    {6, 96, 3, 1},
    {6, 160, 3, 2},
    {6, 320, 1, 1}
  };

  private static final int LAST = 1280;
  private static final int CLASSES = 1000;

  private final Layers net = new Layers("mobilenetv2");
  private final Value zero = net.scalar(0);
  private final Value six = net.scalar(6);

  private MobileNetV2() {}

  static Model build() {
    return new MobileNetV2().model();
  }

  private Model model() {
    Value x = net.input("input", DataType.FLOAT, "batch", 3, 224, 224);
    x = relu6("features.0", net.conv("features.0", x, Conv.of(3, 32, 3, 2)));
    int in = 32;
    int number = 1;
    for (int[] stage : STAGES) {
      for (int repeat = 0; repeat < stage[2]; repeat++) {
        int stride = repeat == 0 ? stage[3] : 1;
        x = block("features." + number++, x, in, in * stage[0], stage[1], stride);
        in = stage[1];
      }
    }
    String name = "features." + number;
    x = relu6(name, net.conv(name, x, Conv.of(in, LAST, 1, 1)));
    Value scores = net.dense("classifier", net.averaged(x), LAST, CLASSES);
    net.output("output", scores, "batch", CLASSES);
    return net.model();
  }

  /** Wider by a 1x1, a depthwise 3x3, and narrower by a 1x1 without activation. */
  private Value block(String name, Value x, int in, int width, int out, int stride) {
    Value y = x;
    if (width != in) {
      y = relu6(name + ".expand", net.conv(name + ".expand", y, Conv.of(in, width, 1, 1)));
    }
    Conv depthwise = new Conv(width, width, 3, stride, 1, width);
    y = relu6(name + ".depthwise", net.conv(name + ".depthwise", y, depthwise));
    y = net.conv(name + ".project", y, Conv.of(width, out, 1, 1));
    return stride == 1 && in == out ? net.node(name, "Add", x, y) : y;
  }

  private Value relu6(String name, Value x) {
    return net.node(name, "Clip", x, zero, six);
  }
}
