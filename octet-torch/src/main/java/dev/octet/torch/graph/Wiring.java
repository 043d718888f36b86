package dev.octet.torch.graph;

import dev.octet.graph.Node;
import dev.octet.graph.Value;
import dev.octet.torch.nn.Module;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Where quantizers stand in a graph.
 *
 * @param activations by value: what rounds it, or looks at it, for its {@code readers}
 * @param readers the places that read such values rounded
 * @param weights by the place that reads it: what rounds a weight
 * @param norms by layer: the BatchNormalization that is folded into it
 * @param integerBiases layers whose bias is rounded to multiples of input times weight scale; both
 *     quantizers are {@link dev.octet.torch.quant.TensorQuantizer}s
 * @param modules the quantizers by path in the module
 */
record Wiring(
    Map<Value, Module> activations,
    Set<Value.Use> readers,
    Map<Value.Use, Module> weights,
    Map<Node, Node> norms,
    Set<Node> integerBiases,
    Map<List<String>, Module> modules) {
  static final Wiring NONE = new Wiring(Map.of(), Set.of(), Map.of(), Map.of(), Set.of(), Map.of());
}
