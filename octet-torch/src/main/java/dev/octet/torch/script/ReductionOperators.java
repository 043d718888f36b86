package dev.octet.torch.script;

import dev.octet.graph.Attribute;
import dev.octet.graph.DataType;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Value;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;

/** Operators that make fewer numbers of many, and softmax. */
final class ReductionOperators {

  private ReductionOperators() {}

  static void register(Map<String, Operators.Rule> rules) {
    rules.put("mean", c -> c.returns(reduce(c, "ReduceMean", c.inAsOut(0), axes(c), keep(c))));
    rules.put("sum", c -> c.returns(reduce(c, "ReduceSum", c.inAsOut(0), axes(c), keep(c))));
    rules.put("prod", ReductionOperators::product);
    rules.put("amax", c -> c.returns(reduce(c, "ReduceMax", c.in(0), axes(c), keep(c))));
    rules.put("amin", c -> c.returns(reduce(c, "ReduceMin", c.in(0), axes(c), keep(c))));
    rules.put(
        "logsumexp", c -> c.returns(reduce(c, "ReduceLogSumExp", c.inAsOut(0), axes(c), keep(c))));
    rules.put("max", c -> extreme(c, "Max"));
    rules.put("min", c -> extreme(c, "Min"));
    rules.put("argmax", c -> c.returns(position(c, "ArgMax")));
    rules.put("argmin", c -> c.returns(position(c, "ArgMin")));
    rules.put("any", c -> c.returns(truth(c, "ReduceMax")));
    rules.put("all", c -> c.returns(truth(c, "ReduceMin")));
    rules.put("var", c -> c.returns(variance(c)));
    rules.put("std", c -> c.returns(c.node("Sqrt", variance(c))));
    rules.put("norm", ReductionOperators::norm);
    rules.put("linalg_vector_norm", ReductionOperators::norm);
    rules.put(
        "softmax",
        c -> c.returns(c.node(NodeSpec.of("Softmax").reads(c.inAsOut(0)).with("axis", c.axis(1)))));
    rules.put("_softmax", rules.get("softmax"));
    rules.put(
        "log_softmax",
        c ->
            c.returns(
                c.node(NodeSpec.of("LogSoftmax").reads(c.inAsOut(0)).with("axis", c.axis(1)))));
    rules.put("_log_softmax", rules.get("log_softmax"));
    rules.put(
        "cumsum",
        c -> c.returns(c.node("CumSum", c.inAsOut(0), c.emit().scalar(DataType.INT64, c.axis(1)))));
    rules.put("topk", ReductionOperators::topk);
    rules.put("sort", c -> sort(c, c.axis(1), c.flag(2)));
    rules.put("argsort", ReductionOperators::argsort);
  }

  /** The dimensions to reduce, argument 1; all of them where it is not given. */
  private static long[] axes(Call c) {
    int rank = c.tensor(0).rank();
    boolean typeFirst = c.size() == 2 && !c.isList(1); // sum(x, dtype)
    if (!c.has(1) || typeFirst || c.integers(1).length == 0) {
      return LongStream.range(0, rank).toArray();
    }
    return Arrays.stream(c.integers(1)).map(a -> Call.axis(a, rank)).toArray();
  }

  private static boolean keep(Call c) {
    return c.size() > 2 && c.flag(2);
  }

  /** Until opset 18 only ReduceSum takes its axes as an input. */
  static Value reduce(Call c, String op, Value x, long[] axes, boolean keep) {
    if (c.tensor(0).rank() == 0) {
      return x;
    }
    NodeSpec spec = NodeSpec.of(op).with("keepdims", keep ? 1 : 0);
    return op.equals("ReduceSum")
        ? c.node(spec.reads(x, c.emit().longs(axes)))
        : c.node(spec.reads(x).with("axes", Attribute.IntList.of(axes)));
  }

  private static void product(Call c) {
    // prod(x, dtype) reduces everything, prod(x, dim, keepdim, dtype) one dimension
    boolean one = c.size() > 2;
    long[] axes = one ? new long[] {c.axis(1)} : LongStream.range(0, c.tensor(0).rank()).toArray();
    c.returns(reduce(c, "ReduceProd", c.inAsOut(0), axes, one && c.flag(2)));
  }

  private static void extreme(Call c, String which) {
    if (c.isTensor(1)) {
      c.returns(c.node(which, c.inAsOut(0), c.inAsOut(1)));
      return;
    }
    if (c.size() == 1) {
      long[] all = LongStream.range(0, c.tensor(0).rank()).toArray();
      c.returns(reduce(c, "Reduce" + which, c.in(0), all, false));
      return;
    }
    int axis = c.axis(1);
    c.returns(reduce(c, "Reduce" + which, c.in(0), new long[] {axis}, c.flag(2)));
    c.out(1).bind(arg(c, "Arg" + which, c.in(0), axis, c.flag(2)));
  }

  private static Value arg(Call c, String op, Value x, int axis, boolean keep) {
    return c.node(NodeSpec.of(op).reads(x).with("axis", axis).with("keepdims", keep ? 1 : 0));
  }

  private static Value position(Call c, String op) {
    if (c.has(1)) {
      return arg(c, op, c.in(0), c.axis(1), keep(c));
    }
    if (keep(c)) {
      throw c.refuse("keeps the dimensions of a position among all elements");
    }
    return arg(c, op, c.reshape(c.in(0), -1), 0, false);
  }

  private static Value truth(Call c, String op) {
    long[] axes =
        c.size() > 1 && c.has(1) ? axes(c) : LongStream.range(0, c.tensor(0).rank()).toArray();
    Value flags = c.in(0, DataType.BOOL);
    Value numbers = c.emit().cast(flags, DataType.BOOL, DataType.INT32);
    return c.emit().cast(reduce(c, op, numbers, axes, keep(c)), DataType.INT32, DataType.BOOL);
  }

  /** var(x, unbiased), var(x, dims, unbiased, keepdim) and var(x, dims, correction=, keepdim=). */
  private static Value variance(Call c) {
    boolean all = c.size() <= 2 && (c.size() < 2 || c.isFlag(1));
    long[] axes = all ? LongStream.range(0, c.tensor(0).rank()).toArray() : axes(c);
    double correction = all ? c.number(1, 1) : c.number(2, 1);
    boolean keep = !all && c.flag(3, false);
    double count = 1;
    for (long axis : axes) {
      count *= c.tensor(0).size((int) axis);
    }
    Value x = c.in(0);
    Value deviation = c.node("Sub", x, reduce(c, "ReduceMean", x, axes, true));
    Value mean = reduce(c, "ReduceMean", c.node("Mul", deviation, deviation), axes, keep);
    double factor = count / Math.max(0, count - correction);
    return factor == 1 ? mean : c.node("Mul", mean, c.scalar(factor));
  }

  private static void norm(Call c) {
    double order = c.number(1, 2);
    if (order != 1 && order != 2) {
      throw c.refuse("is the norm of order " + order + "; 1 and 2 are supported");
    }
    int rank = c.tensor(0).rank();
    long[] axes =
        c.has(2)
            ? Arrays.stream(c.integers(2)).map(a -> Call.axis(a, rank)).toArray()
            : LongStream.range(0, rank).toArray();
    boolean keep = c.size() > 3 && c.flag(3);
    c.returns(reduce(c, order == 1 ? "ReduceL1" : "ReduceL2", c.inAsOut(0), axes, keep));
  }

  private static void topk(Call c) {
    NodeSpec spec =
        NodeSpec.of("TopK")
            .reads(c.in(0), c.emit().longs(c.integer(1)))
            .with("axis", c.axis(2))
            .with("largest", c.flag(3) ? 1 : 0)
            .with("sorted", c.flag(4) ? 1 : 0);
    List<Value> both = c.emit().nodes(spec, 2);
    c.out(0).bind(both.get(0));
    c.out(1).bind(both.get(1));
  }

  private static void sort(Call c, int axis, boolean descending) {
    List<Value> both = sorted(c, axis, descending);
    c.out(0).bind(both.get(0));
    c.out(1).bind(both.get(1));
  }

  private static void argsort(Call c) {
    c.returns(sorted(c, c.axis(1), c.flag(2)).get(1));
  }

  private static List<Value> sorted(Call c, int axis, boolean descending) {
    NodeSpec spec =
        NodeSpec.of("TopK")
            .reads(c.in(0), c.emit().longs(c.tensor(0).size(axis)))
            .with("axis", axis)
            .with("largest", descending ? 1 : 0)
            .with("sorted", 1);
    return c.emit().nodes(spec, 2);
  }
}
