package dev.octet.engine.reference;

import dev.octet.graph.Tensor;
import java.util.List;

/** What an operator computes. */
@FunctionalInterface
interface Operator {

  /** The outputs, in order; those that the node leaves out may be missing at the end. */
  List<Tensor> apply(Call call);

  /** An operator with one output. */
  @FunctionalInterface
  interface Single {
    Tensor apply(Call call);
  }

  static Operator single(Single operator) {
    return call -> List.of(operator.apply(call));
  }
}
