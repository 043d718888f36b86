package dev.octet.quantize.run;

import dev.octet.graph.DataType;
import dev.octet.graph.Dimension;
import dev.octet.graph.Graph;
import dev.octet.graph.Value;
import dev.octet.graph.ValueType.TensorType;
import dev.octet.quantize.data.ElementType;
import dev.octet.quantize.data.ModelInput;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a graph declares of its inputs and outputs, in the terms of {@code dev.octet.quantize.data}.
 */
public final class ModelInputs {
  private ModelInputs() {}

  /**
   * The inputs that callers must supply, in order.
   *
   * @throws RunException if one of them is no tensor of a type that can be fed, or has no rank
   */
  public static List<ModelInput> of(Graph graph) {
    return declared(
        graph.inputs().stream().filter(input -> input.initializer() == null).toList(), true);
  }

  /** The outputs that are tensors of known type and rank, in order. */
  public static List<ModelInput> outputsOf(Graph graph) {
    return declared(graph.outputs(), false);
  }

  private static List<ModelInput> declared(Collection<Value> values, boolean required) {
    List<ModelInput> result = new ArrayList<>();
    for (Value value : values) {
      ElementType type = value.type() instanceof TensorType tensor ? elementType(tensor) : null;
      List<Dimension> shape = value.shape();
      if (type != null && shape != null) {
        List<Long> sizes =
            shape.stream()
                .map(d -> d instanceof Dimension.Fixed fixed ? fixed.size() : ModelInput.DYNAMIC)
                .toList();
        result.add(new ModelInput(value.name(), type, sizes));
      } else if (required) {
        throw new RunException(
            "model input '"
                + value.name()
                + "' is declared as "
                + value.type()
                + "; Octet feeds float, double, integer and bool tensors of known rank");
      }
    }
    return result;
  }

  static @Nullable ElementType elementType(TensorType tensor) {
    DataType type = tensor.elementType();
    if (type == null) {
      return null;
    }
    return switch (type) {
      case FLOAT -> ElementType.FLOAT32;
      case DOUBLE -> ElementType.FLOAT64;
      case INT64 -> ElementType.INT64;
      case INT32 -> ElementType.INT32;
      case INT8 -> ElementType.INT8;
      case UINT8 -> ElementType.UINT8;
      case BOOL -> ElementType.BOOL;
      default -> null;
    };
  }
}
