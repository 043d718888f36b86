package dev.octet.quantize.emit;

import dev.octet.graph.DataType;
import dev.octet.graph.Node;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import dev.octet.graph.pass.Match;
import dev.octet.graph.pass.Rewrite;
import dev.octet.graph.pass.Rewriter;
import org.jspecify.annotations.Nullable;

/**
 * Writes a Clip whose result becomes 4-bit integers as Max and Min. ONNX Runtime (1.29) joins a
 * Clip and the QuantizeLinear after it, knows no 4-bit zero point there, and refuses the whole
 * model.
 */
final class ClipInTwo implements Rewrite {
  @Override
  public String name() {
    return "clip-in-two";
  }

  @Override
  public Match match(Node node) {
    if (!node.is("Clip") || node.output().consumers().stream().noneMatch(ClipInTwo::isNarrow)) {
      return Match.none();
    }
    for (int i = 1; i <= 2; i++) {
      if (node.input(i) != null && bound(node, i) == null) {
        return Match.refused("its bounds are not constant");
      }
    }
    if (bound(node, 1) == null && bound(node, 2) == null) {
      return Match.refused("it has no bounds as inputs");
    }
    return Match.of(node);
  }

  @Override
  public void apply(Match.Fires match, Rewriter change) {
    Node clip = match.node(0);
    Value x = clip.input(0);
    boolean both = bound(clip, 1) != null && bound(clip, 2) != null;
    if (both) {
      x = change.add(NodeSpec.of("Max").named(clip.name() + "/Max").reads(x, clip.input(1)), "max");
    }
    boolean below = !both && bound(clip, 1) != null;
    // The last of the two makes the same value under the same name.
    change.exchange(
        clip,
        NodeSpec.of(below ? "Max" : "Min")
            .named(clip.name())
            .reads(x, clip.input(below ? 1 : 2))
            .makes(clip.output()));
  }

  private static boolean isNarrow(Node reader) {
    Value zeroPoint = reader.is("QuantizeLinear") ? reader.input(2) : null;
    Tensor codes = zeroPoint == null ? null : zeroPoint.constant();
    return codes != null && (codes.type() == DataType.INT4 || codes.type() == DataType.UINT4);
  }

  private static @Nullable Tensor bound(Node clip, int index) {
    Value value = clip.input(index);
    return value == null ? null : value.constant();
  }
}
