package dev.octet.torch.quant.nn;

import dev.octet.torch.Tensors;
import dev.octet.torch.nn.CellWeights;
import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.GRU;
import dev.octet.torch.nn.StepLinear;
import dev.octet.torch.op.Ops;
import dev.octet.torch.quant.TensorQuantizer;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/**
 * Quantizes what one cell of a recurrent network multiplies: its input x and hidden state h, and
 * their weights. One quantizer of each, or two, as {@link RecurrentRanges} says.
 *
 * @param inputs one for [x, h], or those of x and of h
 * @param weights one for [W_ih | W_hh], or those of W_ih and of W_hh
 */
record CellQuantizers(List<Child<TensorQuantizer>> inputs, List<Child<TensorQuantizer>> weights) {
  CellQuantizers {
    inputs = List.copyOf(inputs);
    weights = List.copyOf(weights);
  }

  /** The products of input and hidden state, summed. Weights are quantized now, for all steps. */
  StepLinear<Tensor> sum(CellWeights of) {
    if (!isJoint()) {
      StepLinear<GRU.Products> products = apart(of);
      return (x, h) -> {
        GRU.Products both = products.apply(x, h);
        return Ops.add(both.input(), both.hidden());
      };
    }
    Tensor weight = weights.get(0).call(Ops.cat(List.of(of.ih(), of.hh()), 1));
    Tensor biasHh = of.biasHh();
    return (x, h) -> {
      Tensor product = Ops.linear(quantized(x, h), weight, of.biasIh());
      return biasHh == null ? product : Ops.add(product, biasHh);
    };
  }

  /** The products of input and hidden state, apart. */
  StepLinear<GRU.Products> apart(CellWeights of) {
    if (isJoint()) {
      long[] widths = {width(of.ih()), width(of.hh())};
      List<Tensor> weight =
          Ops.split(weights.get(0).call(Ops.cat(List.of(of.ih(), of.hh()), 1)), widths, 1);
      return (x, h) -> {
        List<Tensor> parts = Ops.split(quantized(x, h), widths, 1);
        return products(of, parts.get(0), weight.get(0), parts.get(1), weight.get(1));
      };
    }
    Tensor ih = weights.get(0).call(of.ih());
    Tensor hh = weights.get(1).call(of.hh());
    return (x, h) -> products(of, inputs.get(0).call(x), ih, inputs.get(1).call(h), hh);
  }

  /** What the quantizers of weights see. */
  List<QuantizedWeight> quantizedWeights(String suffix, CellWeights of) {
    String ih = "weight_ih" + suffix;
    String hh = "weight_hh" + suffix;
    return isJoint()
        ? List.of(
            new QuantizedWeight(ih + "|" + hh, weights.get(0).get(), List.of(of.ih(), of.hh())))
        : List.of(
            new QuantizedWeight(ih, weights.get(0).get(), List.of(of.ih())),
            new QuantizedWeight(hh, weights.get(1).get(), List.of(of.hh())));
  }

  private boolean isJoint() {
    return inputs.size() == 1;
  }

  private Tensor quantized(Tensor x, Tensor h) {
    return inputs.get(0).call(Ops.cat(List.of(x, h), 1));
  }

  private static GRU.Products products(CellWeights of, Tensor x, Tensor ih, Tensor h, Tensor hh) {
    return new GRU.Products(Ops.linear(x, ih, of.biasIh()), Ops.linear(h, hh, of.biasHh()));
  }

  private static long width(Tensor weight) {
    return Tensors.shape(weight)[1];
  }
}
