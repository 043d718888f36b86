package dev.octet.examples;

import dev.octet.torch.nn.Add;
import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.Module;
import dev.octet.workflows.pytorch.FloatFunctional;
import dev.octet.workflows.pytorch.quantized.Functional;
import org.bytedeco.pytorch.Tensor;

/**
 * The sum of a branch and its shortcut, observed and quantized: what torchvision's quantizable
 * networks have in the place of {@code +}, because eager mode sees modules alone.
 */
final class SkipAdd extends Module {
  private final Child<Functional> skip = child("skip_add", new FloatFunctional());

  @Override
  protected Tensor forward(Tensor[] inputs) {
    return skip.get().add(inputs[0], inputs[1]);
  }

  /** Puts one in the place of each sum of a network. */
  static void inPlaceOfSums(Module net) {
    net.modules()
        .forEach(
            (path, module) -> {
              if (module instanceof Add) {
                SkipAdd sum = new SkipAdd();
                sum.train(net.isTraining());
                net.replace(path, sum).close();
              }
            });
  }
}
