package dev.octet.torch.graph;

import static java.util.Map.entry;

import dev.octet.torch.Tensors;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.T_TensorTensor_T;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** Operators that make one element of many. */
final class Reductions {
  static final Map<String, Kernel> KERNELS =
      Map.<String, Kernel>ofEntries(
          reduce("ReduceSum", Reductions::sum),
          reduce("ReduceMean", (x, axes, keep) -> x.mean(axes, keep, Pooling.none())),
          reduce("ReduceMax", torch::amax),
          reduce("ReduceMin", torch::amin),
          reduce("ReduceProd", Reductions::product),
          reduce("ReduceL1", (x, axes, keep) -> sum(x.abs(), axes, keep)),
          reduce("ReduceL2", (x, axes, keep) -> sum(x.square(), axes, keep).sqrt()),
          reduce("ReduceSumSquare", (x, axes, keep) -> sum(x.square(), axes, keep)),
          reduce("ReduceLogSum", (x, axes, keep) -> sum(x, axes, keep).log()),
          reduce("ReduceLogSumExp", torch::logsumexp),
          entry("ArgMax", Kernel.of(c -> arg(c, true))),
          entry("ArgMin", Kernel.of(c -> arg(c, false))),
          entry("TopK", Kernel.several(Reductions::topK)),
          entry("CumSum", Kernel.of(Reductions::cumulativeSum)));

  private interface Reduction {
    Tensor apply(Tensor x, long[] axes, boolean keep);
  }

  private Reductions() {}

  private static Map.Entry<String, Kernel> reduce(String op, Reduction body) {
    return entry(op, Kernel.of(c -> reduce(c, body)));
  }

  private static Tensor reduce(Call c, Reduction body) {
    Tensor x = c.in(0);
    long[] axes = c.integers("axes", 1);
    int rank = Tensors.shape(x).length;
    if (axes == null || axes.length == 0) {
      if (c.integer("noop_with_empty_axes", 0) != 0) {
        return x;
      }
      axes = new long[rank];
      Arrays.setAll(axes, i -> i);
    }
    boolean keep = c.integer("keepdims", 1) != 0;
    return rank == 0 ? body.apply(x.reshape(1), new long[] {0}, false) : body.apply(x, axes, keep);
  }

  private static Tensor sum(Tensor x, long[] axes, boolean keep) {
    return x.sum(axes, keep, new org.bytedeco.pytorch.ScalarTypeOptional(Tensors.type(x)));
  }

  private static Tensor product(Tensor x, long[] axes, boolean keep) {
    int rank = Tensors.shape(x).length;
    Tensor result = x;
    int[] sorted = Arrays.stream(axes).mapToInt(axis -> Call.axis(axis, rank)).sorted().toArray();
    for (int i = sorted.length - 1; i >= 0; i--) {
      result =
          torch.prod(
              result,
              sorted[i],
              keep,
              new org.bytedeco.pytorch.ScalarTypeOptional(Tensors.type(x)));
    }
    return result;
  }

  private static Tensor arg(Call c, boolean largest) {
    Tensor x = c.in(0);
    int axis = Call.axis(c.integer("axis", 0), Tensors.shape(x).length);
    boolean keep = c.integer("keepdims", 1) != 0;
    boolean last = c.integer("select_last_index", 0) != 0;
    Tensor seen = last ? x.flip(axis) : x;
    Tensor found =
        largest
            ? torch.argmax(seen, new LongOptional(axis), keep)
            : torch.argmin(seen, new LongOptional(axis), keep);
    return last ? found.neg().add(new Scalar(x.size(axis) - 1)) : found;
  }

  private static List<Tensor> topK(Call c) {
    long count = c.has(1) ? c.longs(1)[0] : c.integer("k", 1);
    T_TensorTensor_T found =
        c.in(0)
            .topk(
                count,
                c.integer("axis", -1),
                c.integer("largest", 1) != 0,
                c.integer("sorted", 1) != 0);
    // The handles of a tuple point into it: copies outlive it.
    return List.of(new Tensor(found.get0()), new Tensor(found.get1()));
  }

  private static Tensor cumulativeSum(Call c) {
    Tensor x = c.in(0);
    int axis = Call.axis(c.longs(1)[0], Tensors.shape(x).length);
    boolean reverse = c.integer("reverse", 0) != 0;
    Tensor along = reverse ? x.flip(axis) : x;
    Tensor sums = torch.cumsum(along, axis);
    if (c.integer("exclusive", 0) != 0) {
      sums = sums.sub(along);
    }
    return reverse ? sums.flip(axis) : sums;
  }
}
