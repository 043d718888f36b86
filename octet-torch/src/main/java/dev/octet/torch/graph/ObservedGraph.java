package dev.octet.torch.graph;

import dev.octet.graph.Model;
import dev.octet.graph.pass.FoldBatchNorm;
import dev.octet.graph.pass.Rewrites;
import dev.octet.quantize.place.Placement.WeightSite;
import dev.octet.torch.nn.Module;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A graph in which modules of a subclass's choice stand where its placement says: observers that
 * look at activations, quantizers that round activations and weights.
 *
 * <p>A weight quantizer of a layer before a BatchNormalization rounds the weights as they will be
 * once the two are one, see {@link QuantizedGraph.BatchNorms#SIMULATED}; an unquantized one leaves
 * the normalization alone.
 */
public non-sealed class ObservedGraph extends TorchGraph {
  private final QuantizerPlacement<Module> modules;

  /**
   * For subclasses. Called inside an open scope.
   *
   * @param prepared simplified as {@code QuantizationSteps.prepare} does it; copied
   */
  protected ObservedGraph(Model prepared, GraphPlacement<Module> placing) {
    this(prepared, new QuantizerPlacement<>(placing));
  }

  private ObservedGraph(Model prepared, QuantizerPlacement<Module> modules) {
    super(prepared, modules::wire);
    this.modules = modules;
  }

  /** What stands at activations, by the name of the first value of each group. */
  public final Map<String, Module> activationModules() {
    return modules.activations();
  }

  /** What stands at weights, by the first output of the node that reads them. */
  public final Map<String, Module> weightModules() {
    return modules.weights();
  }

  /** What stands at a weight of {@link #foldedModel}, or null. */
  protected final @Nullable Module weightModule(WeightSite site) {
    return modules.weights().get(QuantizerPlacement.key(site.node(), site.input()));
  }

  /** The float model with the present weights, as placement sees it. */
  protected final Model foldedModel() {
    Model model = toModel();
    Rewrites.run(model.graph(), new FoldBatchNorm());
    return model;
  }
}
