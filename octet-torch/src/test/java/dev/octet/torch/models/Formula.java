package dev.octet.torch.models;

import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Module;
import java.nio.charset.StandardCharsets;
import java.util.function.DoubleUnaryOperator;
import org.bytedeco.pytorch.Tensor;

/** Values that depend on a name alone, the same as in tools/torchvision-models/golden.py. */
final class Formula {
  private Formula() {}

  /** Sets all weights and statistics. */
  static void fill(Module net) {
    try (Torch.Switched noGrad = Torch.noGrad()) {
      net.stateDict()
          .forEach(
              (name, tensor) -> {
                if (!name.endsWith("num_batches_tracked")) {
                  try (Scope scope = Scope.open()) {
                    tensor.copy_(state(name, Tensors.shape(tensor)));
                  }
                }
              });
    }
  }

  /** An input of values from -2 to 2. */
  static Tensor input(long... shape) {
    return value("input", u -> 4 * u - 2, shape);
  }

  private static Tensor state(String name, long[] shape) {
    if (name.endsWith("running_var") || (name.endsWith("weight") && shape.length == 1)) {
      return value(name, u -> 0.75 + u / 2, shape);
    }
    if (name.endsWith("running_mean") || name.endsWith("bias")) {
      return value(name, u -> (u - 0.5) / 5, shape);
    }
    long fanIn = 1;
    for (int axis = 1; axis < shape.length; axis++) {
      fanIn *= shape[axis];
    }
    double bound = Math.sqrt(6.0 / fanIn);
    return value(name, u -> (2 * u - 1) * bound, shape);
  }

  private static Tensor value(String name, DoubleUnaryOperator of, long... shape) {
    int count = 1;
    for (long size : shape) {
      count = Math.toIntExact(count * size);
    }
    int start = 0x811C9DC5;
    for (byte each : name.getBytes(StandardCharsets.UTF_8)) {
      start = (start ^ (each & 0xFF)) * 16777619;
    }
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      int x = start + i * 0x9E3779B9;
      x = (x ^ (x >>> 16)) * 0x7FEB352D;
      x = (x ^ (x >>> 15)) * 0x846CA68B;
      x ^= x >>> 16;
      values[i] = (float) of.applyAsDouble(Integer.toUnsignedLong(x) / 0x1p32);
    }
    return Tensors.of(values, shape);
  }
}
