package dev.octet.graph.fold;

import dev.octet.graph.Attribute;
import dev.octet.graph.DataType;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/** Kernels that move elements without computing: they take every type of whole bytes. */
final class MovingKernels {

  private MovingKernels() {}

  static Tensor reshape(Node node, List<@Nullable Tensor> inputs) {
    Tensor in = Layout.required(inputs, 0);
    long[] target = Layout.required(inputs, 1).toLongs();
    boolean zeroIsZero = node.intAttribute("allowzero", 0) != 0;
    int open = -1;
    long rest = 1;
    for (int i = 0; i < target.length; i++) {
      if (target[i] == 0 && !zeroIsZero) {
        target[i] = in.dim(i);
      }
      if (target[i] == -1) {
        open = i;
      } else {
        rest = Math.multiplyExact(rest, target[i]);
      }
    }
    if (open >= 0) {
      if (rest == 0) {
        throw new CannotFold("dimension -1 has no size beside a 0");
      }
      target[open] = in.elementCount() / rest;
    }
    return in.reshape(target);
  }

  static Tensor squeeze(Node node, List<@Nullable Tensor> inputs) {
    Tensor in = Layout.required(inputs, 0);
    List<Long> axes = axes(node, inputs);
    List<Integer> gone = axes.stream().map(a -> Layout.axis(a, in.rank())).toList();
    List<Long> shape = new ArrayList<>();
    for (int i = 0; i < in.rank(); i++) {
      boolean drop = axes.isEmpty() ? in.dim(i) == 1 : gone.contains(i);
      if (!drop) {
        shape.add(in.dim(i));
      }
    }
    return in.reshape(shape.stream().mapToLong(d -> d).toArray());
  }

  static Tensor unsqueeze(Node node, List<@Nullable Tensor> inputs) {
    Tensor in = Layout.required(inputs, 0);
    List<Long> axes = axes(node, inputs);
    int rank = in.rank() + axes.size();
    List<Long> shape = new ArrayList<>(LongStream.of(in.shape()).boxed().toList());
    TreeSet<Integer> sorted = new TreeSet<>();
    axes.forEach(a -> sorted.add(Layout.axis(a, rank)));
    sorted.forEach(a -> shape.add(a, 1L));
    return in.reshape(shape.stream().mapToLong(d -> d).toArray());
  }

  static Tensor transpose(Node node, List<@Nullable Tensor> inputs) {
    Tensor in = Layout.required(inputs, 0);
    int rank = in.rank();
    List<Long> backwards = LongStream.range(0, rank).map(i -> rank - 1 - i).boxed().toList();
    List<Long> perm = node.intsAttribute("perm", backwards);
    if (!perm.stream().sorted().toList().equals(LongStream.range(0, rank).boxed().toList())) {
      throw new CannotFold("perm " + perm + " does not order " + rank + " axes");
    }
    long[] own = Layout.strides(in.shape());
    long[] shape = perm.stream().mapToLong(p -> in.dim(p.intValue())).toArray();
    long[] strides = perm.stream().mapToLong(p -> own[p.intValue()]).toArray();
    return view(in, shape, 0, strides, inputs);
  }

  static Tensor expand(Node node, List<@Nullable Tensor> inputs) {
    Tensor in = Layout.required(inputs, 0);
    long[] shape = Layout.broadcast(in.shape(), Layout.required(inputs, 1).toLongs());
    return view(in, shape, 0, Layout.broadcastStrides(in.shape(), shape), inputs);
  }

  /** The elements of {@code in} at {@code offset} plus indices times {@code strides}. */
  static Tensor view(
      Tensor in, long[] shape, long offset, long[] strides, List<@Nullable Tensor> inputs) {
    int count = Layout.count(shape, inputs);
    int[] from = Layout.walk(count, shape, offset, strides);
    return Layout.pick(in, shape, count, i -> from[i]);
  }

  static Tensor gather(Node node, List<@Nullable Tensor> inputs) {
    Tensor in = Layout.required(inputs, 0);
    Tensor chosen = Layout.required(inputs, 1);
    int axis = Layout.axis(node.intAttribute("axis", 0), in.rank());
    long[] indices = chosen.toLongs();
    long length = in.dim(axis);
    for (int i = 0; i < indices.length; i++) {
      long index = indices[i] < 0 ? indices[i] + length : indices[i];
      if (index < 0 || index >= length) {
        throw new CannotFold("index " + indices[i] + " is not one of " + length);
      }
      indices[i] = index;
    }
    long[] before = Arrays.copyOf(in.shape(), axis);
    long[] after = Arrays.copyOfRange(in.shape(), axis + 1, in.rank());
    long[] shape =
        LongStream.concat(
                LongStream.of(before),
                LongStream.concat(LongStream.of(chosen.shape()), LongStream.of(after)))
            .toArray();
    int count = Layout.count(shape, inputs);
    int inner = (int) Arrays.stream(after).reduce(1, (a, b) -> a * b);
    return Layout.pick(
        in,
        shape,
        count,
        i -> {
          int outer = i / inner / indices.length;
          long index = indices[i / inner % indices.length];
          return (int) ((outer * length + index) * inner + i % inner);
        });
  }

  static Tensor concat(Node node, List<@Nullable Tensor> inputs) {
    Tensor first = Layout.required(inputs, 0);
    int axis = Layout.axis(node.intAttribute("axis", 0), first.rank());
    long[] shape = first.shape();
    shape[axis] = 0;
    List<Tensor> parts = new ArrayList<>();
    for (int i = 0; i < inputs.size(); i++) {
      Tensor part = Layout.required(inputs, i);
      long[] frame = part.shape();
      if (frame.length != shape.length || part.type() != first.type()) {
        throw new CannotFold("it joins " + first + " and " + part);
      }
      shape[axis] += frame[axis];
      frame[axis] = first.dim(axis);
      if (!Arrays.equals(frame, first.shape())) {
        throw new CannotFold("it joins " + first + " and " + part);
      }
      parts.add(part);
    }
    int count = Layout.count(shape, inputs);
    int width = Layout.width(first.type());
    ByteBuffer out = ByteBuffer.allocate(count * width).order(ByteOrder.LITTLE_ENDIAN);
    int outer = (int) Arrays.stream(shape, 0, axis).reduce(1, (a, b) -> a * b);
    for (int row = 0; row < outer; row++) {
      for (Tensor part : parts) {
        int length = (int) (part.sizeBytes() / outer);
        out.put(part.data().slice(row * length, length));
      }
    }
    return Tensor.wrap(first.type(), shape, out.flip());
  }

  static Tensor where(Node node, List<@Nullable Tensor> inputs) {
    Tensor condition = Layout.required(inputs, 0);
    Tensor yes = Layout.required(inputs, 1);
    Tensor no = Layout.required(inputs, 2);
    if (yes.type() != no.type()) {
      throw new CannotFold("it chooses between " + yes + " and " + no);
    }
    long[] shape = Layout.broadcast(condition.shape(), Layout.broadcast(yes.shape(), no.shape()));
    int count = Layout.count(shape, inputs);
    int[] test = Layout.walk(count, shape, 0, Layout.broadcastStrides(condition.shape(), shape));
    int[] fromYes = Layout.walk(count, shape, 0, Layout.broadcastStrides(yes.shape(), shape));
    int[] fromNo = Layout.walk(count, shape, 0, Layout.broadcastStrides(no.shape(), shape));
    long[] chosen = condition.toLongs();
    int split = Math.toIntExact(yes.elementCount());
    Tensor both =
        concat(node, List.of(yes.reshape(yes.elementCount()), no.reshape(no.elementCount())));
    return Layout.pick(
        both, shape, count, i -> chosen[test[i]] != 0 ? fromYes[i] : split + fromNo[i]);
  }

  static Tensor constantOfShape(Node node, List<@Nullable Tensor> inputs) {
    long[] shape = Layout.required(inputs, 0).toLongs();
    Tensor value =
        node.attribute("value") instanceof Attribute.TensorValue given
            ? given.value()
            : Tensor.ofRaw(DataType.FLOAT, new byte[Float.BYTES]);
    return Layout.pick(value, shape, Layout.count(shape, inputs), i -> 0);
  }

  /** Axes as an attribute (before opset 13) or as the second input. */
  private static List<Long> axes(Node node, List<@Nullable Tensor> inputs) {
    Tensor given = Layout.optional(inputs, 1);
    return given == null
        ? node.intsAttribute("axes", List.of())
        : LongStream.of(given.toLongs()).boxed().toList();
  }
}
