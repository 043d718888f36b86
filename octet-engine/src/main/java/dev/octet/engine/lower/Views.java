package dev.octet.engine.lower;

import dev.octet.engine.plan.Compilation;
import dev.octet.engine.plan.Lowering;
import dev.octet.engine.plan.Operand;
import dev.octet.engine.plan.UnsupportedNodeException;
import dev.octet.graph.Node;
import dev.octet.graph.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Operators that give the same elements under other dimensions: they cost nothing. */
final class Views implements Lowering {
  static final String[] OPERATORS = {
    "Identity", "Dropout", "Reshape", "Flatten", "Squeeze", "Unsqueeze"
  };

  @Override
  public void lower(Node node, Compilation to) {
    Value output = node.outputs().get(0);
    if (output == null) {
      return;
    }
    if (node.outputs().size() > 1 && node.outputs().get(1) != null) {
      throw new UnsupportedNodeException(node, "its second output is not computed");
    }
    Operand input = to.input(node, 0);
    switch (node.op()) {
      case "Identity", "Dropout" -> to.define(output, input);
      case "Reshape" -> to.defineView(output, input, reshaped(node, input, to));
      case "Flatten" -> to.defineView(output, input, flattened(node, input));
      case "Squeeze" -> to.defineView(output, input, squeezed(node, input, to));
      default -> to.defineView(output, input, unsqueezed(node, input, to));
    }
  }

  private static long[] reshaped(Node node, Operand input, Compilation to) {
    long[] dims = Settings.longs(node, to, 1, "shape");
    boolean keepZero = node.intAttribute("allowzero", 0) != 0;
    int open = -1;
    long known = 1;
    for (int i = 0; i < dims.length; i++) {
      if (dims[i] == 0 && !keepZero) {
        if (i >= input.rank()) {
          throw new UnsupportedNodeException(
              node, "its shape copies a dimension that is not there");
        }
        dims[i] = input.dim(i);
      }
      if (dims[i] == -1) {
        open = i;
      } else {
        known = Math.multiplyExact(known, dims[i]);
      }
    }
    if (open >= 0) {
      dims[open] = known == 0 ? 0 : input.elements() / known;
      known *= dims[open];
    }
    if (known != input.elements() || Arrays.stream(dims).anyMatch(dim -> dim < 0)) {
      throw new UnsupportedNodeException(
          node, Arrays.toString(input.dims()) + " cannot be reshaped to " + Arrays.toString(dims));
    }
    return dims;
  }

  private static long[] flattened(Node node, Operand input) {
    int axis = axis(node, node.intAttribute("axis", 1), input.rank(), true);
    long outer = 1;
    for (int i = 0; i < axis; i++) {
      outer *= input.dim(i);
    }
    return new long[] {outer, outer == 0 ? 0 : input.elements() / outer};
  }

  private static long[] squeezed(Node node, Operand input, Compilation to) {
    List<Long> axes = axes(node, to);
    Set<Integer> gone = new HashSet<>();
    if (axes.isEmpty()) {
      for (int i = 0; i < input.rank(); i++) {
        if (input.dim(i) == 1) {
          gone.add(i);
        }
      }
    }
    for (long axis : axes) {
      int i = axis(node, axis, input.rank(), false);
      if (input.dim(i) != 1) {
        throw new UnsupportedNodeException(
            node, "dimension " + i + " is " + input.dim(i) + " and cannot be squeezed");
      }
      gone.add(i);
    }
    List<Long> dims = new ArrayList<>();
    for (int i = 0; i < input.rank(); i++) {
      if (!gone.contains(i)) {
        dims.add(input.dim(i));
      }
    }
    return dims.stream().mapToLong(Long::longValue).toArray();
  }

  private static long[] unsqueezed(Node node, Operand input, Compilation to) {
    List<Long> axes = axes(node, to);
    int rank = input.rank() + axes.size();
    Set<Integer> fresh = new HashSet<>();
    for (long axis : axes) {
      fresh.add(axis(node, axis, rank, false));
    }
    long[] dims = new long[rank];
    int from = 0;
    for (int i = 0; i < rank; i++) {
      dims[i] = fresh.contains(i) || from >= input.rank() ? 1 : input.dim(from++);
    }
    return dims;
  }

  private static List<Long> axes(Node node, Compilation to) {
    return node.input(1) == null
        ? node.intsAttribute("axes", List.of())
        : Arrays.stream(Settings.longs(node, to, 1, "axes")).boxed().toList();
  }

  /** {@code axis} counted from the front; {@code end} allows the one past the last. */
  static int axis(Node node, long axis, int rank, boolean end) {
    long counted = axis < 0 ? axis + rank : axis;
    if (counted < 0 || counted > rank || (counted == rank && !end)) {
      throw new UnsupportedNodeException(
          node, "axis " + axis + " is not one of its input's " + rank + " dimensions");
    }
    return (int) counted;
  }
}
