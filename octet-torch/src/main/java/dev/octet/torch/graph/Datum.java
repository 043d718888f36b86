package dev.octet.torch.graph;

import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A value of a running graph: a tensor, or constants on the host, which shape arithmetic stays on
 * because each operation of LibTorch costs more than the arithmetic.
 */
final class Datum {
  private final dev.octet.graph.@Nullable Tensor host;
  private @Nullable Tensor tensor;
  private final boolean owned;

  private Datum(dev.octet.graph.@Nullable Tensor host, @Nullable Tensor tensor, boolean owned) {
    this.host = host;
    this.tensor = tensor;
    this.owned = owned;
  }

  /** Numbers on the host; they become a tensor when first asked for one. */
  static Datum host(dev.octet.graph.Tensor numbers) {
    return new Datum(numbers, null, true);
  }

  /** What was computed: a handle of its own on {@code made}, which outlives the scope. */
  static Datum computed(Tensor made) {
    return new Datum(null, Scope.keep(new Tensor(made)), true);
  }

  /** A tensor that somebody else closes. */
  static Datum borrowed(Tensor tensor) {
    return new Datum(null, tensor, false);
  }

  boolean isHost() {
    return host != null;
  }

  dev.octet.graph.Tensor numbers() {
    return host != null ? host : Tensors.toHost(tensor());
  }

  /** The elements as integers, row-major. */
  long[] longs() {
    return host != null && !host.type().isFloat() ? host.toLongs() : Tensors.toLongs(tensor());
  }

  /** Constants are shared by runs on several threads. */
  synchronized Tensor tensor() {
    Tensor made = tensor;
    if (made == null && host != null) {
      made = Scope.keep(Tensors.of(host));
      tensor = made;
    }
    if (made == null) {
      throw new IllegalStateException("the value was freed already");
    }
    return made;
  }

  synchronized void free() {
    Tensor made = tensor;
    if (owned && made != null) {
      tensor = null;
      made.close();
    }
  }
}
