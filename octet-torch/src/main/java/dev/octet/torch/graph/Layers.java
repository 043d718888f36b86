package dev.octet.torch.graph;

import static java.util.Map.entry;

import dev.octet.torch.Tensors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/** Products with weights, normalization, softmax and dropout. */
final class Layers {
  static final Map<String, Kernel> KERNELS =
      Map.<String, Kernel>ofEntries(
          entry("Conv", Kernel.of(Layers::conv)),
          entry("ConvTranspose", Kernel.of(Layers::convTranspose)),
          entry("Gemm", Kernel.of(Layers::gemm)),
          entry("MatMul", Kernel.of(c -> c.in(0).matmul(c.in(1)))),
          entry("Einsum", Kernel.of(Layers::einsum)),
          entry("BatchNormalization", Kernel.of(Layers::batchNorm)),
          entry("LayerNormalization", Kernel.of(Layers::layerNorm)),
          entry("InstanceNormalization", Kernel.of(Layers::instanceNorm)),
          entry("GroupNormalization", Kernel.of(Layers::groupNorm)),
          entry("LpNormalization", Kernel.of(Layers::lpNorm)),
          entry("Softmax", Kernel.of(c -> softmax(c, false))),
          entry("LogSoftmax", Kernel.of(c -> softmax(c, true))),
          entry("Dropout", Kernel.several(Layers::dropout)));

  private Layers() {}

  private static long[] spatial(Tensor weight) {
    long[] shape = Tensors.shape(weight);
    if (shape.length < 3 || shape.length > 5) {
      throw new IllegalArgumentException(
          "the weight " + Tensors.describe(weight) + " must have 1 to 3 spatial axes");
    }
    return Arrays.copyOfRange(shape, 2, shape.length);
  }

  private static Tensor conv(Call c) {
    Tensor x = c.in(0);
    Tensor weight = c.in(1);
    Windows w = Windows.of(c, x, spatial(weight));
    if (!w.symmetric()) {
      x = w.padded(x, 0);
      w = w.unpadded();
    }
    return torch.convolution(
        x,
        weight,
        c.optional(2),
        w.stride,
        w.begin,
        w.dilation,
        false,
        new long[w.kernel.length],
        c.integer("group", 1));
  }

  /**
   * Computed without padding, then cut: ONNX lets both ends differ and asks for output sizes that
   * LibTorch cannot be told.
   */
  private static Tensor convTranspose(Call c) {
    Tensor x = c.in(0);
    Tensor weight = c.in(1);
    long[] kernel = spatial(weight);
    int axes = kernel.length;
    long[] size = Tensors.shape(x);
    if (size.length != axes + 2) {
      throw new IllegalArgumentException(
          "the input " + Tensors.describe(x) + " has not " + axes + " spatial axes");
    }
    long[] stride = Windows.perAxis(c, "strides", axes);
    long[] dilation = Windows.perAxis(c, "dilations", axes);
    long[] extra = c.integers("output_padding");
    long[] wanted = c.integers("output_shape");
    long[] pads = c.integers("pads");
    String auto = c.text("auto_pad", "NOTSET");
    long[] begin = new long[axes];
    long[] end = new long[axes];
    for (int i = 0; i < axes; i++) {
      long full = (size[i + 2] - 1) * stride[i] + Windows.span(kernel[i], dilation[i]);
      long more = extra == null ? 0 : extra[i];
      if (wanted != null || auto.startsWith("SAME")) {
        // output_shape may list batch and channels too.
        long target = wanted == null ? size[i + 2] * stride[i] : wanted[wanted.length - axes + i];
        long total = full + more - target;
        long half = Math.floorDiv(total, 2);
        begin[i] = auto.equals("SAME_UPPER") ? half : total - half;
        end[i] = total - begin[i];
      } else if (pads != null && !auto.equals("VALID")) {
        begin[i] = pads[i];
        end[i] = pads[i + axes];
      }
      begin[i] = -begin[i];
      end[i] = more - end[i];
    }
    Tensor full =
        torch.convolution(
            x,
            weight,
            new TensorOptional(),
            stride,
            new long[axes],
            dilation,
            true,
            new long[axes],
            c.integer("group", 1));
    Tensor cut = Windows.pad(full, begin, end, 0);
    return c.has(2) ? cut.add(perChannel(c.in(2), axes)) : cut;
  }

  /** {@code [C]} as {@code [C, 1, ...]}. */
  private static Tensor perChannel(Tensor values, int axesAfter) {
    long[] shape = new long[axesAfter + 1];
    Arrays.fill(shape, 1);
    shape[0] = -1;
    return values.reshape(shape);
  }

  private static Tensor gemm(Call c) {
    Tensor a = c.integer("transA", 0) != 0 ? c.in(0).t() : c.in(0);
    Tensor b = c.integer("transB", 0) != 0 ? c.in(1).t() : c.in(1);
    Scalar alpha = new Scalar(c.real("alpha", 1));
    return c.has(2)
        ? torch.addmm(c.in(2), a, b, new Scalar(c.real("beta", 1)), alpha)
        : a.matmul(b).mul(alpha);
  }

  private static Tensor einsum(Call c) {
    Tensor[] operands = new Tensor[c.inputs().size()];
    Arrays.setAll(operands, c::in);
    return torch.einsum(c.text("equation", ""), new TensorVector(operands));
  }

  /**
   * In training by the statistics of the batch, which the running ones follow: ONNX's momentum is
   * what they keep, LibTorch's what they take on.
   */
  private static Tensor batchNorm(Call c) {
    return torch.batch_norm(
        c.in(0),
        c.optional(1),
        c.optional(2),
        c.optional(3),
        c.optional(4),
        c.phase() == Phase.TRAIN,
        1 - c.real("momentum", 0.9f),
        c.real("epsilon", 1e-5f),
        false);
  }

  private static Tensor layerNorm(Call c) {
    Tensor x = c.in(0);
    long[] shape = Tensors.shape(x);
    int axis = Call.axis(c.integer("axis", -1), shape.length);
    Tensor normal =
        torch.layer_norm(
            x,
            Arrays.copyOfRange(shape, axis, shape.length),
            new TensorOptional(),
            new TensorOptional(),
            c.real("epsilon", 1e-5f),
            false);
    Tensor scaled = normal.mul(c.in(1));
    return c.has(2) ? scaled.add(c.in(2)) : scaled;
  }

  private static Tensor instanceNorm(Call c) {
    return torch.instance_norm(
        c.in(0),
        c.optional(1),
        c.optional(2),
        new TensorOptional(),
        new TensorOptional(),
        true,
        0,
        c.real("epsilon", 1e-5f),
        false);
  }

  /** Scale and bias belong to groups in operator set 18, to channels from 21 on. */
  private static Tensor groupNorm(Call c) {
    Tensor x = c.in(0);
    long[] shape = Tensors.shape(x);
    long groups = c.integer("num_groups", 0);
    if (groups < 1 || shape.length < 2 || shape[1] % groups != 0) {
      throw new IllegalArgumentException(
          groups + " groups do not divide the channels of " + Tensors.describe(x));
    }
    return torch.group_norm(
        x,
        groups,
        new TensorOptional(toChannels(c.in(1), shape[1])),
        new TensorOptional(toChannels(c.in(2), shape[1])),
        c.real("epsilon", 1e-5f),
        false);
  }

  private static Tensor toChannels(Tensor values, long channels) {
    long count = values.numel();
    return count == channels
        ? values
        : values.reshape(count, 1).expand(count, channels / count).reshape(channels);
  }

  private static Tensor lpNorm(Call c) {
    Tensor x = c.in(0);
    long[] axis = {c.integer("axis", -1)};
    Tensor norm =
        c.integer("p", 2) == 1
            ? x.abs().sum(axis, true, Pooling.none())
            : x.square().sum(axis, true, Pooling.none()).sqrt();
    return x.div(norm);
  }

  /** Below operator set 13 over all axes from the named one on, from there over that alone. */
  private static Tensor softmax(Call c, boolean log) {
    Tensor x = c.in(0);
    if (c.opset() >= 13) {
      return softmax(x, c.integer("axis", -1), log);
    }
    long[] shape = Tensors.shape(x);
    int axis = Call.axis(c.integer("axis", 1), shape.length);
    long rows = 1;
    long columns = 1;
    for (int i = 0; i < shape.length; i++) {
      rows *= i < axis ? shape[i] : 1;
      columns *= i < axis ? 1 : shape[i];
    }
    return softmax(x.reshape(rows, columns), 1, log).reshape(shape);
  }

  private static Tensor softmax(Tensor x, long axis, boolean log) {
    return log ? torch.log_softmax(x, axis) : torch.softmax(x, axis);
  }

  /** Drops in training only, whatever the file says: whoever trains the graph decides. */
  private static List<Tensor> dropout(Call c) {
    Tensor x = c.in(0);
    double ratio = c.has(1) ? c.number(1) : c.real("ratio", 0.5);
    List<Tensor> outputs = new ArrayList<>();
    if (!c.training() || ratio == 0) {
      outputs.add(x);
      outputs.add(torch.ones_like(x).to(torch.ScalarType.Bool));
      return outputs;
    }
    Tensor kept = torch.rand_like(x).ge(new Scalar(ratio));
    outputs.add(x.mul(kept.to(Tensors.type(x))).div(new Scalar(1 - ratio)));
    outputs.add(kept);
    return outputs;
  }
}
