package dev.octet.torch.nn;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.assertj.core.data.Offset;
import org.bytedeco.pytorch.StringTensorDict;
import org.bytedeco.pytorch.StringVector;
import org.bytedeco.pytorch.Tensor;

/** Compares a module with LibTorch's own. */
final class Peer {
  private Peer() {}

  /** Gives LibTorch's module our weights; both must name and shape them alike. */
  static void copyWeights(Module from, org.bytedeco.pytorch.Module to) {
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      StringTensorDict theirs = to.named_parameters();
      StringVector keys = theirs.keys();
      List<String> names = new ArrayList<>();
      for (long i = 0; i < keys.size(); i++) {
        names.add(keys.get(i).getString());
      }
      assertThat(from.stateDict().keySet()).containsExactlyInAnyOrderElementsOf(names);
      from.stateDict()
          .forEach(
              (name, weight) -> {
                Tensor their = theirs.find(name);
                assertThat(Tensors.shape(their)).as(name).isEqualTo(Tensors.shape(weight));
                their.copy_(weight);
              });
    }
  }

  /** Normal values, the same for a seed. */
  static Tensor random(int seed, long... shape) {
    int count = 1;
    for (long size : shape) {
      count *= (int) size;
    }
    Random random = new Random(seed);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return Tensors.of(values, shape);
  }

  static void assertSame(Tensor actual, Tensor expected, double tolerance) {
    assertThat(Tensors.shape(actual)).isEqualTo(Tensors.shape(expected));
    assertSame(Tensors.toFloats(actual), Tensors.toFloats(expected), tolerance);
  }

  static void assertSame(float[] actual, float[] expected, double tolerance) {
    assertThat(actual).containsExactly(expected, Offset.offset((float) tolerance));
  }

  /** Every parameter of the module got a gradient that is not zero everywhere. */
  static void assertGradients(Module module) {
    module
        .parameters()
        .forEach(
            (name, parameter) -> {
              Tensor gradient = parameter.grad();
              assertThat(gradient.defined()).as(name).isTrue();
              float[] values = Tensors.toFloats(gradient);
              double sum = 0;
              for (float value : values) {
                sum += Math.abs(value);
              }
              assertThat(sum).as(name).isFinite().isPositive();
            });
  }
}
