package dev.octet.workflows.pytorch.fx;

import dev.octet.graph.Node;
import dev.octet.graph.Value;
import dev.octet.quantize.place.Placement;
import dev.octet.quantize.place.Placement.Group;
import dev.octet.quantize.place.Placement.WeightSite;
import dev.octet.workflows.pytorch.observer.ObserverFactory;
import java.util.List;
import java.util.Map;

/**
 * What was decided for one graph.
 *
 * @param placement which values are rounded together, and where weights are stored as integers
 * @param observers what observes the values of a group
 * @param weights how the weights of each site are stored
 * @param dynamic groups that are rounded by the range of each call, in training alone
 * @param half nodes whose weights are stored as 16-bit floats
 * @param borders where a value has to be rounded anew for its reader; one node is put in for all
 *     with the same key
 * @param roundedOutputs outputs of the graph that are rounded
 * @param chains all operators, with how each is computed
 */
record Plan(
    Placement placement,
    Map<Group, ObserverFactory> observers,
    Map<WeightSite, PlannedWeight> weights,
    List<Group> dynamic,
    List<Node> half,
    Map<Value.Use, String> borders,
    List<Value> roundedOutputs,
    Map<Chain, PreparedOp> chains) {

  /** A weight and what observes it. */
  record PlannedWeight(ObserverFactory observer, Mode mode) {}

  FxReport report() {
    return new FxReport(List.copyOf(chains.values()), placement.warnings());
  }
}
