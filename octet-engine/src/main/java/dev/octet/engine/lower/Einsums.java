package dev.octet.engine.lower;

import dev.octet.engine.dnnl.Args;
import dev.octet.engine.dnnl.Attributes;
import dev.octet.engine.dnnl.Layout;
import dev.octet.engine.dnnl.Primitives;
import dev.octet.engine.plan.Compilation;
import dev.octet.engine.plan.Kernel;
import dev.octet.engine.plan.Lowering;
import dev.octet.engine.plan.Operand;
import dev.octet.engine.plan.Stored;
import dev.octet.engine.plan.UnsupportedNodeException;
import dev.octet.graph.DataType;
import dev.octet.graph.Node;
import dev.octet.graph.Value;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Einsum without an ellipsis. Two operands of floats whose sums run over labels that both have are
 * a product of matrices; all else is added up in Java.
 */
final class Einsums implements Lowering {

  /**
   * An equation with the size of each label.
   *
   * @param inputs the labels of each operand
   * @param output those of the result
   */
  private record Equation(List<String> inputs, String output, Map<Character, Long> sizes) {

    static Equation of(Node node, List<Operand> operands) {
      String text = node.stringAttribute("equation", "").replace(" ", "");
      String[] sides = text.split("->", -1);
      List<String> inputs = List.of(sides[0].split(",", -1));
      if (sides.length > 2 || inputs.size() != operands.size() || !text.matches("[A-Za-z,>-]*")) {
        throw refused(node, text);
      }
      Map<Character, Long> sizes = new TreeMap<>();
      Map<Character, Integer> counts = new TreeMap<>();
      for (int i = 0; i < inputs.size(); i++) {
        String labels = inputs.get(i);
        Operand operand = operands.get(i);
        if (labels.length() != operand.rank()) {
          throw refused(node, text);
        }
        for (int d = 0; d < labels.length(); d++) {
          long size = operand.dim(d);
          if (sizes.merge(labels.charAt(d), size, Math::max) != size) {
            throw refused(node, text);
          }
          counts.merge(labels.charAt(d), 1, Integer::sum);
        }
      }
      String output =
          sides.length == 2
              ? sides[1]
              : sizes.keySet().stream()
                  .filter(label -> Integer.valueOf(1).equals(counts.get(label)))
                  .map(String::valueOf)
                  .collect(Collectors.joining());
      if (output.chars().distinct().count() != output.length()
          || output.chars().anyMatch(label -> !sizes.containsKey((char) label))) {
        throw refused(node, text);
      }
      return new Equation(inputs, output, sizes);
    }

    private static UnsupportedNodeException refused(Node node, String text) {
      return new UnsupportedNodeException(
          node, "its equation '" + text + "' does not fit its operands, or has an ellipsis");
    }

    long size(char label) {
      Long size = sizes.get(label);
      return size == null ? 1 : size;
    }

    long[] dims(String labels) {
      return labels.chars().mapToLong(label -> size((char) label)).toArray();
    }

    /** The labels of {@code from} for which being in each of the others is as wanted. */
    static String pick(String from, String with, boolean inWith, String and, boolean inAnd) {
      return from.chars()
          .filter(l -> with.indexOf(l) >= 0 == inWith && and.indexOf(l) >= 0 == inAnd)
          .mapToObj(Character::toString)
          .collect(Collectors.joining());
    }
  }

  @Override
  public void lower(Node node, Compilation to) {
    Value output = node.outputs().get(0);
    if (output == null) {
      return;
    }
    List<Operand> operands = new ArrayList<>();
    for (int i = 0; i < node.inputs().size(); i++) {
      operands.add(to.input(node, i));
      if (operands.get(i).type() != operands.get(0).type()) {
        throw new UnsupportedNodeException(node, "its operands' types differ");
      }
    }
    Equation equation = Equation.of(node, operands);
    if (operands.size() == 2 && product(to, equation, operands, output)) {
      return;
    }
    to.define(output, sum(node, to, equation, operands));
  }

  private static boolean product(
      Compilation to, Equation equation, List<Operand> operands, Value output) {
    String a = equation.inputs.get(0);
    String b = equation.inputs.get(1);
    String out = equation.output;
    String batch = Equation.pick(a, b, true, out, true);
    String summed = Equation.pick(a, b, true, out, false);
    String left = Equation.pick(a, b, false, out, true);
    String right = Equation.pick(b, a, false, out, true);
    boolean plain =
        operands.get(0).type() == DataType.FLOAT
            && !out.isEmpty()
            && batch.length() + summed.length() + left.length() == a.length()
            && batch.length() + summed.length() + right.length() == b.length()
            && a.chars().distinct().count() == a.length()
            && b.chars().distinct().count() == b.length()
            && !a.isEmpty()
            && !b.isEmpty();
    if (!plain) {
      return false;
    }
    long batches = size(equation, batch);
    long rows = size(equation, left);
    long columns = size(equation, right);
    long depth = size(equation, summed);
    Stored first = turned(to, operands.get(0), equation, a, batch + left + summed);
    Stored second = turned(to, operands.get(1), equation, b, batch + summed + right);
    Layout one = Layout.rowMajor(DataType.FLOAT, batches, rows, depth);
    Layout two = Layout.rowMajor(DataType.FLOAT, batches, depth, columns);
    Layout made = Layout.rowMajor(DataType.FLOAT, batches, rows, columns);
    Stored result = to.allocate(made);
    to.primitive(
        Primitives.matmul(one, two, null, made, new Attributes()),
        Map.of(
            Args.SRC, new Stored(first.buffer(), one),
            Args.WEIGHTS, new Stored(second.buffer(), two),
            Args.DST, result));
    String order = batch + left + right;
    Layout named = Layout.rowMajor(DataType.FLOAT, equation.dims(order));
    Stored whole = new Stored(result.buffer(), named);
    to.define(output, turned(to, Operand.stored(whole), equation, order, out));
    return true;
  }

  private static long size(Equation equation, String labels) {
    return Arrays.stream(equation.dims(labels)).reduce(1, Math::multiplyExact);
  }

  /** {@code operand} of labels {@code from} in row-major order of the same labels {@code into}. */
  private static Stored turned(
      Compilation to, Operand operand, Equation equation, String from, String into) {
    Stored stored = to.stored(operand);
    Layout turned = stored.layout().permuted(into.chars().map(from::indexOf).toArray());
    Layout plain = Layout.rowMajor(DataType.FLOAT, equation.dims(into));
    return turned == null || from.equals(into)
        ? to.rowMajor(operand)
        : to.reorder(new Stored(stored.buffer(), turned), plain);
  }

  private static Operand sum(Node node, Compilation to, Equation equation, List<Operand> operands) {
    String summed =
        equation.sizes.keySet().stream()
            .filter(label -> equation.output.indexOf(label) < 0)
            .map(String::valueOf)
            .collect(Collectors.joining());
    int count = operands.size();
    long[][] outer = new long[count][];
    int[][] places = new int[count][];
    List<Stored> sources = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      String labels = equation.inputs.get(i);
      outer[i] = strides(labels, equation, equation.output);
      places[i] = places(equation.dims(summed), strides(labels, equation, summed));
      sources.add(Copies.plain(node, to, operands.get(i)));
    }
    long[] dims = equation.dims(equation.output);
    Walk walk = Walk.over(dims, outer);
    DataType type = operands.get(0).type();
    Elements elements = Elements.of(type, node);
    Stored result = Copies.allocate(node, to, type, dims);
    int terms = Math.toIntExact(size(equation, summed));
    Kernel kernel =
        (reads, writes) -> {
          ByteBuffer out = writes.get(0);
          Walk.Cursor cursor = walk.cursor();
          ByteBuffer[] in = reads.toArray(new ByteBuffer[0]);
          return () -> {
            cursor.reset();
            int at = 0;
            do {
              for (int i = 0; i < walk.length(); i++, at++) {
                double real = 0;
                long whole = 0;
                for (int t = 0; t < terms; t++) {
                  double product = 1;
                  long wholes = 1;
                  for (int k = 0; k < in.length; k++) {
                    int from = cursor.at(k) + i * walk.stride(k) + places[k][t];
                    if (elements.isFloat()) {
                      product *= elements.real(in[k], from);
                    } else {
                      wholes *= elements.whole(in[k], from);
                    }
                  }
                  real += product;
                  whole += wholes;
                }
                if (elements.isFloat()) {
                  elements.put(out, at, real);
                } else {
                  elements.put(out, at, whole);
                }
              }
            } while (cursor.next());
          };
        };
    to.kernel("sum of products", kernel, sources, List.of(result));
    return Operand.stored(result);
  }

  /**
   * The stride of each of {@code along} in an operand of {@code labels}: a diagonal has several.
   */
  private static long[] strides(String labels, Equation equation, String along) {
    long[] plain = Walk.strides(equation.dims(labels));
    long[] strides = new long[along.length()];
    for (int i = 0; i < strides.length; i++) {
      for (int d = 0; d < plain.length; d++) {
        strides[i] += labels.charAt(d) == along.charAt(i) ? plain[d] : 0;
      }
    }
    return strides;
  }

  /** Where each combination of the summed labels lies. */
  private static int[] places(long[] dims, long[] strides) {
    int[] places = new int[Settings.product(dims, 0, dims.length)];
    for (int t = 0; t < places.length; t++) {
      long rest = t;
      for (int d = dims.length - 1; d >= 0; d--) {
        places[t] += Math.toIntExact(rest % dims[d] * strides[d]);
        rest /= dims[d];
      }
    }
    return places;
  }
}
