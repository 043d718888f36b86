package dev.octet.engine.lower;

import dev.octet.engine.plan.Compilation;
import dev.octet.engine.plan.Operand;
import dev.octet.engine.plan.Stored;
import dev.octet.graph.DataType;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What exporters write behind an integer product to make its sums real: Cast, a Mul by the scales,
 * which may be a product itself, and an Add of the bias. One primitive does it all.
 *
 * @param last the value that the primitive defines
 * @param runtimeScale one scale that is computed when the model runs; null where there is none
 * @param scales what is known of the scales: one, or one for each output channel
 * @param bias one number for each output channel; null without
 * @param nodes those whose work is done along
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record ScaledSums(
    Value last,
    @Nullable Operand runtimeScale,
    float[] scales,
    float @Nullable [] bias,
    List<Node> nodes) {

  /**
   * What stands behind {@code sums}, or null where the integers themselves are wanted.
   *
   * @param channels number of output channels
   * @param behind how many dimensions follow that of the channels
   */
  static @Nullable ScaledSums behind(Value sums, int channels, int behind, Compilation to) {
    Node cast = sums.isOutput() ? null : to.onlyReader(sums);
    if (cast == null
        || !cast.is("Cast")
        || cast.intAttribute("to", 0) != DataType.FLOAT.code()
        || cast.output().isOutput()) {
      return null;
    }
    Node product = to.onlyReader(cast.output());
    if (product == null || !product.is("Mul")) {
      return null;
    }
    Value scale = product.input(product.input(0) == cast.output() ? 1 : 0);
    List<Node> nodes = new ArrayList<>(List.of(cast, product));
    Operand runtime = null;
    float[] scales = {1};
    List<@Nullable Value> factors = List.of();
    if (scale != null && to.known(scale) != null) {
      factors = List.of(scale);
    } else if (scale != null
        && scale.producer() != null
        && scale.producer().is("Mul")
        && scale.onlyConsumer() == product
        && !scale.isOutput()) {
      factors = scale.producer().inputs();
      nodes.add(scale.producer());
    }
    if (factors.isEmpty()) {
      return null;
    }
    for (Value factor : factors) {
      Operand known = factor == null ? null : to.known(factor);
      float[] constant = known == null ? null : vector(known.real(), channels, behind);
      if (known == null || known.type() != DataType.FLOAT) {
        return null;
      } else if (constant != null) {
        if (scales.length != 1 || scales[0] != 1) {
          return null;
        }
        scales = constant;
      } else if (runtime == null && known.elements() == 1 && known.rank() < 2) {
        runtime = known;
      } else {
        return null;
      }
    }
    Value last = product.output();
    Node sum = last.isOutput() ? null : to.onlyReader(last);
    Value added = sum == null || !sum.is("Add") ? null : sum.input(sum.input(0) == last ? 1 : 0);
    Operand given = added == null ? null : to.known(added);
    float[] bias = given == null ? null : vector(given.real(), channels, behind);
    if (sum != null && bias != null) {
      nodes.add(sum);
      last = sum.output();
      if (bias.length == 1) {
        float one = bias[0];
        bias = new float[channels];
        Arrays.fill(bias, one);
      }
    }
    return new ScaledSums(last, runtime, scales, bias, nodes);
  }

  /** One float, or one for each channel; null where {@code tensor} is neither. */
  private static float @Nullable [] vector(@Nullable Tensor tensor, int channels, int behind) {
    if (tensor == null || tensor.type() != DataType.FLOAT) {
      return null;
    }
    if (tensor.elementCount() == 1) {
      return tensor.rank() <= behind + 1 ? tensor.toFloats() : null;
    }
    int axis = tensor.rank() - 1 - behind;
    return axis >= 0
            && axis <= 1
            && tensor.dim(axis) == channels
            && tensor.elementCount() == channels
        ? tensor.toFloats()
        : null;
  }

  /** The known scales in {@code unit}s. */
  float[] scalesIn(float unit) {
    float[] result = scales.clone();
    for (int i = 0; i < result.length; i++) {
      result[i] /= unit;
    }
    return result;
  }

  /** The bias in {@code unit}s, null without. */
  @Nullable Stored biasIn(float unit, Compilation to) {
    if (bias == null) {
      return null;
    }
    float[] result = bias.clone();
    for (int i = 0; i < result.length; i++) {
      result[i] /= unit;
    }
    return to.floats(result);
  }
}
