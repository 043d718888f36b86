package dev.octet.torch;

import dev.octet.graph.DataType;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.DeviceType;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** LibTorch's state: random numbers and threads of the process, gradients of the thread. */
public final class Torch {
  private Torch() {}

  /** Something switched for this thread until closed. */
  public interface Switched extends AutoCloseable {
    @Override
    void close();
  }

  /** Starts LibTorch's random numbers, which initialisation and dropout draw from. */
  public static void seed(long seed) {
    torch.manual_seed(seed);
  }

  /** The state of LibTorch's random numbers, to bring back later. */
  public static byte[] randomState() {
    try (Scope scope = Scope.open()) {
      return bytes(torch.getDefaultCPUGenerator().get_state());
    }
  }

  /**
   * Brings LibTorch's random numbers back to where they were.
   *
   * @throws IllegalArgumentException if these bytes are no such state
   */
  public static void setRandomState(byte[] state) {
    try (Scope scope = Scope.open()) {
      long expected = torch.getDefaultCPUGenerator().get_state().numel();
      if (state.length != expected) {
        throw new IllegalArgumentException(
            "a state of random numbers has " + expected + " bytes, not " + state.length);
      }
      torch
          .getDefaultCPUGenerator()
          .set_state(Tensors.of(dev.octet.graph.Tensor.ofRaw(DataType.UINT8, state, state.length)));
    }
  }

  /**
   * Sets how many threads one operation may use, for the process.
   *
   * @param count at least 1
   */
  public static void threads(int count) {
    if (count < 1) {
      throw new IllegalArgumentException("the number of threads is " + count + ", not at least 1");
    }
    torch.set_num_threads(count);
  }

  /** How many threads one operation may use. */
  public static int threads() {
    return torch.get_num_threads();
  }

  /** No gradients are recorded on this thread until closed. */
  public static Switched noGrad() {
    // Freed at once: close() would wait for a scope around that holds it too.
    NoGradGuard guard = Scope.keep(new NoGradGuard());
    return guard::deallocate;
  }

  /**
   * Convolutions and matrix products on this thread compute in a smaller type until closed; sums
   * and losses stay in float32, as PyTorch's autocast has it.
   *
   * @param type {@code BFloat16} or {@code Half}
   */
  public static Switched autocast(ScalarType type) {
    if (type != ScalarType.BFloat16 && type != ScalarType.Half) {
      throw new IllegalArgumentException("autocast computes in BFloat16 or Half, not in " + type);
    }
    boolean before = torch.is_autocast_enabled(DeviceType.CPU);
    ScalarType typeBefore = torch.get_autocast_dtype(DeviceType.CPU).intern();
    torch.set_autocast_dtype(DeviceType.CPU, type);
    torch.set_autocast_enabled(DeviceType.CPU, true);
    return () -> {
      torch.set_autocast_enabled(DeviceType.CPU, before);
      torch.set_autocast_dtype(DeviceType.CPU, typeBefore);
      if (!before) {
        // Casts of weights are cached for as long as autocast is on.
        torch.clear_cache();
      }
    };
  }

  private static byte[] bytes(Tensor tensor) {
    byte[] copy = new byte[Math.toIntExact(tensor.nbytes())];
    Tensors.bytes(tensor).get(copy);
    return copy;
  }
}
