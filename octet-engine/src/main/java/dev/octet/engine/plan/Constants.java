package dev.octet.engine.plan;

import dev.octet.engine.dnnl.Args;
import dev.octet.engine.dnnl.Attributes;
import dev.octet.engine.dnnl.Call;
import dev.octet.engine.dnnl.Layout;
import dev.octet.engine.dnnl.Memory;
import dev.octet.engine.dnnl.Primitive;
import dev.octet.engine.dnnl.Primitives;
import dev.octet.engine.dnnl.Stream;
import dev.octet.graph.Tensor;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Constants in the layouts that primitives want, packed once and shared by every plan of an engine.
 * Thread-safe; {@link #close} frees them all.
 */
public final class Constants implements AutoCloseable {

  /** A constant derived from {@code base} (compared by identity) by the computation named. */
  private record Key(Object base, String derivation, Layout layout) {
    @Override
    public boolean equals(@Nullable Object other) {
      return other instanceof Key that
          && that.base == base
          && that.derivation.equals(derivation)
          && that.layout.equals(layout);
    }

    @Override
    public int hashCode() {
      return 31 * System.identityHashCode(base) + derivation.hashCode();
    }
  }

  private final Map<Key, Buffer> packed = new HashMap<>();
  private final Map<Tensor, Buffer> small = new HashMap<>();
  private final IdentityHashMap<Tensor, Map<String, Object>> made = new IdentityHashMap<>();
  private long bytes;

  /** Bytes of native memory held. */
  public synchronized long sizeBytes() {
    return bytes;
  }

  synchronized Buffer packed(Object base, String derivation, Layout layout, Supplier<Tensor> make) {
    return packed.computeIfAbsent(
        new Key(base, derivation, layout), key -> new Buffer(pack(make.get(), layout)));
  }

  /** What a Java kernel makes of a constant, once for all plans. */
  synchronized Object made(Tensor base, String derivation, Supplier<?> make) {
    return made.computeIfAbsent(base, key -> new HashMap<>())
        .computeIfAbsent(derivation, key -> make.get());
  }

  /** A small tensor in row-major order; equal tensors share their memory. */
  synchronized Buffer small(Tensor tensor) {
    return small.computeIfAbsent(
        tensor, t -> new Buffer(pack(t, Layout.rowMajor(t.type(), t.shape()))));
  }

  private Memory pack(Tensor tensor, Layout layout) {
    Memory plain = new Memory(tensor.sizeBytes());
    tensor.copyTo(plain.buffer(0, plain.sizeBytes()));
    Layout from = Layout.rowMajor(tensor.type(), tensor.shape());
    if (from.equals(layout)) {
      bytes += plain.sizeBytes();
      return plain;
    }
    Memory result = new Memory(layout.sizeBytes());
    try (plain;
        Primitive reorder = Primitives.reorder(from, layout, new Attributes());
        Memory scratch = new Memory(reorder.scratchpad().sizeBytes());
        Stream stream = new Stream();
        Call call = new Call(reorder, stream, arguments(reorder, plain, result, scratch))) {
      call.run();
    } catch (RuntimeException failed) {
      result.close();
      throw failed;
    }
    bytes += result.sizeBytes();
    return result;
  }

  private static List<Call.Argument> arguments(
      Primitive reorder, Memory from, Memory to, Memory scratch) {
    List<Call.Argument> arguments = new ArrayList<>();
    arguments.add(new Call.Argument(Args.SRC, reorder.layout(Args.SRC), from, 0));
    arguments.add(new Call.Argument(Args.DST, reorder.layout(Args.DST), to, 0));
    if (scratch.sizeBytes() > 0) {
      arguments.add(new Call.Argument(Args.SCRATCHPAD, reorder.scratchpad(), scratch, 0));
    }
    return arguments;
  }

  /** The reals that {@code integers} mean. */
  static Tensor dequantize(Tensor integers, Quantization q) {
    long[] dims = integers.shape();
    int run = 1;
    for (int i = q.axis() + 1; !q.isPerTensor() && i < dims.length; i++) {
      run *= (int) dims[i];
    }
    int inner = run;
    return Tensor.computed(
        reals -> {
          ByteBuffer bytes = integers.data();
          long[] wide = q.isByte() ? new long[0] : integers.toLongs();
          for (int i = 0; reals.hasRemaining(); i++) {
            int c = q.isPerTensor() ? 0 : i / inner % q.scales().length;
            long code = q.isByte() ? Coded.integer(integers, bytes, i) : wide[i];
            reals.put((code - q.zeroPoints()[c]) * q.scales()[c]);
          }
        },
        dims);
  }

  @Override
  public synchronized void close() {
    packed.values().forEach(Constants::free);
    small.values().forEach(Constants::free);
    packed.clear();
    small.clear();
    made.clear();
    bytes = 0;
  }

  private static void free(Buffer buffer) {
    if (buffer.constant != null) {
      buffer.constant.close();
    }
  }
}
