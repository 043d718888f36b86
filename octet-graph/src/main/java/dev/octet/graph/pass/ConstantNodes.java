package dev.octet.graph.pass;

import dev.octet.graph.Attribute;
import dev.octet.graph.Bytes;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Turns {@code Constant} nodes into initializers of the same name. */
public final class ConstantNodes implements Rewrite {

  @Override
  public String name() {
    return "constant-nodes";
  }

  @Override
  public Match match(Node node) {
    if (!node.is("Constant")) {
      return Match.none();
    }
    if (tensor(node) == null) {
      return Match.refused(
          "its value is none of value, value_float(s), value_int(s), value_string(s)");
    }
    if (Rewriter.isReturned(node.output())) {
      return Match.refused("'" + node.output().name() + "' is an output of the graph");
    }
    return Match.of(node);
  }

  @Override
  public void apply(Match.Fires match, Rewriter change) {
    Tensor tensor = tensor(match.node(0));
    if (tensor != null) {
      change.replaceByConstant(match.node(0), tensor);
    }
  }

  /** What {@code node} makes, or null where it is kept in a form not known here (sparse). */
  static @Nullable Tensor tensor(Node node) {
    if (node.attributes().size() != 1) {
      return null;
    }
    Attribute only = node.attributes().values().iterator().next();
    if (only instanceof Attribute.TensorValue typed) {
      return typed.value();
    } else if (only instanceof Attribute.FloatValue typed) {
      return Tensor.ofFloats(new float[] {typed.value()});
    } else if (only instanceof Attribute.FloatList typed) {
      return floats(typed.values());
    } else if (only instanceof Attribute.IntValue typed) {
      return Tensor.ofLongs(new long[] {typed.value()});
    } else if (only instanceof Attribute.IntList typed) {
      long[] values = typed.values().stream().mapToLong(v -> v).toArray();
      return Tensor.ofLongs(values, values.length);
    } else if (only instanceof Attribute.StringValue typed) {
      return Tensor.ofStrings(new long[0], List.of(utf8(typed.value())));
    } else if (only instanceof Attribute.StringList typed) {
      return Tensor.ofStrings(
          new long[] {typed.values().size()},
          typed.values().stream().map(ConstantNodes::utf8).toList());
    }
    return null;
  }

  private static Tensor floats(List<Float> list) {
    float[] values = new float[list.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = list.get(i);
    }
    return Tensor.ofFloats(values, values.length);
  }

  private static Bytes utf8(String text) {
    return Bytes.copyOf(text.getBytes(StandardCharsets.UTF_8));
  }
}
