package dev.octet.quantize.adjust;

import dev.octet.graph.DataType;
import dev.octet.graph.Dimension;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import dev.octet.graph.shape.Shapes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The way from one linear layer to the next along which a positive factor per channel passes: what
 * scales at the start of it scales by the same factor at its end.
 *
 * <p>These let a factor pass: Relu, LeakyRelu, PRelu, Clip without a bound other than zero
 * (positively homogeneous functions); pooling and padding within a channel; flattening, which makes
 * a run of features of each channel; the addition of a constant per channel, which is divided too.
 */
final class ChannelPath {
  private final Node first;
  private final Shapes shapes;
  private final int channels;
  private final List<Node> sums = new ArrayList<>();

  /** The axis of the channels, counted from the last, which is 1. */
  private int axisFromLast;

  private boolean flattened;
  private @Nullable Node second;

  private ChannelPath(Node first, Shapes shapes) {
    this.first = first;
    this.shapes = shapes;
    this.channels = LayerWeights.of(first).outputs();
    Value weight = first.input(1);
    int rank = weight == null ? 0 : Math.toIntExact(shapes.rank(weight).orElse(0));
    this.axisFromLast = first.op().startsWith("Conv") ? rank - 1 : 1;
  }

  /** A path found, or the reason why there is none. */
  record Outcome(@Nullable ChannelPath path, String reason) {}

  /** Follows what the linear layer {@code first}, whose weights can be changed, makes. */
  static Outcome from(Node first, Shapes shapes) {
    ChannelPath path = new ChannelPath(first, shapes);
    String reason = path.walk();
    return reason == null ? new Outcome(path, "") : new Outcome(null, reason);
  }

  Node first() {
    return first;
  }

  /** The layer at the end. */
  Node second() {
    if (second == null) {
      throw new IllegalStateException("the path has no end");
    }
    return second;
  }

  /** The additions of a constant on the way. */
  List<Node> sums() {
    return sums;
  }

  /** Which input of {@code sum} is its constant. */
  static int constantInput(Node sum) {
    Value right = sum.input(1);
    return right != null && right.constant() != null ? 1 : 0;
  }

  private @Nullable String walk() {
    Value at = first.output();
    while (true) {
      Node next = at.onlyConsumer();
      if (next == null || at.uses().size() != 1 || next.graph() != first.graph()) {
        return at.isOutput()
            ? "'" + at.name() + "' is an output of the graph"
            : "'" + at.name() + "' has " + at.uses().size() + " readers";
      }
      if (LayerWeights.isLinear(next)) {
        second = next;
        return endRefusal(next, at);
      }
      String reason = next.domain().isEmpty() ? stepRefusal(next, at) : unknown(next, at);
      if (reason != null) {
        return reason;
      }
      at = next.output();
    }
  }

  private @Nullable String endRefusal(Node end, Value at) {
    if (end.input(0) != at) {
      return "'" + at.name() + "' is not the first input of '" + end.label() + "'";
    }
    String reason = LayerWeights.refusal(end);
    if (reason != null) {
      return "of '" + end.label() + "' " + reason;
    }
    int inputs = LayerWeights.of(end).inputs();
    boolean matrix = !end.op().startsWith("Conv");
    boolean fits = flattened ? inputs % channels == 0 : inputs == channels;
    return fits && matrix == (axisFromLast == 1)
        ? null
        : "'" + end.label() + "' sums over another axis than that of the channels";
  }

  private @Nullable String stepRefusal(Node step, Value at) {
    return switch (step.op()) {
      case "Relu", "LeakyRelu" -> null;
      case "PRelu" -> isConstant(step.input(1)) ? null : "the slope of a PRelu is not constant";
      case "Clip" -> clipRefusal(step);
      case "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool" ->
          step.outputs().size() == 1 && axisFromLast > 1 ? null : unknown(step, at);
      case "Pad" -> padRefusal(step);
      case "Flatten" -> {
        boolean ofMaps = axisFromLast > 1 && step.intAttribute("axis", 1) == 1;
        yield ofMaps ? flatten() : unknown(step, at);
      }
      case "Reshape" -> flattens(step, at) ? flatten() : unknown(step, at);
      case "Add" -> sumRefusal(step, at);
      default -> unknown(step, at);
    };
  }

  private static String unknown(Node step, Value at) {
    return "'"
        + at.name()
        + "' is read by "
        + step.op()
        + " '"
        + step.label()
        + "', which a factor per channel cannot pass";
  }

  private @Nullable String flatten() {
    axisFromLast = 1;
    flattened = true;
    return null;
  }

  /** A clip at anything but zero and infinity bends at another place once its input is scaled. */
  private static @Nullable String clipRefusal(Node clip) {
    Float low = bound(clip, 1, "min", Float.NEGATIVE_INFINITY);
    Float high = bound(clip, 2, "max", Float.POSITIVE_INFINITY);
    if (low == null || high == null) {
      return "the bounds of Clip '" + clip.label() + "' are not constant";
    }
    boolean free = (low == 0 || low <= -Float.MAX_VALUE) && (high == 0 || high >= Float.MAX_VALUE);
    return free
        ? null
        : "Clip '" + clip.label() + "' to [" + low + ", " + high + "] is not homogeneous";
  }

  private static @Nullable Float bound(Node clip, int input, String attribute, float otherwise) {
    Value value = clip.input(input);
    if (value == null) {
      return clip.floatAttribute(attribute, otherwise);
    }
    Tensor tensor = value.constant();
    return tensor == null || tensor.type() != DataType.FLOAT || tensor.elementCount() != 1
        ? null
        : Float.valueOf(tensor.toFloats()[0]);
  }

  private @Nullable String padRefusal(Node pad) {
    Value given = pad.input(1);
    Tensor tensor = given == null ? null : given.constant();
    long[] pads =
        tensor != null && tensor.type() == DataType.INT64
            ? tensor.toLongs()
            : pad.intsAttribute("pads", List.of()).stream().mapToLong(Long::longValue).toArray();
    int rank = pads.length / 2;
    int axis = rank - axisFromLast;
    if (pads.length == 0 || axis < 0 || (given != null && tensor == null) || pad.input(3) != null) {
      return "Pad '" + pad.label() + "' may reach the channels";
    }
    if (pads[axis] != 0 || pads[axis + rank] != 0) {
      return "Pad '" + pad.label() + "' adds channels";
    }
    Value fill = pad.input(2);
    Tensor filled = fill == null ? null : fill.constant();
    boolean zero =
        fill == null
            ? pad.floatAttribute("value", 0) == 0
            : filled != null && filled.type() == DataType.FLOAT && filled.toFloats()[0] == 0;
    boolean constant = pad.stringAttribute("mode", "constant").equals("constant");
    return zero || !constant ? null : "Pad '" + pad.label() + "' fills with another value than 0";
  }

  /** Whether {@code reshape} keeps the first axis and makes one of all the others. */
  private boolean flattens(Node reshape, Value at) {
    Value target = reshape.input(1);
    Tensor tensor = target == null ? null : target.constant();
    List<Dimension> shape = shapes.shape(at);
    if (axisFromLast == 1 || tensor == null || tensor.elementCount() != 2) {
      return false;
    }
    long[] wanted = tensor.toLongs();
    if (wanted[0] == 0 && wanted[1] == -1 && reshape.intAttribute("allowzero", 0) == 0) {
      return true;
    }
    if (shape == null || shape.size() != axisFromLast + 1) {
      return false;
    }
    if (wanted[0] > 0 && wanted[1] == -1) {
      return shape.get(0) instanceof Dimension.Fixed batch && batch.size() == wanted[0];
    }
    long features = 1;
    for (Dimension dimension : shape.subList(1, shape.size())) {
      features *= dimension instanceof Dimension.Fixed fixed ? fixed.size() : 0;
    }
    return features > 0 && wanted[1] == features;
  }

  private @Nullable String sumRefusal(Node sum, Value at) {
    Value addend = sum.input(constantInput(sum));
    Tensor tensor = addend == null || addend == at ? null : addend.constant();
    if (tensor == null || flattened) {
      return unknown(sum, at);
    }
    int axis = tensor.rank() - axisFromLast;
    if (tensor.type() != DataType.FLOAT
        || tensor.elementCount() != channels
        || axis < 0
        || tensor.dim(axis) != channels) {
      return "'" + addend + "' " + Arrays.toString(tensor.shape()) + " is not added per channel";
    }
    sums.add(sum);
    return null;
  }

  private static boolean isConstant(@Nullable Value value) {
    return value != null && value.constant() != null;
  }
}
