package dev.octet.torch.graph;

import dev.octet.core.descriptor.Granularity;
import dev.octet.torch.Tensors;
import dev.octet.torch.quant.TensorQuantizer;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Rounds a bias to multiples of input scale times weight scale, as its int32 form will be. In
 * layers of few products that step is some percent of the output's, enough to move many outputs by
 * one.
 */
final class IntegerBias {
  private final TensorQuantizer input;
  private final TensorQuantizer weights;

  IntegerBias(TensorQuantizer input, TensorQuantizer weights) {
    this.input = input;
    this.weights = weights;
  }

  /**
   * The rounded bias; the same one while the input's range is not known.
   *
   * @param bias {@code [channels]}
   * @param weight the float weight at present
   */
  Tensor round(Tensor bias, Tensor weight) {
    if (!input.hasRange()) {
      return bias;
    }
    Tensor step = scales(weight).mul(new Scalar((double) input.params().scale(0)));
    Tensor wide = step.to(ScalarType.Double);
    Tensor rounded =
        bias.detach().to(ScalarType.Double).div(wide).round().mul(wide).to(Tensors.type(bias));
    return rounded.add(bias.sub(bias.detach()));
  }

  private Tensor scales(Tensor weight) {
    if (weights.hasRange()) {
      float[] known = weights.params().scales();
      return Tensors.of(known, known.length);
    }
    Tensor plain = weight.detach().abs();
    Granularity granularity = weights.config().descriptor().granularity();
    Tensor largest = plain.max();
    if (granularity instanceof Granularity.PerAxis perAxis) {
      int rank = Tensors.shape(weight).length;
      int axis = Call.axis(perAxis.axis(), rank);
      long[] shared = IntStream.range(0, rank).filter(i -> i != axis).asLongStream().toArray();
      largest = torch.amax(plain, shared, false);
    }
    int qmax = weights.config().descriptor().qmax();
    Tensor scale =
        largest.to(ScalarType.Double).div(new Scalar((double) qmax)).to(ScalarType.Float);
    return torch.where(scale.eq(new Scalar(0)), new Scalar(1), scale).to(ScalarType.Float);
  }
}
