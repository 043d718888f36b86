package dev.octet.torch.graph;

import dev.octet.graph.Model;
import dev.octet.quantize.place.Placement;
import dev.octet.quantize.place.Placement.Group;
import dev.octet.quantize.place.Placement.WeightSite;
import dev.octet.torch.nn.Module;
import org.jspecify.annotations.Nullable;

/**
 * Says where in a graph modules stand, and makes them: quantizers that round, or observers that
 * look.
 *
 * @param <M> the kind of module
 */
public interface GraphPlacement<M extends Module> {

  /**
   * Decides what becomes integers. The same decisions for the same graph, since it is asked again
   * for export.
   *
   * @param folded the model with its normalizations folded
   */
  Placement place(Model folded);

  /** The module that every member of a group is passed through before it is read. */
  M activation(Group group);

  /** The module that a weight is passed through before it is read; null for none. */
  @Nullable M weight(WeightSite site);

  /**
   * Whether the bias beside a weight is rounded to multiples of input scale times weight scale;
   * only where both modules are {@link dev.octet.torch.quant.TensorQuantizer}s.
   */
  default boolean roundsBias(WeightSite site) {
    return false;
  }
}
