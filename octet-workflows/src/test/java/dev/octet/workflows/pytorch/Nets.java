package dev.octet.workflows.pytorch;

import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.nn.Activation;
import dev.octet.torch.nn.BatchNorm2d;
import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.Module;
import dev.octet.torch.op.Ops;
import dev.octet.workflows.pytorch.quantized.Functional;
import java.util.List;
import java.util.Random;
import org.bytedeco.pytorch.Tensor;

/** Small models, and inputs for them. */
final class Nets {
  private Nets() {}

  /** Two convolutions with normalisation, a skip, and a head; 3 × 8 × 8 to 5. */
  static final class Net extends Module {
    private final Child<QuantStub> quant = child("quant", new QuantStub());
    private final Child<Module> conv1 = child("conv1", conv(3, 8));
    private final Child<Module> bn1 = child("bn1", BatchNorm2d.builder(8).build());
    private final Child<Module> relu1 = child("relu1", Activation.relu());
    private final Child<Module> conv2 = child("conv2", conv(8, 8));
    private final Child<Module> bn2 = child("bn2", BatchNorm2d.builder(8).build());
    private final Child<Functional> skip = child("skip", new FloatFunctional());
    private final Child<Module> head = child("head", Linear.builder(8, 5).build());
    private final Child<DeQuantStub> dequant = child("dequant", new DeQuantStub());

    private static Module conv(long in, long out) {
      return Conv2d.builder(in, out, 3).padding(1).bias(false).build();
    }

    @Override
    protected Tensor forward(Tensor x) {
      Tensor a = relu1.call(bn1.call(conv1.call(quant.call(x))));
      Tensor b = skip.get().addRelu(bn2.call(conv2.call(a)), a);
      return dequant.call(head.call(Ops.mean(b, 2, 3)));
    }
  }

  static final List<List<String>> GROUPS =
      List.of(List.of("conv1", "bn1", "relu1"), List.of("conv2", "bn2"));

  /** A model whose normalisations have seen data. */
  static Net warm() {
    Net net = new Net();
    for (int i = 0; i < 8; i++) {
      try (Scope scope = Scope.open()) {
        net.call(images(16, i));
      }
    }
    return net;
  }

  static Tensor images(int count, long seed) {
    return noise(seed, count, 3, 8, 8);
  }

  static Tensor noise(long seed, long... shape) {
    Random random = new Random(seed);
    int size = 1;
    for (long each : shape) {
      size *= Math.toIntExact(each);
    }
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return Tensors.of(values, shape);
  }

  static float[] run(Module model, Tensor... x) {
    try (Scope scope = Scope.open()) {
      return Tensors.toFloats(model.call(x));
    }
  }

  /** Signal to noise in decibels. */
  static double sqnr(float[] expected, float[] actual) {
    double signal = 0;
    double noise = 0;
    for (int i = 0; i < expected.length; i++) {
      signal += expected[i] * expected[i];
      noise += (expected[i] - actual[i]) * (expected[i] - actual[i]);
    }
    return 10 * Math.log10(signal / noise);
  }
}
