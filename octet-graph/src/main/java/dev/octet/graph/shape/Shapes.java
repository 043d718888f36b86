package dev.octet.graph.shape;

import dev.octet.graph.DataType;
import dev.octet.graph.Dimension;
import dev.octet.graph.Graph;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import dev.octet.graph.ValueType.TensorType;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * The element types and dimensions of a graph's values, as far as they follow from what the model
 * declares and from the operators' rules.
 *
 * <p>Symbolic dimensions keep their names; a dimension of which nothing is known is {@link
 * Dimension.Unknown}. An operator without a rule here leaves its outputs unknown, which is never
 * wrong. Inferred once: a graph that changes afterwards needs a new inference. Values that were
 * added since are unknown.
 */
public final class Shapes {
  private final Map<Value, TensorType> types = new HashMap<>();

  private Shapes() {}

  /** What is known of the values of {@code graph} and of the graphs nested in it. */
  public static Shapes infer(Graph graph) {
    Shapes shapes = new Shapes();
    shapes.visit(graph);
    return shapes;
  }

  /** The element type, or null where it is unknown. */
  public @Nullable DataType elementType(Value value) {
    TensorType type = types.get(value);
    return type == null ? null : type.elementType();
  }

  /** The dimensions, or null where not even their number is known. */
  public @Nullable List<Dimension> shape(Value value) {
    TensorType type = types.get(value);
    return type == null ? null : type.shape();
  }

  /** The number of dimensions, where it is known. */
  public OptionalInt rank(Value value) {
    List<Dimension> shape = shape(value);
    return shape == null ? OptionalInt.empty() : OptionalInt.of(shape.size());
  }

  private void visit(Graph graph) {
    for (Value value : graph.values()) {
      Tensor tensor = value.initializer();
      if (tensor != null && !value.isInput()) {
        types.put(value, typeOf(tensor));
      } else if (value.type() instanceof TensorType declared) {
        types.put(value, declared);
      }
    }
    for (Node node : graph.nodes()) {
      if (node.domain().isEmpty()) {
        List<TensorType> made = new OperatorShapes(this, node).outputs();
        for (int i = 0; i < made.size() && i < node.outputs().size(); i++) {
          Value output = node.outputs().get(i);
          if (output != null) {
            types.merge(output, made.get(i), Shapes::merge);
          }
        }
      }
      node.nestedGraphs().forEach(this::visit);
    }
  }

  static TensorType typeOf(Tensor tensor) {
    return new TensorType(
        tensor.type(),
        Arrays.stream(tensor.shape()).<Dimension>mapToObj(Dimension.Fixed::new).toList());
  }

  /** What is declared, completed by what was inferred. */
  private static TensorType merge(TensorType declared, TensorType inferred) {
    DataType element =
        declared.elementType() != null ? declared.elementType() : inferred.elementType();
    List<Dimension> known = declared.shape();
    List<Dimension> other = inferred.shape();
    if (known == null || other == null || known.size() != other.size()) {
      return new TensorType(element, known != null ? known : other);
    }
    Dimension[] both = new Dimension[known.size()];
    for (int i = 0; i < both.length; i++) {
      both[i] =
          known.get(i) instanceof Dimension.Unknown
                  || (known.get(i) instanceof Dimension.Symbolic
                      && other.get(i) instanceof Dimension.Fixed)
              ? other.get(i)
              : known.get(i);
    }
    return new TensorType(element, List.of(both));
  }
}
