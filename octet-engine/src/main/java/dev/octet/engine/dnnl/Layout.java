package dev.octet.engine.dnnl;

import dev.octet.graph.DataType;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.bytedeco.dnnl.memory;
import org.bytedeco.javacpp.PointerScope;
import org.jspecify.annotations.Nullable;

/**
 * How a tensor lies in memory: element type, dimensions, and where each element is. Immutable and
 * thread-safe.
 *
 * <p>Types that oneDNN does not compute with (64-bit integers, booleans, doubles) are always in
 * row-major order; Java kernels move them.
 */
public final class Layout {
  private final DataType type;
  private final long[] dims;
  private final long sizeBytes;
  private final memory.@Nullable desc form;
  private @Nullable String text;

  private Layout(DataType type, long[] dims, memory.@Nullable desc form) {
    this.type = type;
    this.dims = dims;
    this.form = form;
    this.sizeBytes = form == null ? type.sizeBytes(count(dims)) : isAny(form) ? 0 : form.get_size();
  }

  /** Wraps a descriptor that oneDNN made, copying it. */
  static Layout of(memory.desc chosen) {
    try (PointerScope scope = new PointerScope()) {
      int rank = chosen.get_ndims();
      long[] dims = new long[rank];
      chosen.get_dims().get(dims);
      DataType type = Native.typeOf(chosen.get_data_type());
      return new Layout(type, dims, Native.own(new memory.desc(chosen)));
    }
  }

  /** Row-major order; no dimensions make a scalar. */
  public static Layout rowMajor(DataType type, long... dims) {
    long[] strides = new long[dims.length];
    long step = 1;
    for (int i = dims.length - 1; i >= 0; i--) {
      strides[i] = step;
      step = Math.multiplyExact(step, Math.max(dims[i], 1));
    }
    return strided(type, dims, strides);
  }

  /**
   * Channels innermost: {@code N, spatial..., C} in memory for dimensions {@code N, C, spatial}.
   */
  public static Layout channelsLast(DataType type, long... dims) {
    if (dims.length < 3) {
      return rowMajor(type, dims);
    }
    long[] strides = new long[dims.length];
    strides[1] = 1;
    long step = dims[1];
    for (int i = dims.length - 1; i >= 2; i--) {
      strides[i] = step;
      step = Math.multiplyExact(step, Math.max(dims[i], 1));
    }
    strides[0] = step;
    return strided(type, dims, strides);
  }

  /** Element {@code i} at the sum of {@code i[d] * strides[d]}, in elements. */
  public static Layout strided(DataType type, long[] dims, long[] strides) {
    memory.data_type nativeType = Native.typeOf(type);
    long[] own = dims.clone();
    if (nativeType == null || dims.length > 12 || count(own) == 0) {
      return new Layout(type, own, null);
    }
    try (PointerScope scope = new PointerScope()) {
      // A scalar is one element of one dimension to oneDNN.
      memory.desc form =
          own.length == 0
              ? new memory.desc(new long[] {1}, nativeType, new long[] {1})
              : new memory.desc(own, nativeType, strides);
      return new Layout(type, own, Native.own(form));
    }
  }

  /** A layout that a primitive is to choose; it has no size until then. */
  public static Layout any(DataType type, long... dims) {
    memory.data_type nativeType = Native.typeOf(type);
    if (nativeType == null) {
      throw new DnnlException("oneDNN does not compute with " + type);
    }
    try (PointerScope scope = new PointerScope()) {
      memory.desc form = new memory.desc(dims, nativeType, memory.format_tag.any);
      return new Layout(type, dims.clone(), Native.own(form));
    }
  }

  /** The element type. */
  public DataType type() {
    return type;
  }

  /** A copy of the dimensions. */
  public long[] dims() {
    return dims.clone();
  }

  /** Number of dimensions. */
  public int rank() {
    return dims.length;
  }

  /** The size of dimension {@code axis}. */
  public long dim(int axis) {
    return dims[axis];
  }

  /** Number of elements, padding not counted. */
  public long elements() {
    return count(dims);
  }

  /** Bytes that it takes, padding counted; 0 for {@link #any}. */
  public long sizeBytes() {
    return sizeBytes;
  }

  /** Whether elements lie in row-major order without gaps. */
  public boolean isRowMajor() {
    return form == null || equals(rowMajor(type, dims));
  }

  /** The same order and dimensions with elements of another type; blocked layouts excepted. */
  public Layout withType(DataType other) {
    if (other == type) {
      return this;
    }
    if (form == null) {
      return rowMajor(other, dims);
    }
    try (PointerScope scope = new PointerScope()) {
      memory.data_type nativeType = Native.typeOf(other);
      if (nativeType == null || form.get_inner_nblks() > 0) {
        return rowMajor(other, dims);
      }
      return strided(other, dims, strides());
    }
  }

  /** The same bytes under other dimensions, or null where the order in memory does not allow it. */
  public @Nullable Layout reshaped(long... newDims) {
    if (form == null || newDims.length == 0) {
      return isRowMajor() ? rowMajor(type, newDims) : null;
    }
    if (isRowMajor()) {
      return rowMajor(type, newDims);
    }
    try (PointerScope scope = new PointerScope()) {
      memory.desc changed = form.reshape(newDims, true);
      return isRefused(changed) ? null : of(changed);
    }
  }

  /** The same bytes with dimension {@code i} of the result being dimension {@code order[i]}. */
  public @Nullable Layout permuted(int... order) {
    if (form == null || rank() == 0) {
      return null;
    }
    int[] inverse = new int[order.length];
    for (int i = 0; i < order.length; i++) {
      inverse[order[i]] = i;
    }
    try (PointerScope scope = new PointerScope()) {
      memory.desc changed = form.permute_axes(inverse, true);
      return isRefused(changed) ? null : of(changed);
    }
  }

  /**
   * The part that starts at {@code offsets} and has {@code newDims}, or null where blocks forbid.
   */
  public @Nullable Layout part(long[] offsets, long[] newDims) {
    if (form == null) {
      return null;
    }
    try (PointerScope scope = new PointerScope()) {
      memory.desc changed = form.submemory_desc(newDims, offsets, true);
      return isRefused(changed) ? null : of(changed);
    }
  }

  /** Strides in elements, of the blocks where there are any. */
  public long[] strides() {
    long[] strides = new long[rank()];
    if (form == null) {
      long step = 1;
      for (int i = dims.length - 1; i >= 0; i--) {
        strides[i] = step;
        step *= Math.max(dims[i], 1);
      }
      return strides;
    }
    try (PointerScope scope = new PointerScope()) {
      if (rank() > 0) {
        form.get_strides().get(strides);
      }
    }
    return strides;
  }

  /** Whether some dimension is split into blocks, or the order is known to oneDNN alone. */
  public boolean isBlocked() {
    try (PointerScope scope = new PointerScope()) {
      return form != null
          && !isAny(form)
          && (form.get_format_kind().intern() != memory.format_kind.blocked
              || form.get_inner_nblks() > 0);
    }
  }

  /** Whether oneDNN's primitives can work on it. */
  public boolean isNative() {
    return form != null;
  }

  memory.desc desc() {
    if (form == null) {
      throw new DnnlException("oneDNN does not compute with " + type + Arrays.toString(dims));
    }
    return form;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    if (!(other instanceof Layout that) || that.type != type || !Arrays.equals(that.dims, dims)) {
      return false;
    }
    memory.desc theirs = that.form;
    return form == null ? theirs == null : theirs != null && form.equals(theirs);
  }

  @Override
  public int hashCode() {
    return 31 * type.hashCode() + Arrays.hashCode(dims);
  }

  /** As oneDNN writes it: {@code acdb} is channels-last, capitals are split into blocks. */
  @Override
  public String toString() {
    String known = text;
    if (known == null) {
      known = type + Arrays.toString(dims) + (rank() == 0 ? "" : ":" + order());
      text = known;
    }
    return known;
  }

  /** The order of dimensions in memory, outermost first, as oneDNN's format tags write it. */
  public String order() {
    if (form == null) {
      return "row-major";
    }
    try (PointerScope scope = new PointerScope()) {
      if (isAny(form)) {
        return "any";
      }
      if (form.get_format_kind().intern() != memory.format_kind.blocked) {
        return "packed";
      }
      int blocks = form.get_inner_nblks();
      long[] sizes = new long[blocks];
      long[] axes = new long[blocks];
      if (blocks > 0) {
        form.get_inner_blks().get(sizes);
        form.get_inner_idxs().get(axes);
      }
      long[] strides = strides();
      StringBuilder name = new StringBuilder();
      IntStream.range(0, rank())
          .boxed()
          .sorted((a, b) -> Long.compare(strides[b], strides[a]))
          .forEach(
              axis ->
                  name.append(
                      (char) ((Arrays.stream(axes).anyMatch(a -> a == axis) ? 'A' : 'a') + axis)));
      for (int i = 0; i < blocks; i++) {
        name.append(sizes[i]).append((char) ('a' + (int) axes[i]));
      }
      return name.toString();
    }
  }

  /** oneDNN's answer where blocks do not allow a change. */
  private static boolean isRefused(memory.desc changed) {
    return changed.isNull() || changed.get(true) == null;
  }

  private static boolean isAny(memory.desc form) {
    return form.get_format_kind().intern() == memory.format_kind.any;
  }

  private static long count(long[] dims) {
    long product = 1;
    for (long dim : dims) {
      if (dim < 0) {
        throw new DnnlException("a tensor of " + Arrays.toString(dims) + " has a negative size");
      }
      product = Math.multiplyExact(product, dim);
    }
    return product;
  }
}
