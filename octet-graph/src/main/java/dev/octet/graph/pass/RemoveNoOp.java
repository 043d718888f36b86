package dev.octet.graph.pass;

import dev.octet.graph.DataType;
import dev.octet.graph.Dimension;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import dev.octet.graph.ValueType;
import java.util.List;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/**
 * Removes nodes that provably return their input: Cast to the type it has, Transpose that moves
 * nothing, Reshape to the fixed shape it has, Flatten of a matrix, Concat of one.
 *
 * <p>Types and shapes are those that the model declares; where it declares none, nothing is proved
 * and the node stays without a word.
 */
public final class RemoveNoOp implements Rewrite {

  @Override
  public String name() {
    return "remove-no-op";
  }

  @Override
  public Match match(Node node) {
    Value in = node.input(0);
    return in != null && node.domain().isEmpty() && doesNothing(node, in)
        ? Bypass.match(node)
        : Match.none();
  }

  @Override
  public void apply(Match.Fires match, Rewriter change) {
    Bypass.apply(match, change);
  }

  private static boolean doesNothing(Node node, Value in) {
    List<Dimension> shape = in.shape();
    return switch (node.op()) {
      case "Cast" -> {
        DataType type = elementType(in);
        yield type != null && type.code() == node.intAttribute("to", 0);
      }
      case "Transpose" -> {
        List<Long> perm = node.intsAttribute("perm", List.of());
        yield !perm.isEmpty() && perm.equals(LongStream.range(0, perm.size()).boxed().toList());
      }
      case "Reshape" -> {
        Value target = node.input(1);
        Tensor wanted = target == null ? null : target.constant();
        yield shape != null
            && wanted != null
            && wanted.type() == DataType.INT64
            && shape.stream().allMatch(d -> d instanceof Dimension.Fixed fixed && fixed.size() > 0)
            && shape.equals(
                LongStream.of(wanted.toLongs())
                    .mapToObj(d -> d > 0 ? new Dimension.Fixed(d) : new Dimension.Unknown())
                    .toList());
      }
      case "Flatten" -> shape != null && shape.size() == 2 && node.intAttribute("axis", 1) == 1;
      case "Concat" -> node.inputs().size() == 1;
      default -> false;
    };
  }

  private static @Nullable DataType elementType(Value value) {
    Tensor constant = value.constant();
    if (constant != null) {
      return constant.type();
    }
    return value.type() instanceof ValueType.TensorType tensor ? tensor.elementType() : null;
  }
}
