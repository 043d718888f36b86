package dev.octet.bench.models;

import dev.octet.bench.models.Layers.Conv;
import dev.octet.graph.DataType;
import dev.octet.graph.Model;
import dev.octet.graph.Value;
import java.util.Map;

/** SqueezeNet 1.1 (Iandola et al. 2016). */
final class SqueezeNet {
  private static final int CLASSES = 1000;

  private final Layers net = new Layers("squeezenet1_1");

  private SqueezeNet() {}

  static Model build() {
    return new SqueezeNet().model();
  }

  private Model model() {
    Value x = net.input("input", DataType.FLOAT, "batch", 3, 224, 224);
    x = relu("features.0", net.conv("features.0", x, new Conv(3, 64, 3, 2, 0, 1)));
    x = fire("features.3", pool("features.2", x), 64, 16, 64);
    x = fire("features.4", x, 128, 16, 64);
    x = fire("features.6", pool("features.5", x), 128, 32, 128);
    x = fire("features.7", x, 256, 32, 128);
    x = fire("features.9", pool("features.8", x), 256, 48, 192);
    x = fire("features.10", x, 384, 48, 192);
    x = fire("features.11", x, 384, 64, 256);
    x = fire("features.12", x, 512, 64, 256);
    x = relu("classifier.1", net.conv("classifier.1", x, Conv.of(512, CLASSES, 1, 1)));
    net.output("output", net.averaged(x), "batch", CLASSES);
    return net.model();
  }

  /** Narrow by a 1x1, then wide by a 1x1 and a 3x3 side by side. */
  private Value fire(String name, Value x, int in, int narrow, int wide) {
    String squeeze = name + ".squeeze";
    Value y = relu(squeeze, net.conv(squeeze, x, Conv.of(in, narrow, 1, 1)));
    String one = name + ".expand1x1";
    String three = name + ".expand3x3";
    return net.node(
        name,
        "Concat",
        Map.of("axis", 1),
        relu(one, net.conv(one, y, Conv.of(narrow, wide, 1, 1))),
        relu(three, net.conv(three, y, Conv.of(narrow, wide, 3, 1))));
  }

  private Value pool(String name, Value x) {
    return net.maxPool(name, x, 3, 2, 0, true);
  }

  private Value relu(String name, Value x) {
    return net.relu(name, x);
  }
}
