package dev.octet.torch.quant;

import dev.octet.core.descriptor.Granularity;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import java.util.Arrays;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.DeviceType;

/**
 * A tensor as its scales see it: one scale along an axis broadcasts against it; blocks get a
 * dimension of their own, {@code [.., axis, ..]} as {@code [.., blocks, size, ..]}, the last block
 * filled up with zeros.
 */
final class Blocks {
  private final Tensor x;
  private final long[] shape;
  private final Granularity granularity;
  private final int axis;

  private Blocks(Tensor x, long[] shape, Granularity granularity, int axis) {
    this.x = x;
    this.shape = shape;
    this.granularity = granularity;
    this.axis = axis;
  }

  /**
   * @throws IllegalArgumentException if the tensor lacks the axis
   */
  static Blocks of(Tensor x, Granularity granularity) {
    long[] shape = Tensors.shape(x);
    int axis = -1;
    if (granularity instanceof Granularity.PerAxis perAxis) {
      axis = axis(perAxis.axis(), x, shape);
    } else if (granularity instanceof Granularity.PerBlock perBlock) {
      axis = axis(perBlock.axis(), x, shape);
    }
    return new Blocks(x, shape, granularity, axis);
  }

  private static int axis(int named, Tensor x, long[] shape) {
    int axis = named < 0 ? named + shape.length : named;
    if (axis < 0 || axis >= shape.length) {
      throw new IllegalArgumentException(
          Tensors.describe(x) + " has no axis " + named + " to quantize along");
    }
    return axis;
  }

  /** How many scales there are. */
  long count() {
    return Arrays.stream(scalesShape(-1)).reduce(1, (a, b) -> a * b);
  }

  /**
   * The shape in which scales broadcast against {@link #split}.
   *
   * @param count how many there are; an error where the tensor needs another number. -1 asks not
   */
  long[] scalesShape(int count) {
    long[] scales;
    if (granularity instanceof Granularity.PerBlock perBlock) {
      scales = new long[shape.length + 1];
      System.arraycopy(shape, 0, scales, 0, axis);
      scales[axis] = blocks(perBlock);
      scales[axis + 1] = 1;
      System.arraycopy(shape, axis + 1, scales, axis + 2, shape.length - axis - 1);
    } else {
      scales = new long[shape.length];
      Arrays.fill(scales, 1);
      if (axis >= 0) {
        scales[axis] = shape[axis];
      }
    }
    long needed = Arrays.stream(scales).reduce(1, (a, b) -> a * b);
    if (count >= 0 && needed != count) {
      throw new IllegalArgumentException(
          Tensors.describe(x)
              + " needs "
              + needed
              + " ranges "
              + granularity
              + ", but there are "
              + count
              + "; calibrate with tensors of this shape");
    }
    return scales;
  }

  /** The shape of ranges in a state: size 1 where elements share, blocks as ONNX orders them. */
  long[] rangesShape() {
    if (granularity instanceof Granularity.PerTensor) {
      return new long[0];
    }
    long[] ranges = shape.clone();
    for (int i = 0; i < ranges.length; i++) {
      if (granularity instanceof Granularity.PerBlock perBlock) {
        ranges[i] = i == axis ? blocks(perBlock) : ranges[i];
      } else {
        ranges[i] = i == axis ? ranges[i] : 1;
      }
    }
    return ranges;
  }

  private long blocks(Granularity.PerBlock perBlock) {
    return (shape[axis] + perBlock.size() - 1) / perBlock.size();
  }

  /** The tensor in the shape that scales broadcast against. */
  Tensor split() {
    if (!(granularity instanceof Granularity.PerBlock perBlock)) {
      return x;
    }
    long blocks = blocks(perBlock);
    long missing = blocks * perBlock.size() - shape[axis];
    Tensor whole = x;
    if (missing > 0) {
      // Pairs of numbers from the last dimension on: elements before, elements after.
      long[] pad = new long[2 * (shape.length - axis)];
      pad[pad.length - 1] = missing;
      whole = torch.constant_pad_nd(x, pad);
    }
    long[] split = scalesShape(-1);
    split[axis + 1] = perBlock.size();
    return whole.reshape(split);
  }

  /** What was computed from {@link #split}, in the shape of the tensor. */
  Tensor join(Tensor y) {
    if (!(granularity instanceof Granularity.PerBlock perBlock)) {
      return y;
    }
    long[] whole = shape.clone();
    whole[axis] = blocks(perBlock) * perBlock.size();
    Tensor joined = y.reshape(whole);
    return whole[axis] == shape[axis] ? joined : joined.narrow(axis, 0, shape[axis]);
  }

  /** Dimensions of {@link #split} that share a range; none when all have one of their own. */
  long[] shared() {
    long[] scales = scalesShape(-1);
    long[] dims = new long[scales.length];
    int count = 0;
    for (int i = 0; i < scales.length; i++) {
      boolean own = granularity instanceof Granularity.PerBlock ? i != axis + 1 : i == axis;
      if (!own) {
        dims[count++] = i;
      }
    }
    return Arrays.copyOf(dims, count);
  }

  DeviceType deviceType() {
    try (Scope scope = Scope.open()) {
      return x.device().type().intern();
    }
  }

  /** A constant on the tensor's device. */
  Tensor like(Tensor constant) {
    return deviceType() == DeviceType.CPU
        ? constant
        : constant.to(x.device(), Tensors.type(constant));
  }
}
