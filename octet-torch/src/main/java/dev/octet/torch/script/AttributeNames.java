package dev.octet.torch.script;

import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.bytedeco.pytorch.Block;
import org.bytedeco.pytorch.BlockArrayRef;
import org.bytedeco.pytorch.Graph;
import org.bytedeco.pytorch.JitNode;

/**
 * The names that attribute reads and method calls give: read from the graph's printed form, because
 * the preset's own accessor ({@code JitNode.s}) returns memory that is already freed. A graph
 * prints its nodes in order, each before the blocks inside it.
 */
final class AttributeNames {
  private static final Set<String> KINDS =
      Set.of("prim::GetAttr", "prim::SetAttr", "prim::CallMethod");

  /** Quotes inside texts print as {@code \"}, so this fits nothing within one. */
  private static final Pattern PRINTED =
      Pattern.compile(
          "= prim::(?:GetAttr|SetAttr|CallMethod)\\[name=\"((?:[^\"\\\\]|\\\\.)*)\"\\]");

  private final Map<Long, Map<Long, String>> graphs = new HashMap<>();

  /** The name that {@code node} carries. */
  String of(JitNode node) {
    Graph graph = node.owningGraph();
    String name = graphs.computeIfAbsent(graph.address(), key -> read(graph)).get(node.address());
    if (name == null) {
      throw new TorchScriptException(
          "the graph around " + Place.of(node) + " does not print as it is");
    }
    return name;
  }

  private static Map<Long, String> read(Graph graph) {
    Map<Long, String> names = new HashMap<>();
    walk(graph.block(), PRINTED.matcher(graph.toString()), names);
    return names;
  }

  private static void walk(Block block, Matcher printed, Map<Long, String> names) {
    JitNode end = block.return_node();
    for (JitNode node = end.next(); !node.equals(end); node = node.next()) {
      if (KINDS.contains(Boxing.text(node.kind().toQualString())) && printed.find()) {
        names.put(node.address(), printed.group(1));
      }
      BlockArrayRef blocks = node.blocks();
      for (long i = 0; i < blocks.size(); i++) {
        walk(blocks.at(i), printed, names);
      }
    }
  }
}
