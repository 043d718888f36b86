package dev.octet.torch.weights;

import dev.octet.graph.Bytes;
import dev.octet.torch.weights.PickleValue.Buildable;
import dev.octet.torch.weights.PickleValue.Callable;
import dev.octet.torch.weights.PickleValue.None;
import dev.octet.torch.weights.PickleValue.Tuple;
import dev.octet.torch.weights.PickleValue.View;
import java.io.IOException;
import java.math.BigInteger;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * A pickle machine that can build data and nothing else. It knows the operations that protocols 2
 * to 5 write for data; names resolve by {@link Globals} alone.
 *
 * <p>An operation of one byte can make an object, so each takes its share of the budget: memory is
 * bounded whatever the file says. There is no recursion here.
 */
final class Unpickler {
  /** More than any one operation adds to the heap, beside text and bytes. */
  static final int VALUE_BYTES = 256;

  private static final int FIRST_PROTOCOL = 2;
  private static final int LAST_PROTOCOL = 5;

  private final PickleInput in;
  private final MemoryBudget budget;
  private final Globals globals;
  private final Function<Tuple, Object> persistent;
  private final Map<Long, Object> memo = new HashMap<>();
  private final Deque<List<Object>> outer = new ArrayDeque<>();
  private List<Object> stack = new ArrayList<>();

  /** A machine for one pickle; {@code persistent} gives what lies outside of it. */
  Unpickler(PickleInput in, MemoryBudget budget, Function<Tuple, Object> persistent) {
    this.in = in;
    this.budget = budget;
    this.globals = new Globals(budget);
    this.persistent = persistent;
  }

  /** Reads to the end of the pickle. */
  Object load() throws IOException {
    if (next() != Opcode.PROTO) {
      throw new WeightsException(
          "no pickle of protocol 2 or later begins before byte " + in.position());
    }
    int protocol = in.unsignedByte();
    if (protocol < FIRST_PROTOCOL || protocol > LAST_PROTOCOL) {
      throw new WeightsException(
          "the pickle has protocol " + protocol + "; 2 to 5 are read, so save it again");
    }
    for (Opcode opcode = next(); opcode != Opcode.STOP; opcode = next()) {
      budget.take(VALUE_BYTES, "the values of the pickle");
      long at = in.position() - 1;
      try {
        run(opcode);
      } catch (WeightsException e) {
        throw new WeightsException(
            e.getMessage() + " (pickle, byte " + at + ", " + opcode + ")", e);
      }
    }
    return pop();
  }

  private Opcode next() throws IOException {
    int code = in.unsignedByte();
    Opcode opcode = Opcode.of(code);
    if (opcode == null) {
      throw new WeightsException(
          "byte "
              + (in.position() - 1)
              + " of the pickle, "
              + code
              + ", is no operation of pickle");
    }
    return opcode;
  }

  private void run(Opcode opcode) throws IOException {
    switch (opcode) {
      case FRAME -> in.signedLong(); // how much to read ahead
      case MARK -> {
        outer.push(stack);
        stack = new ArrayList<>();
      }
      case POP -> pop();
      case POP_MARK -> popToMark();
      case NONE -> push(None.NONE);
      case NEWTRUE -> push(true);
      case NEWFALSE -> push(false);
      case BININT -> push((long) in.signedInt());
      case BININT1 -> push((long) in.unsignedByte());
      case BININT2 -> push((long) in.unsignedShort());
      case LONG1 -> push(whole(in.bytes(in.unsignedByte())));
      case BINFLOAT -> push(in.bigEndianDouble());
      case SHORT_BINSTRING, SHORT_BINUNICODE -> push(in.utf8(in.unsignedByte()));
      case BINSTRING, BINUNICODE -> push(in.utf8(in.unsignedInt()));
      case BINUNICODE8 -> push(in.utf8(in.signedLong()));
      case SHORT_BINBYTES -> pushBytes(in.unsignedByte());
      case BINBYTES -> pushBytes(in.unsignedInt());
      case BINBYTES8, BYTEARRAY8 -> pushBytes(in.signedLong());
      case EMPTY_LIST, EMPTY_SET -> push(new ArrayList<>());
      case EMPTY_DICT -> push(new LinkedHashMap<>());
      case EMPTY_TUPLE -> push(Tuple.EMPTY);
      case TUPLE1 -> pushTuple(1);
      case TUPLE2 -> pushTuple(2);
      case TUPLE3 -> pushTuple(3);
      case TUPLE, FROZENSET -> push(new Tuple(popToMark()));
      case APPEND -> append(List.of(pop()));
      case APPENDS, ADDITEMS -> append(popToMark());
      case SETITEM -> {
        Object value = pop();
        setItems(List.of(pop(), value));
      }
      case SETITEMS -> setItems(popToMark());
      case BINPUT -> memo.put((long) in.unsignedByte(), top());
      case LONG_BINPUT -> memo.put(in.unsignedInt(), top());
      case MEMOIZE -> memo.put((long) memo.size(), top());
      case BINGET -> pushMemo(in.unsignedByte());
      case LONG_BINGET -> pushMemo(in.unsignedInt());
      case GLOBAL -> {
        String module = in.line();
        push(globals.find(module, in.line()));
      }
      case STACK_GLOBAL -> {
        String member = pop(String.class);
        push(globals.find(pop(String.class), member));
      }
      case REDUCE, NEWOBJ -> {
        Tuple arguments = pop(Tuple.class);
        push(pop(Callable.class).call(arguments));
      }
      case BUILD -> build(pop());
      case BINPERSID -> push(persistent.apply(pop(Tuple.class)));
      default ->
          throw new WeightsException(
              "checkpoints have no use for this operation, so it is refused; save the plain state"
                  + " dict again");
    }
  }

  private void pushBytes(long length) throws IOException {
    byte[] bytes = in.bytes(length);
    budget.take(length, "bytes in the pickle");
    push(Bytes.copyOf(bytes));
  }

  private void pushTuple(int size) {
    Object[] items = new Object[size];
    for (int i = size - 1; i >= 0; i--) {
      items[i] = pop();
    }
    push(new Tuple(List.of(items)));
  }

  private void pushMemo(long index) {
    Object value = memo.get(index);
    if (value == null) {
      throw new WeightsException("nothing was remembered under " + index);
    }
    push(value);
  }

  @SuppressWarnings("unchecked") // every list on the stack was made here, of objects
  private void append(List<Object> items) {
    if (!(top() instanceof ArrayList<?> list)) {
      throw new WeightsException("items are added to something else than a list");
    }
    ((List<Object>) list).addAll(items);
  }

  @SuppressWarnings("unchecked") // every map on the stack was made here, of objects
  private void setItems(List<Object> keysAndValues) {
    if (!(top() instanceof LinkedHashMap<?, ?> map) || keysAndValues.size() % 2 != 0) {
      throw new WeightsException("pairs are set in something else than a dict, or one is halved");
    }
    for (int i = 0; i < keysAndValues.size(); i += 2) {
      Object key = checkedKey(keysAndValues.get(i));
      ((Map<Object, Object>) map).put(key, keysAndValues.get(i + 1));
    }
  }

  /** A key whose hash does not depend on other values, which may hold themselves. */
  static Object checkedKey(Object key) {
    if (key instanceof String || key instanceof Number || key instanceof Boolean) {
      return key;
    }
    throw new WeightsException(
        "a dict has a key of "
            + key.getClass().getSimpleName()
            + "; only text and numbers are read");
  }

  private void build(Object state) {
    Object target = top();
    if (target instanceof Buildable buildable) {
      buildable.build(state);
    } else if (target instanceof View && state instanceof Tuple flags) {
      // A variable of torch 0.3 and earlier: requires_grad and hooks, which weights do not keep.
      flags.get(0, Boolean.class, "the state of a tensor");
    } else if (!(target instanceof LinkedHashMap)) { // attributes such as _metadata are dropped
      throw new WeightsException(
          "a " + target.getClass().getSimpleName() + " is given a state, which it cannot have");
    }
  }

  private static Object whole(byte[] littleEndian) {
    byte[] bytes = new byte[littleEndian.length + 1]; // not empty: no bytes are zero
    for (int i = 0; i < littleEndian.length; i++) {
      bytes[bytes.length - 1 - i] = littleEndian[i];
    }
    if (littleEndian.length > 0) {
      bytes[0] = (byte) (bytes[1] < 0 ? -1 : 0);
    }
    BigInteger value = new BigInteger(bytes);
    return value.bitLength() < Long.SIZE ? (Object) value.longValue() : value;
  }

  private void push(Object value) {
    stack.add(value);
  }

  private Object top() {
    if (stack.isEmpty()) {
      throw new WeightsException("there is no value to work on");
    }
    return stack.get(stack.size() - 1);
  }

  private Object pop() {
    Object value = top();
    stack.remove(stack.size() - 1);
    return value;
  }

  private <T> T pop(Class<T> type) {
    Object value = pop();
    if (!type.isInstance(value)) {
      throw new WeightsException(
          "a "
              + value.getClass().getSimpleName()
              + " lies where a "
              + type.getSimpleName()
              + " is needed");
    }
    return type.cast(value);
  }

  private List<Object> popToMark() {
    if (outer.isEmpty()) {
      throw new WeightsException("there is no mark to go back to");
    }
    List<Object> items = stack;
    stack = outer.pop();
    return items;
  }
}
