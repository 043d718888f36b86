package dev.octet.workflows.pytorch.fx;

import dev.octet.graph.Model;
import dev.octet.graph.Tensor;
import dev.octet.quantize.place.Placement.WeightSite;
import dev.octet.torch.graph.ObservedGraph;
import dev.octet.torch.nn.Module;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A graph with observers, or fake-quantize modules, where qconfigs and backend want them: what
 * {@link QuantizeFx#prepareFx} and {@link QuantizeFx#prepareQatFx} make. Calling it calibrates or
 * trains; {@link QuantizeFx#convertFx} makes integers of it.
 *
 * <p>{@link #activationModules} and {@link #weightModules} are what observes, by the names of
 * values and of weights' layers; they are part of the state.
 */
public final class GraphModule extends ObservedGraph {
  private final FxPlacement placing;
  private final Map<String, Object> preserved;

  GraphModule(Model prepared, FxPlacement placing, Map<String, Object> preserved) {
    super(prepared, placing);
    this.placing = placing;
    this.preserved = Map.copyOf(preserved);
  }

  /** What becomes of each operator, and why. */
  public FxReport report() {
    Plan plan = placing.planned();
    List<String> warnings = new ArrayList<>(plan.placement().warnings());
    warnings.addAll(placing.notEqualized(plan));
    return new FxReport(List.copyOf(plan.chains().values()), warnings);
  }

  /**
   * An attribute of the module that was traced, see {@link
   * PrepareCustomConfig#setPreservedAttributes}: a {@link Tensor} for a parameter or buffer.
   *
   * @throws IllegalArgumentException if it was not preserved
   */
  public Object attribute(String name) {
    return attribute(preserved, name);
  }

  static Object attribute(Map<String, Object> preserved, String name) {
    Object found = preserved.get(name);
    if (found == null) {
      throw new IllegalArgumentException(
          "attribute '" + name + "' was not preserved; there are " + preserved.keySet());
    }
    return found;
  }

  Map<String, Object> preserved() {
    return preserved;
  }

  FxPlacement placing() {
    return placing;
  }

  Model folded() {
    return foldedModel();
  }

  @Nullable Module weightObserver(WeightSite site) {
    return weightModule(site);
  }
}
