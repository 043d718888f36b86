package dev.octet.workflows.distiller;

import dev.octet.core.affine.DistillerLinear;
import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.util.HashMap;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Which tensors hold dequantized integers, and of which scale: what Distiller hangs onto the tensor
 * itself. Known is the Java object that a layer returned, as long as something holds it and it was
 * not changed in place. A tensor computed from it, a view too, is another, and is not known.
 */
final class QuantizedValues {
  private record Known(DistillerLinear params, long version) {}

  private final Map<Identity, Known> known = new HashMap<>();
  private final ReferenceQueue<Tensor> gone = new ReferenceQueue<>();

  synchronized void put(Tensor tensor, DistillerLinear params) {
    forgetGone();
    known.put(new Identity(tensor, gone), new Known(params, version(tensor)));
  }

  synchronized @Nullable DistillerLinear get(Tensor tensor) {
    forgetGone();
    Known found = known.get(new Identity(tensor, null));
    return found == null || found.version != version(tensor) ? null : found.params;
  }

  private void forgetGone() {
    for (Reference<?> each = gone.poll(); each != null; each = gone.poll()) {
      known.remove(each);
    }
  }

  private static long version(Tensor tensor) {
    return tensor.is_inference() ? 0 : tensor._version();
  }

  /** Equal where the same object is meant; handles themselves are equal by address. */
  private static final class Identity extends WeakReference<Tensor> {
    private final int hash;

    Identity(Tensor tensor, @Nullable ReferenceQueue<Tensor> queue) {
      super(tensor, queue);
      hash = System.identityHashCode(tensor);
    }

    @Override
    public int hashCode() {
      return hash;
    }

    @Override
    @SuppressWarnings("ReferenceEquality") // that is its purpose
    public boolean equals(@Nullable Object other) {
      if (this == other) {
        return true;
      }
      Tensor mine = get();
      return mine != null && other instanceof Identity that && mine == that.get();
    }
  }
}
