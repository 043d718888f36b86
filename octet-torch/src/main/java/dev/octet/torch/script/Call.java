package dev.octet.torch.script;

import dev.octet.graph.Attribute;
import dev.octet.graph.DataType;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Value;
import java.util.List;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * One call of an operator: its arguments, what LibTorch returned on the example inputs, and the
 * graph to write the same into.
 *
 * <p>Arguments are counted as in the operator's schema. Asking for an argument of another kind than
 * it is refuses the call, so that an overload nobody thought of is reported and not misread.
 */
final class Call {

  /** Why a call cannot be converted. */
  static final class Refusal extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Refusal(String reason) {
      super(reason);
    }
  }

  private final String operator;
  private final List<Object> arguments;
  private final List<Object> results;
  private final Emitter emitter;

  Call(String operator, List<Object> arguments, List<Object> results, Emitter emitter) {
    this.operator = operator;
    this.arguments = arguments;
    this.results = results;
    this.emitter = emitter;
  }

  /** The operator without namespace and without the mark of the in-place form. */
  String operator() {
    return operator;
  }

  Emitter emit() {
    return emitter;
  }

  Refusal refuse(String reason) {
    return new Refusal(reason);
  }

  // ---- arguments ----

  int size() {
    return arguments.size();
  }

  Object argument(int index) {
    return index < arguments.size() ? arguments.get(index) : ScriptValue.None.NONE;
  }

  /** Whether the argument is given and not None. */
  boolean has(int index) {
    return argument(index) != ScriptValue.None.NONE;
  }

  boolean isTensor(int index) {
    return argument(index) instanceof TracedTensor;
  }

  boolean isNumber(int index) {
    Object value = argument(index);
    return value instanceof Number || value instanceof Boolean;
  }

  boolean isList(int index) {
    return argument(index) instanceof List<?>;
  }

  boolean isText(int index) {
    return argument(index) instanceof String;
  }

  boolean isFlag(int index) {
    return argument(index) instanceof Boolean;
  }

  TracedTensor tensor(int index) {
    if (argument(index) instanceof TracedTensor tensor) {
      return tensor;
    }
    throw wrong(index, "a tensor");
  }

  List<TracedTensor> tensors(int index) {
    if (argument(index) instanceof List<?> items) {
      for (Object item : items) {
        if (!(item instanceof TracedTensor)) {
          throw wrong(index, "a list of tensors");
        }
      }
      return items.stream().map(TracedTensor.class::cast).toList();
    }
    throw wrong(index, "a list of tensors");
  }

  double number(int index) {
    Object value = argument(index);
    if (value instanceof Boolean flag) {
      return flag ? 1 : 0;
    }
    if (value instanceof Number number) {
      return number.doubleValue();
    }
    throw wrong(index, "a number");
  }

  double number(int index, double otherwise) {
    return has(index) ? number(index) : otherwise;
  }

  long integer(int index) {
    Object value = argument(index);
    if (value instanceof Boolean flag) {
      return flag ? 1 : 0;
    }
    if (value instanceof Long number) {
      return number;
    }
    throw wrong(index, "an integer");
  }

  boolean flag(int index) {
    if (argument(index) instanceof Boolean flag) {
      return flag;
    }
    throw wrong(index, "a truth value");
  }

  boolean flag(int index, boolean otherwise) {
    return has(index) ? flag(index) : otherwise;
  }

  String text(int index) {
    if (argument(index) instanceof String text) {
      return text;
    }
    throw wrong(index, "a text");
  }

  /** A list of integers; a single integer is a list of one. */
  long[] integers(int index) {
    if (argument(index) instanceof List<?> items) {
      long[] values = new long[items.size()];
      for (int i = 0; i < values.length; i++) {
        if (!(items.get(i) instanceof Long number)) {
          throw wrong(index, "a list of integers");
        }
        values[i] = number;
      }
      return values;
    }
    return new long[] {integer(index)};
  }

  /** A list of {@code count} integers; where only one is given it holds for all. */
  long[] integers(int index, int count) {
    long[] given = integers(index);
    if (given.length == count) {
      return given;
    }
    if (given.length != 1) {
      throw wrong(index, count + " integers");
    }
    long[] values = new long[count];
    java.util.Arrays.fill(values, given[0]);
    return values;
  }

  /** A dimension of tensor argument 0, counted from the first. */
  int axis(int index) {
    return axis(integer(index), tensor(0).rank());
  }

  /** {@code axis} counted from the first of {@code rank} dimensions. */
  static int axis(long axis, int rank) {
    return Math.toIntExact(axis < 0 ? axis + Math.max(rank, 1) : axis);
  }

  // ---- results ----

  /** What the operator returned first. */
  TracedTensor out() {
    return out(0);
  }

  TracedTensor out(int index) {
    if (results.get(index) instanceof TracedTensor tensor) {
      return tensor;
    }
    throw new Refusal("returns no tensor here");
  }

  /** The tensors of a returned list. */
  List<TracedTensor> outs() {
    if (results.get(0) instanceof List<?> items) {
      return items.stream().map(TracedTensor.class::cast).toList();
    }
    throw new Refusal("returns no list here");
  }

  int resultCount() {
    return results.size();
  }

  /** {@code value} stands for the first result. */
  void returns(Value value) {
    out().bind(value);
  }

  /** Nothing may read result number {@code index}. */
  void withhold(int index) {
    results.set(index, ScriptValue.Unknown.UNKNOWN);
  }

  // ---- the graph ----

  /** The value of a tensor argument. */
  Value in(int index) {
    return emitter.value(tensor(index));
  }

  /** The value of a tensor or number argument in element type {@code type}. */
  Value in(int index, DataType type) {
    if (isTensor(index)) {
      return emitter.cast(in(index), tensor(index).type(), type);
    }
    return emitter.scalar(type, number(index));
  }

  /** The value of a tensor argument in the type of the first result. */
  Value inAsOut(int index) {
    return in(index, out().type());
  }

  Value node(String op, Value... inputs) {
    return emitter.node(op, inputs);
  }

  Value node(NodeSpec spec) {
    return emitter.node(spec);
  }

  /** A scalar of the first result's type. */
  Value scalar(double number) {
    return emitter.scalar(out().type(), number);
  }

  /** {@code value} under another shape. */
  Value reshape(Value value, long... shape) {
    return node("Reshape", value, emitter.longs(shape));
  }

  /** {@code value} with its dimensions in another order. */
  Value transpose(Value value, long... order) {
    for (int i = 0; i < order.length; i++) {
      if (order[i] != i) {
        return node(
            NodeSpec.of("Transpose").reads(value).with("perm", Attribute.IntList.of(order)));
      }
    }
    return value;
  }

  /** The element type in which LibTorch would compare or combine arguments 0 and 1. */
  DataType commonType() {
    ScalarType common;
    if (isTensor(0) && isTensor(1)) {
      common = torch.result_type(tensor(0).nativeTensor(), tensor(1).nativeTensor());
    } else {
      int at = isTensor(0) ? 0 : 1;
      try (var scalar =
          argument(1 - at) instanceof Double d
              ? new org.bytedeco.pytorch.Scalar(d)
              : argument(1 - at) instanceof Boolean b
                  ? new org.bytedeco.pytorch.Scalar(b ? 1L : 0L)
                  : new org.bytedeco.pytorch.Scalar(integer(1 - at))) {
        common = torch.result_type(tensor(at).nativeTensor(), scalar);
      }
    }
    DataType type = NativeTensors.dataType(common);
    if (type == null) {
      throw new Refusal("computes in " + common.intern());
    }
    return type;
  }

  private Refusal wrong(int index, String wanted) {
    return new Refusal(
        "is called in a form that is not supported: argument "
            + (index + 1)
            + " is no constant that is "
            + wanted);
  }
}
