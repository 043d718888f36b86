package dev.octet.engine.lower;

import dev.octet.engine.dnnl.DnnlException;
import dev.octet.engine.plan.Compilation;
import dev.octet.engine.plan.Kernel;
import dev.octet.engine.plan.Lowering;
import dev.octet.engine.plan.Operand;
import dev.octet.engine.plan.Quantization;
import dev.octet.engine.plan.Stored;
import dev.octet.engine.plan.UnsupportedNodeException;
import dev.octet.graph.DataType;
import dev.octet.graph.Node;
import dev.octet.graph.Value;
import java.nio.ByteBuffer;
import java.util.List;

/** Where, which chooses between two tensors, and Cast, which changes the type of one. */
final class Selections implements Lowering {

  @Override
  public void lower(Node node, Compilation to) {
    Value output = node.outputs().get(0);
    if (output == null) {
      return;
    }
    if (node.is("Where")) {
      where(node, to, output);
      return;
    }
    Operand input = to.input(node, 0);
    DataType type =
        node.is("CastLike")
            ? to.input(node, 1).type()
            : DataType.ofCode((int) node.intAttribute("to", 0));
    if (type == null) {
      throw new UnsupportedNodeException(node, "it casts to an unknown type");
    }
    to.define(output, cast(node, to, input, type));
  }

  private static void where(Node node, Compilation to, Value output) {
    Operand test = to.input(node, 0);
    Operand yes = to.input(node, 1);
    Operand no = to.input(node, 2);
    if (test.type() != DataType.BOOL || yes.type() != no.type()) {
      throw new UnsupportedNodeException(
          node, "it chooses by " + test.type() + " between " + yes.type() + " and " + no.type());
    }
    Quantization q = yes.quantization();
    Operand first = yes.integers();
    Operand second = no.integers();
    if (q != null
        && first != null
        && second != null
        && q.isPerTensor()
        && q.equals(no.quantization())) {
      to.define(output, Operand.dequantized(chosen(node, to, test, first, second), q));
    } else {
      to.define(output, chosen(node, to, test, yes, no));
    }
  }

  private static Operand chosen(Node node, Compilation to, Operand test, Operand yes, Operand no) {
    long[] dims =
        Settings.broadcast(node, test.dims(), Settings.broadcast(node, yes.dims(), no.dims()));
    Walk walk =
        Walk.over(
            dims,
            Walk.broadcast(test.dims(), dims),
            Walk.broadcast(yes.dims(), dims),
            Walk.broadcast(no.dims(), dims));
    int width = Elements.of(yes.type(), node).width();
    Stored condition = Copies.plain(node, to, test);
    Stored left = Copies.plain(node, to, yes);
    Stored right = Copies.plain(node, to, no);
    Stored result = Copies.allocate(node, to, yes.type(), dims);
    Kernel kernel =
        (reads, writes) -> {
          ByteBuffer tests = reads.get(0);
          ByteBuffer ifTrue = reads.get(1);
          ByteBuffer ifFalse = reads.get(2);
          ByteBuffer out = writes.get(0);
          Walk.Cursor cursor = walk.cursor();
          return () -> {
            cursor.reset();
            int at = 0;
            do {
              for (int i = 0; i < walk.length(); i++, at++) {
                boolean choice = tests.get(cursor.at(0) + i * walk.stride(0)) != 0;
                int from =
                    choice ? cursor.at(1) + i * walk.stride(1) : cursor.at(2) + i * walk.stride(2);
                move(choice ? ifTrue : ifFalse, from, out, at, width);
              }
            } while (cursor.next());
          };
        };
    to.kernel("where", kernel, List.of(condition, left, right), List.of(result));
    return Operand.stored(result);
  }

  private static void move(ByteBuffer in, int from, ByteBuffer out, int at, int width) {
    switch (width) {
      case 1 -> out.put(at, in.get(from));
      case 2 -> out.putShort(at << 1, in.getShort(from << 1));
      case 4 -> out.putInt(at << 2, in.getInt(from << 2));
      default -> out.putLong(at << 3, in.getLong(from << 3));
    }
  }

  /** {@code input} as {@code type}: reals become whole numbers by cutting towards zero. */
  private static Operand cast(Node node, Compilation to, Operand input, DataType type) {
    if (input.type() == type) {
      return input;
    }
    Elements from = Elements.of(input.type(), node);
    Elements into = Elements.of(type, node);
    if (isFloat(input.type()) && isFloat(type) && input.rank() > 0) {
      Stored source = to.stored(input);
      try {
        return Operand.stored(to.reorder(source, source.layout().withType(type)));
      } catch (DnnlException unknown) {
        // In Java, then.
      }
    }
    Stored source = Copies.plain(node, to, input);
    Stored result = Copies.allocate(node, to, type, input.dims());
    int count = Math.toIntExact(input.elements());
    boolean real = from.isFloat();
    Kernel kernel =
        (reads, writes) -> {
          ByteBuffer in = reads.get(0);
          ByteBuffer out = writes.get(0);
          return () -> {
            for (int i = 0; i < count; i++) {
              if (real) {
                into.put(out, i, from.real(in, i));
              } else {
                into.put(out, i, from.whole(in, i));
              }
            }
          };
        };
    to.kernel("cast", kernel, List.of(source), List.of(result));
    return Operand.stored(result);
  }

  private static boolean isFloat(DataType type) {
    return type == DataType.FLOAT || type == DataType.FLOAT16 || type == DataType.BFLOAT16;
  }
}
