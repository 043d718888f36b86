package dev.octet.graph.fold;

import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/** Slice, with its bounds as attributes (before opset 10) or inputs, and steps of either sign. */
final class SliceKernel {

  private SliceKernel() {}

  static Tensor slice(Node node, List<@Nullable Tensor> inputs) {
    Tensor in = Layout.required(inputs, 0);
    boolean attributes = inputs.size() == 1;
    long[] starts = list(node, inputs, "starts", 1, attributes, new long[0]);
    long[] ends = list(node, inputs, "ends", 2, attributes, new long[0]);
    long[] everyAxis = LongStream.range(0, starts.length).toArray();
    long[] axes = list(node, inputs, "axes", 3, attributes, everyAxis);
    long[] ones = new long[starts.length];
    Arrays.fill(ones, 1);
    long[] steps = list(node, inputs, "steps", 4, attributes, ones);
    if (ends.length != starts.length
        || axes.length != starts.length
        || steps.length != starts.length) {
      throw new CannotFold("starts, ends, axes and steps differ in length");
    }
    long[] shape = in.shape();
    long[] strides = Layout.strides(shape);
    long offset = 0;
    for (int i = 0; i < starts.length; i++) {
      int axis = Layout.axis(axes[i], in.rank());
      long length = in.dim(axis);
      long start = counted(starts[i], length);
      long end = counted(ends[i], length);
      long step = steps[i];
      if (step == 0) {
        throw new CannotFold("step is 0");
      }
      if (step > 0) {
        start = clamp(start, 0, length);
        end = clamp(end, 0, length);
        shape[axis] = start >= end ? 0 : (end - start - 1) / step + 1;
      } else {
        start = clamp(start, -1, length - 1);
        end = clamp(end, -1, length - 1);
        // -step overflows for the smallest long; every magnitude beyond the length is the same
        long back = step < -length ? Math.max(1, length) : -step;
        shape[axis] = end >= start ? 0 : (start - end - 1) / back + 1;
      }
      if (shape[axis] > 0) {
        offset += start * strides[axis];
      }
      strides[axis] = shape[axis] > 1 ? strides[axis] * step : 0;
    }
    return MovingKernels.view(in, shape, offset, strides, inputs);
  }

  private static long counted(long index, long length) {
    return index < 0 ? index + length : index;
  }

  private static long clamp(long value, long low, long high) {
    return Math.max(low, Math.min(high, value));
  }

  private static long[] list(
      Node node,
      List<@Nullable Tensor> inputs,
      String name,
      int index,
      boolean attributes,
      long[] otherwise) {
    if (attributes) {
      return node.attribute(name) == null
          ? otherwise
          : node.intsAttribute(name, List.of()).stream().mapToLong(v -> v).toArray();
    }
    Tensor given = Layout.optional(inputs, index);
    return given == null ? otherwise : given.toLongs();
  }
}
