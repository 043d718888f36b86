package dev.octet.torch.nn;

import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.op.TraceException;
import dev.octet.torch.op.Tracer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/** Packs padded sequences and pads packed ones; gradients flow through both. */
public final class PackedSequences {
  /**
   * Sequences of one length.
   *
   * @param data [time, batch, features...], or [batch, time, features...] if asked for
   * @param lengths of each sequence of the batch
   */
  public record Padded(Tensor data, List<Long> lengths) {}

  private PackedSequences() {}

  /**
   * Leaves the padding out.
   *
   * @param padded [time, batch, features...], or [batch, time, features...] if {@code batchFirst}
   * @param lengths of each sequence of the batch: 1 to {@code time}
   * @param enforceSorted whether lengths must already fall; otherwise sequences are sorted, and
   *     what is computed on them comes back in the order of the batch
   * @return its data belongs to the scope around the call
   * @throws IllegalArgumentException if lengths do not fit
   * @throws TraceException if a trace runs: lengths are data, which a graph cannot depend on
   */
  public static PackedSequence pack(
      Tensor padded, long[] lengths, boolean batchFirst, boolean enforceSorted) {
    Tensors.check(padded, "the padded sequences");
    refuseTrace();
    long[] shape = Tensors.shape(padded);
    if (shape.length < 2) {
      throw new IllegalArgumentException(
          "the padded sequences are "
              + Tensors.describe(padded)
              + ", not of at least 2 dimensions");
    }
    long time = shape[batchFirst ? 1 : 0];
    int batch = Math.toIntExact(shape[batchFirst ? 0 : 1]);
    if (lengths.length != batch || batch == 0) {
      throw new IllegalArgumentException(
          lengths.length + " lengths for " + batch + " sequences; give one each, and at least one");
    }
    for (int i = 0; i < batch; i++) {
      if (lengths[i] < 1 || lengths[i] > time) {
        throw new IllegalArgumentException(
            "sequence " + i + " has a length of " + lengths[i] + "; choose 1 to " + time);
      }
      if (enforceSorted && i > 0 && lengths[i] > lengths[i - 1]) {
        throw new IllegalArgumentException(
            "sequence "
                + i
                + " is longer than the one before it; sort the sequences, longest first, or do"
                + " not enforce it");
      }
    }
    int[] order =
        IntStream.range(0, batch)
            .boxed()
            .sorted(Comparator.comparingLong(i -> -lengths[i]))
            .mapToInt(Integer::intValue)
            .toArray();
    List<Long> batchSizes = new ArrayList<>();
    long[] rows = new long[Math.toIntExact(Arrays.stream(lengths).sum())];
    int row = 0;
    for (long step = 0; step < lengths[order[0]]; step++) {
      int first = row;
      for (int i = 0; i < batch && lengths[order[i]] > step; i++) {
        rows[row++] = step * batch + order[i];
      }
      batchSizes.add((long) (row - first));
    }
    try (Scope scope = Scope.open()) {
      Tensor timeFirst = batchFirst ? padded.transpose(0, 1) : padded;
      Tensor data = timeFirst.flatten(0, 1).index_select(0, Tensors.of(rows, rows.length));
      PackedSequence packed =
          enforceSorted
              ? new PackedSequence(data, batchSizes, null, null)
              : new PackedSequence(data, batchSizes, boxed(order), inverse(order));
      scope.give(data);
      return packed;
    }
  }

  /**
   * Puts padding behind the shorter sequences, in the order of the batch.
   *
   * @param paddingValue what the padding holds
   * @return its data belongs to the scope around the call; it is as long as the longest sequence
   * @throws TraceException if a trace runs
   */
  public static Padded pad(PackedSequence packed, boolean batchFirst, double paddingValue) {
    refuseTrace();
    Tensor data = Tensors.check(packed.data(), "the packed data");
    int batch = Math.toIntExact(packed.batch());
    int time = packed.batchSizes().size();
    List<Long> places = packed.unsortedIndices();
    long padding = data.size(0);
    long[] rows = new long[Math.multiplyExact(time, batch)];
    Long[] lengths = new Long[batch];
    for (int i = 0; i < batch; i++) {
      long place = places == null ? i : places.get(i);
      long start = 0;
      long length = 0;
      for (int step = 0; step < time; step++) {
        boolean there = place < packed.batchSizes().get(step);
        rows[step * batch + i] = there ? start + place : padding;
        length += there ? 1 : 0;
        start += packed.batchSizes().get(step);
      }
      lengths[i] = length;
    }
    try (Scope scope = Scope.open()) {
      long[] shape = Tensors.shape(data);
      long[] one = shape.clone();
      one[0] = 1;
      Tensor empty =
          torch.full(one, new Scalar(paddingValue), new TensorOptions(Tensors.type(data)));
      Tensor all = torch.cat(new TensorVector(data, empty), 0);
      long[] full = new long[shape.length + 1];
      full[0] = time;
      full[1] = batch;
      System.arraycopy(shape, 1, full, 2, shape.length - 1);
      Tensor padded = all.index_select(0, Tensors.of(rows, rows.length)).reshape(full);
      return new Padded(scope.give(batchFirst ? padded.transpose(0, 1) : padded), List.of(lengths));
    }
  }

  private static void refuseTrace() {
    if (Tracer.current() != null) {
      throw new TraceException(
          "a trace cannot follow packed sequences: their lengths are data; trace with padded"
              + " input");
    }
  }

  private static List<Long> boxed(int[] order) {
    return Arrays.stream(order).mapToObj(i -> (long) i).toList();
  }

  private static List<Long> inverse(int[] order) {
    Long[] inverse = new Long[order.length];
    for (int i = 0; i < order.length; i++) {
      inverse[order[i]] = (long) i;
    }
    return List.of(inverse);
  }
}
