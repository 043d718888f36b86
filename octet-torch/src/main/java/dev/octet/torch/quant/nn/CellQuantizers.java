package dev.octet.torch.quant.nn;

import dev.octet.torch.Tensors;
import dev.octet.torch.op.Ops;
import dev.octet.torch.quant.TensorQuantizer;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/**
 * Quantizes what one cell of a recurrent network multiplies: its input x and hidden state h, and
 * their weights.
 *
 * <p>Joint, as in pytorch-quantization: one range for x and h, and one for each row of [W_ih |
 * W_hh], for an engine that multiplies both at once. Separate: every operand has its own.
 *
 * @param inputs one quantizer, or those of x and of h
 * @param weights one quantizer, or those of W_ih and of W_hh
 */
record CellQuantizers(List<TensorQuantizer> inputs, List<TensorQuantizer> weights) {
  /** Two operands, of x and of h. */
  record Pair(Tensor x, Tensor h) {}

  CellQuantizers {
    inputs = List.copyOf(inputs);
    weights = List.copyOf(weights);
  }

  boolean isJoint() {
    return inputs.size() == 1;
  }

  /** Whether x may be quantized for all steps at once: its range does not depend on h. */
  boolean quantizesInputApart() {
    TensorQuantizer input = inputs.get(0);
    return !isJoint() || !input.isEnabled() || input.hasFixedRange() && !input.isCalib();
  }

  Tensor input(Tensor x) {
    return inputs.get(0).call(x);
  }

  Tensor hidden(Tensor h) {
    return inputs.get(isJoint() ? 0 : 1).call(h);
  }

  /** Both at once, from {@code [batch, features]} each. */
  Pair inputs(Tensor x, Tensor h) {
    return isJoint() ? joint(inputs.get(0), x, h) : new Pair(input(x), hidden(h));
  }

  Pair weights(Tensor ih, Tensor hh) {
    return isJoint()
        ? joint(weights.get(0), ih, hh)
        : new Pair(weights.get(0).call(ih), weights.get(1).call(hh));
  }

  /** What the quantizers of weights see, for one cell. */
  List<QuantizedWeight> quantizedWeights(String suffix, Tensor ih, Tensor hh) {
    String nameX = "weight_ih" + suffix;
    String nameH = "weight_hh" + suffix;
    return isJoint()
        ? List.of(new QuantizedWeight(nameX + "|" + nameH, weights.get(0), List.of(ih, hh)))
        : List.of(
            new QuantizedWeight(nameX, weights.get(0), List.of(ih)),
            new QuantizedWeight(nameH, weights.get(1), List.of(hh)));
  }

  private static Pair joint(TensorQuantizer quantizer, Tensor x, Tensor h) {
    long[] widths = {Tensors.shape(x)[1], Tensors.shape(h)[1]};
    List<Tensor> parts = Ops.split(quantizer.call(Ops.cat(List.of(x, h), 1)), widths, 1);
    return new Pair(parts.get(0), parts.get(1));
  }
}
