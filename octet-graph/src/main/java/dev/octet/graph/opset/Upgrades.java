package dev.octet.graph.opset;

import dev.octet.graph.Attribute;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import dev.octet.graph.pass.Rewriter;
import dev.octet.graph.shape.Shapes;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Upgrades of single operators, named after the operator and the version that changed it. */
final class Upgrades {

  private Upgrades() {}

  /** An operator that cannot be raised, for {@code reason}. */
  static Upgrade refused(String reason) {
    return (node, change, shapes) -> reason;
  }

  /** An operator that goes on under another name. */
  static Upgrade renamed(String newName) {
    return (node, change, shapes) -> {
      new SpecEdit(node, change).op(newName).commit();
      return null;
    };
  }

  static @Nullable String batchNormalization9(Node node, Rewriter change, Shapes shapes) {
    if (node.intAttribute("spatial", 1) != 1) {
      return "statistics per element (spatial = 0) went";
    }
    new SpecEdit(node, change).drop("spatial").commit();
    return null;
  }

  /** Until opset 13 the number of outputs said whether the node is training. */
  static @Nullable String batchNormalization14(Node node, Rewriter change, Shapes shapes) {
    List<@Nullable Value> more = node.outputs().subList(1, node.outputs().size());
    if (more.stream().anyMatch(output -> output != null)) {
      return "BatchNormalization in training, with its statistics as outputs, changed";
    }
    return null;
  }

  static @Nullable String upsample9(Node node, Rewriter change, Shapes shapes) {
    Attribute scales = node.attribute("scales");
    if (!(scales instanceof Attribute.FloatList list)) {
      return "Upsample without a list of scales has no counterpart";
    }
    float[] values = new float[list.values().size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = list.values().get(i);
    }
    Value input =
        change.addConstant(
            InputUpgrades.stem(node, "scales"), Tensor.ofFloats(values, values.length));
    new SpecEdit(node, change).drop("scales").input(1, input).commit();
    return null;
  }

  static @Nullable String slice10(Node node, Rewriter change, Shapes shapes) {
    SpecEdit edit = new SpecEdit(node, change);
    int index = 1;
    for (String list : List.of("starts", "ends", "axes")) {
      if (node.attribute(list) != null) {
        edit.drop(list).input(index, InputUpgrades.list(node, list, change));
      }
      index++;
    }
    edit.commit();
    return null;
  }

  static @Nullable String topK10(Node node, Rewriter change, Shapes shapes) {
    Tensor k = Tensor.ofLongs(new long[] {node.intAttribute("k", 1)}, 1);
    Value input = change.addConstant(InputUpgrades.stem(node, "k"), k);
    new SpecEdit(node, change).drop("k").input(1, input).commit();
    return null;
  }

  /** The mask became boolean. */
  static @Nullable String dropout10(Node node, Rewriter change, Shapes shapes) {
    Value mask = node.outputs().size() > 1 ? node.outputs().get(1) : null;
    return mask != null && (!mask.uses().isEmpty() || mask.isOutput())
        ? "the type of the mask '" + mask.name() + "' changed"
        : null;
  }

  /**
   * Opset 10 scales from the corner ("asymmetric"). Which neighbour its nearest mode takes when it
   * shrinks is not written down and differs between runtimes; when it grows, all take the floor.
   */
  static @Nullable String resize11(Node node, Rewriter change, Shapes shapes) {
    Value scales = node.input(1);
    if (node.stringAttribute("mode", "nearest").equals("nearest") && !grows(scales)) {
      return "nearest Resize by factors that are not known to be 1 or more changed";
    }
    Value noRegion =
        change.addConstant(InputUpgrades.stem(node, "roi"), Tensor.ofFloats(new float[0], 0));
    new SpecEdit(node, change)
        .set("coordinate_transformation_mode", new Attribute.StringValue("asymmetric"))
        .set("nearest_mode", new Attribute.StringValue("floor"))
        .input(1, noRegion)
        .input(2, scales)
        .commit();
    return null;
  }

  private static boolean grows(@Nullable Value scales) {
    Tensor factors = scales == null ? null : scales.constant();
    if (factors == null) {
      return false;
    }
    for (float factor : factors.toFloats()) {
      if (!(factor >= 1)) {
        return false;
      }
    }
    return true;
  }

  /** Before opset 16 regions were not shifted by half a pixel. */
  static @Nullable String roiAlign16(Node node, Rewriter change, Shapes shapes) {
    if (node.attribute("coordinate_transformation_mode") == null) {
      new SpecEdit(node, change)
          .set("coordinate_transformation_mode", new Attribute.StringValue("output_half_pixel"))
          .commit();
    }
    return null;
  }

  /** A split into equal parts must say how many. */
  static @Nullable String split18(Node node, Rewriter change, Shapes shapes) {
    if (node.input(1) == null) {
      new SpecEdit(node, change)
          .set("num_outputs", new Attribute.IntValue(node.outputs().size()))
          .commit();
    }
    return null;
  }

  /** The modes lost their "bi", since they are for any number of dimensions now. */
  static @Nullable String gridSample20(Node node, Rewriter change, Shapes shapes) {
    String mode = node.stringAttribute("mode", "bilinear");
    if (Arrays.asList("bilinear", "bicubic").contains(mode)) {
      new SpecEdit(node, change).set("mode", new Attribute.StringValue(mode.substring(2))).commit();
    }
    return null;
  }
}
