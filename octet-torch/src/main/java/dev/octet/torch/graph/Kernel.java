package dev.octet.torch.graph;

import java.util.Collections;
import java.util.List;
import java.util.function.Function;
import org.bytedeco.pytorch.Tensor;

/** How one operator is computed. */
@FunctionalInterface
interface Kernel {
  /** The outputs, as many as the kernel makes; a node may leave out those at the end. */
  List<Datum> run(Call call);

  /** An operator with one output. */
  static Kernel of(Function<Call, Tensor> body) {
    return call -> Collections.singletonList(Datum.computed(body.apply(call)));
  }

  /** An operator with several outputs. */
  static Kernel several(Function<Call, List<Tensor>> body) {
    return call -> body.apply(call).stream().map(Datum::computed).toList();
  }

  /** An operator whose one output is computed on the host. */
  static Kernel onHost(Function<Call, dev.octet.graph.Tensor> body) {
    return call -> Collections.singletonList(Datum.host(body.apply(call)));
  }
}
