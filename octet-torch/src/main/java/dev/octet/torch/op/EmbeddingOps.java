package dev.octet.torch.op;

import dev.octet.graph.NodeSpec;
import dev.octet.graph.Value;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import java.util.OptionalLong;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/** Rows of a table by number, one by one or reduced over bags. */
public final class EmbeddingOps {
  /** How the rows of a bag become one. */
  public enum Reduction {
    /** Their sum. */
    SUM(0),
    /** Their mean. */
    MEAN(1),
    /** The largest of each feature. */
    MAX(2);

    private final long code; // LibTorch's

    Reduction(long code) {
      this.code = code;
    }
  }

  // A row scaled to the limit may miss it by rounding.
  private static final double NORM_TOLERANCE = 1 + 1e-6;

  private EmbeddingOps() {}

  /**
   * The rows that indices name.
   *
   * @param indices of type Long or Int, any shape, each 0 to rows - 1
   * @param weight [rows, features]
   * @param paddingIdx a row that gets no gradient
   * @param scaleGradByFreq whether a row's gradient is divided by how often the row was named
   * @param sparse whether the weight's gradient is a sparse tensor
   * @return [shape of the indices, features]
   * @throws IllegalArgumentException if the types do not fit or an index is out of range
   */
  public static Tensor embedding(
      Tensor indices,
      Tensor weight,
      OptionalLong paddingIdx,
      boolean scaleGradByFreq,
      boolean sparse) {
    check(indices, weight);
    return Tracer.track(
        torch.embedding(weight, indices, paddingIdx.orElse(-1), scaleGradByFreq, sparse),
        tracer -> {
          Value table = tracer.value(weight, "the table of an embedding");
          Value at = tracer.value(indices, "the indices of an embedding");
          return tracer.add(NodeSpec.of("Gather").reads(table, at).with("axis", 0));
        });
  }

  /**
   * Scales rows down, in place and without a gradient, whose norm is above a limit: those that
   * indices name; in a trace all, because its graph holds the table for every index.
   *
   * @param maxNorm the limit, above 0
   * @param normType the p of the norm
   */
  public static void renorm(Tensor weight, Tensor indices, double maxNorm, double normType) {
    check(indices, weight);
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      Tensor rows = indices;
      if (Tracer.current() != null) {
        Tensor norms = weight.norm(new ScalarOptional(new Scalar(normType)), new long[] {1}, false);
        if (!(norms.max().item_double() > maxNorm * NORM_TOLERANCE)) {
          return; // A table that the graph holds already must stay as it is.
        }
        rows = torch.arange(new Scalar(weight.size(0)));
      }
      torch.embedding_renorm_(weight, rows.contiguous(), maxNorm, normType);
    }
  }

  /**
   * One row for each bag of indices.
   *
   * @param indices of type Long or Int: [bags, size], or [all] with offsets
   * @param offsets where each bag starts in one-dimensional indices, the first at 0, never falling
   * @param includeLastOffset whether offsets end with the number of indices, which starts no bag
   * @param weight [rows, features]
   * @param perSampleWeights what each row is multiplied by, of the shape of the indices; for sums
   * @param paddingIdx a row that is left out of its bag and gets no gradient
   * @return [bags, features]; zeros for an empty bag
   * @throws IllegalArgumentException if shapes or types do not fit, or an index or offset is out of
   *     range
   * @throws TraceException if a trace runs and there are offsets: lengths of bags are data
   */
  public static Tensor bag(
      Tensor indices,
      @Nullable Tensor offsets,
      boolean includeLastOffset,
      Tensor weight,
      @Nullable Tensor perSampleWeights,
      Reduction reduction,
      OptionalLong paddingIdx,
      boolean scaleGradByFreq,
      boolean sparse) {
    check(indices, weight);
    checkRange(indices, weight.size(0));
    checkBags(indices, offsets, includeLastOffset);
    if (perSampleWeights != null) {
      checkSamples(perSampleWeights, indices, weight, reduction);
    }
    try (Scope scope = Scope.open()) {
      if (Tracer.current() != null) {
        if (offsets != null) {
          throw new TraceException(
              "a trace cannot follow an EmbeddingBag with offsets: the lengths of its bags are"
                  + " data; give bags of one length as [bags, size]");
        }
        return scope.give(tracked(indices, weight, perSampleWeights, reduction, paddingIdx));
      }
      Tensor flat = indices.to(ScalarType.Long).reshape(-1);
      boolean even = offsets == null;
      Tensor starts =
          offsets == null
              ? evenOffsets(indices.size(0), indices.size(1))
              : offsets.to(ScalarType.Long);
      Tensor output =
          torch
              .embedding_bag(
                  weight,
                  flat,
                  starts.contiguous(),
                  scaleGradByFreq,
                  reduction.code,
                  sparse,
                  perSampleWeights == null
                      ? new TensorOptional()
                      : new TensorOptional(perSampleWeights.reshape(-1)),
                  !even && includeLastOffset,
                  paddingIdx.isPresent()
                      ? new LongOptional(paddingIdx.getAsLong())
                      : new LongOptional())
              .get0();
      // The element lies in the tuple's memory, which ends with the scope.
      return scope.give(new Tensor(output));
    }
  }

  private static Tensor evenOffsets(long bags, long size) {
    long[] starts = new long[Math.toIntExact(bags)];
    for (int i = 0; i < starts.length; i++) {
      starts[i] = i * size;
    }
    return Tensors.of(starts, starts.length);
  }

  /** Bags of one length, from tracked operations. */
  private static Tensor tracked(
      Tensor indices,
      Tensor weight,
      @Nullable Tensor perSampleWeights,
      Reduction reduction,
      OptionalLong paddingIdx) {
    Tensor table = embedding(indices, weight, OptionalLong.empty(), false, false);
    return reduce(indices, table, perSampleWeights, reduction, paddingIdx);
  }

  /**
   * One row for each bag of rows that are at hand, from tracked operations.
   *
   * @param indices which row each is: [bags, size]
   * @param taken the rows themselves: [bags, size, features]
   * @param perSampleWeights what each row is multiplied by, [bags, size]
   * @param paddingIdx a row that is left out of its bag
   * @return [bags, features]
   */
  public static Tensor reduce(
      Tensor indices,
      Tensor taken,
      @Nullable Tensor perSampleWeights,
      Reduction reduction,
      OptionalLong paddingIdx) {
    Tensor rows = taken;
    if (perSampleWeights != null) {
      rows = Ops.mul(rows, Ops.unsqueeze(perSampleWeights, 2));
    }
    if (paddingIdx.isEmpty()) {
      return switch (reduction) {
        case SUM -> Ops.sum(rows, 1);
        case MEAN -> Ops.mean(rows, 1);
        case MAX -> Ops.amax(rows, 1);
      };
    }
    Tensor left = isPadding(indices, paddingIdx.getAsLong());
    Tensor there = Ops.sub(1, Ops.to(left, Tensors.type(rows)));
    Tensor count = Ops.sum(there, true, 1);
    if (reduction == Reduction.MAX) {
      Tensor most =
          Ops.amax(Ops.maskedFill(rows, Ops.unsqueeze(left, 2), Double.NEGATIVE_INFINITY), 1);
      // A bag of padding alone has no largest row: it is zero.
      return Ops.maskedFill(most, isPadding(count, 0), 0);
    }
    Tensor sum = Ops.sum(Ops.mul(rows, Ops.unsqueeze(there, 2)), 1);
    return reduction == Reduction.SUM
        ? sum
        : Ops.div(sum, Ops.clamp(count, 1, Double.POSITIVE_INFINITY));
  }

  private static Tensor isPadding(Tensor x, long value) {
    try (Scope scope = Scope.open()) {
      return scope.give(
          Tracer.track(
              x.eq(new Scalar(value)),
              tracer -> {
                Value constant =
                    tracer.constant(
                        Tensors.toHost(
                            torch.full(
                                new long[0],
                                new Scalar(value),
                                new org.bytedeco.pytorch.TensorOptions(Tensors.type(x)))));
                return tracer.add(
                    NodeSpec.of("Equal").reads(tracer.value(x, "what is compared"), constant));
              }));
    }
  }

  private static void check(Tensor indices, Tensor weight) {
    Tensors.check(indices, "the indices");
    Tensors.check(weight, "the table");
    ScalarType type = Tensors.type(indices);
    if (type != ScalarType.Long && type != ScalarType.Int) {
      throw new IllegalArgumentException(
          "the indices are " + Tensors.describe(indices) + "; they must be Long or Int");
    }
    if (weight.dim() != 2 || !weight.is_floating_point()) {
      throw new IllegalArgumentException(
          "the table is " + Tensors.describe(weight) + ", not floats of [rows, features]");
    }
  }

  /** LibTorch checks indices itself when it takes rows, but not in every way it sums bags. */
  private static void checkRange(Tensor indices, long rows) {
    if (indices.numel() == 0) {
      return;
    }
    try (Scope scope = Scope.open()) {
      long least = indices.min().item_long();
      long most = indices.max().item_long();
      if (least < 0 || most >= rows) {
        throw new IllegalArgumentException(
            "index " + (least < 0 ? least : most) + " is out of range; choose 0 to " + (rows - 1));
      }
    }
  }

  private static void checkBags(
      Tensor indices, @Nullable Tensor offsets, boolean includeLastOffset) {
    if (offsets == null) {
      if (indices.dim() != 2) {
        throw new IllegalArgumentException(
            "the indices are "
                + Tensors.describe(indices)
                + "; give [bags, size], or one dimension with offsets");
      }
      return;
    }
    Tensors.check(offsets, "the offsets");
    ScalarType type = Tensors.type(offsets);
    if (indices.dim() != 1
        || offsets.dim() != 1
        || (type != ScalarType.Long && type != ScalarType.Int)) {
      throw new IllegalArgumentException(
          "with offsets, indices and offsets have one dimension and offsets are Long or Int; they"
              + " are "
              + Tensors.describe(indices)
              + " and "
              + Tensors.describe(offsets));
    }
    long[] starts = Tensors.toLongs(offsets);
    long count = indices.numel();
    if (includeLastOffset && (starts.length == 0 || starts[starts.length - 1] != count)) {
      throw new IllegalArgumentException("the last offset must be the number of indices, " + count);
    }
    for (int i = 0; i < starts.length; i++) {
      boolean first = i == 0 && starts[i] != 0;
      if (first || starts[i] > count || (i > 0 && starts[i] < starts[i - 1])) {
        throw new IllegalArgumentException(
            "offset "
                + i
                + " is "
                + starts[i]
                + "; offsets start at 0, never fall, and end at most at "
                + count);
      }
    }
  }

  private static void checkSamples(
      Tensor perSampleWeights, Tensor indices, Tensor weight, Reduction reduction) {
    Tensors.check(perSampleWeights, "the weights of samples");
    if (reduction != Reduction.SUM) {
      throw new IllegalArgumentException(
          "weights of samples work with sums, not with " + reduction);
    }
    if (!java.util.Arrays.equals(Tensors.shape(perSampleWeights), Tensors.shape(indices))
        || Tensors.type(perSampleWeights) != Tensors.type(weight)) {
      throw new IllegalArgumentException(
          "the weights of samples are "
              + Tensors.describe(perSampleWeights)
              + "; they have the shape of the indices, "
              + Tensors.describe(indices)
              + ", and the type of the table, "
              + Tensors.type(weight));
    }
  }
}
