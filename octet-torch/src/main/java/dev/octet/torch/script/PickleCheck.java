package dev.octet.torch.script;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToLongFunction;

/**
 * Runs a pickle's opcodes without making anything: LibTorch's own reader takes what is on its stack
 * on trust. Knows the opcodes that LibTorch writes and Python's protocol 2 around them; every other
 * one is a fault. Follows how deep values nest, as LibTorch frees them recursively, and how long a
 * tensor's storage is said to be, which LibTorch does not hold against the entry it reads it from.
 */
final class PickleCheck {
  private static final int MAX_DEPTH = 1000;
  private static final int MAX_STACK = 10_000_000;

  /** Bytes of an element by the name of its storage's class. */
  private static final Map<String, Long> STORAGES =
      Map.ofEntries(
          Map.entry("torch FloatStorage", 4L),
          Map.entry("torch DoubleStorage", 8L),
          Map.entry("torch HalfStorage", 2L),
          Map.entry("torch BFloat16Storage", 2L),
          Map.entry("torch LongStorage", 8L),
          Map.entry("torch IntStorage", 4L),
          Map.entry("torch ShortStorage", 2L),
          Map.entry("torch CharStorage", 1L),
          Map.entry("torch ByteStorage", 1L),
          Map.entry("torch BoolStorage", 1L),
          Map.entry("torch ComplexFloatStorage", 8L),
          Map.entry("torch ComplexDoubleStorage", 16L),
          Map.entry("torch QInt8Storage", 1L),
          Map.entry("torch QUInt8Storage", 1L),
          Map.entry("torch QInt32Storage", 4L));

  /** A class or function by its name. */
  private record Global(String name) {}

  /**
   * A value on the stack.
   *
   * @param depth how deep it nests; {@code -1} for a mark
   * @param content what it is, as far as storages need it: a Long, a String, a Global or the list
   *     of a tuple's items; otherwise the empty text
   */
  private record Item(int depth, Object content) {}

  private final ByteBuffer in;
  private final ToLongFunction<String> sizes;
  private final List<Item> stack = new ArrayList<>();
  private final Deque<Integer> marks = new ArrayDeque<>();
  private final Map<Long, Item> memo = new HashMap<>();

  private PickleCheck(byte[] content, ToLongFunction<String> sizes) {
    in = ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN);
    this.sizes = sizes;
  }

  /**
   * Checks the pickle at the start of {@code content}.
   *
   * @param sizes bytes in the entry of the storage with a given key; negative if there is none
   * @throws TorchScriptException if it is damaged
   */
  static void run(byte[] content, String name, ToLongFunction<String> sizes) {
    PickleCheck check = new PickleCheck(content, sizes);
    try {
      check.run();
    } catch (RuntimeException e) {
      String reason = e instanceof Fault ? e.getMessage() : "it ends too early";
      throw new TorchScriptException(
          "'" + name + "' is damaged at byte " + check.in.position() + ": " + reason, e);
    }
  }

  private static final class Fault extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Fault(String message) {
      super(message);
    }
  }

  private void run() {
    while (true) {
      int opcode = in.get() & 0xFF;
      switch (opcode) {
        case 0x80 -> in.get(); // PROTO
        case '.' -> {
          pop();
          if (!marks.isEmpty()) {
            throw new Fault("it ends within a mark");
          }
          return;
        }
        case '(' -> {
          marks.push(stack.size());
          push(-1);
        }
        case '0' -> pop();
        case 'N', 0x88, 0x89, ')', ']', '}' -> push(1);
        case 'K' -> push(1, (long) (in.get() & 0xFF));
        case 'M' -> push(1, (long) (in.getShort() & 0xFFFF));
        case 'J' -> push(1, (long) in.getInt());
        case 'G' -> binary(8); // BINFLOAT
        case 0x8a -> longInteger(in.get() & 0xFF); // LONG1
        case 'X' -> push(1, new String(bytes(in.getInt()), StandardCharsets.UTF_8)); // BINUNICODE
        case 0x8c -> push(1, new String(bytes(in.get() & 0xFF), StandardCharsets.UTF_8));
        case 'B' -> binary(in.getInt()); // BINBYTES
        case 'C' -> binary(in.get() & 0xFF); // SHORT_BINBYTES
        case 'c' -> push(1, new Global(line() + " " + line()));
        case 'q' -> memo.put((long) (in.get() & 0xFF), top());
        case 'r' -> memo.put(in.getInt() & 0xFFFF_FFFFL, top());
        case 'h' -> recall(in.get() & 0xFF);
        case 'j' -> recall(in.getInt() & 0xFFFF_FFFFL);
        case 't' -> tuple(toMark());
        case 0x85 -> tuple(last(1));
        case 0x86 -> tuple(last(2));
        case 0x87 -> tuple(last(3));
        case 'R', 0x81 -> group(2); // REDUCE, NEWOBJ
        case 'b' -> group(2); // BUILD
        case 'Q' -> storage(pop()); // BINPERSID
        case 'a' -> group(2); // APPEND
        case 's' -> group(3); // SETITEM
        case 'e' -> extend(false);
        case 'u' -> extend(true);
        default -> throw new Fault("opcode " + opcode + " has no place here");
      }
    }
  }

  private byte[] bytes(long count) {
    if (count < 0 || count > in.remaining()) {
      throw new Fault("a value of " + count + " bytes does not fit");
    }
    byte[] bytes = new byte[(int) count];
    in.get(bytes);
    return bytes;
  }

  private void binary(long count) {
    bytes(count);
    push(1);
  }

  private void longInteger(int count) {
    byte[] bytes = bytes(count);
    if (count == 0 || count > 8) {
      throw new Fault("an integer has " + count + " bytes");
    }
    long value = bytes[count - 1]; // the last holds the sign
    for (int i = count - 2; i >= 0; i--) {
      value = value << 8 | (bytes[i] & 0xFF);
    }
    push(1, value);
  }

  /** The tuple ("storage", class, key, device, elements) becomes a tensor's memory. */
  private void storage(Item reference) {
    if (!(reference.content() instanceof List<?> parts)
        || parts.size() != 5
        || !(parts.get(1) instanceof Item type && type.content() instanceof Global global)
        || !(parts.get(2) instanceof Item name && name.content() instanceof String key)
        || !(parts.get(4) instanceof Item count && count.content() instanceof Long elements)) {
      throw new Fault("a storage is not described as PyTorch does");
    }
    Long width = STORAGES.get(global.name());
    if (width == null) {
      throw new Fault("a storage of class '" + global.name() + "' is unknown");
    }
    long stored = sizes.applyAsLong(key);
    if (elements < 0 || elements > stored / width || stored < 0) {
      throw new Fault(
          "storage '" + key + "' should have " + elements + " elements, more than are stored");
    }
    push(1);
  }

  private String line() {
    int start = in.position();
    while (in.get() != '\n') {
      // on to its end
    }
    if (in.position() - start < 2) {
      throw new Fault("a name is empty");
    }
    byte[] text = new byte[in.position() - start - 1];
    in.get(start, text);
    String name = new String(text, StandardCharsets.ISO_8859_1);
    if (name.chars().anyMatch(c -> c < ' ')) {
      throw new Fault("a name has control characters");
    }
    return name;
  }

  private void push(int depth) {
    push(depth, "");
  }

  private void push(int depth, Object content) {
    if (depth > MAX_DEPTH) {
      throw new Fault("values nest more than " + MAX_DEPTH + " deep");
    }
    if (stack.size() >= MAX_STACK) {
      throw new Fault("more than " + MAX_STACK + " values wait");
    }
    stack.add(new Item(depth, content));
  }

  private Item top() {
    if (stack.isEmpty() || stack.get(stack.size() - 1).depth() < 0) {
      throw new Fault("a value is missing");
    }
    return stack.get(stack.size() - 1);
  }

  private Item pop() {
    Item item = top();
    stack.remove(stack.size() - 1);
    return item;
  }

  /** Takes the last {@code count} values, the first of them first. */
  private List<Item> last(int count) {
    Item[] items = new Item[count];
    for (int i = count - 1; i >= 0; i--) {
      items[i] = pop();
    }
    return List.of(items);
  }

  private static int deepest(List<Item> items) {
    return items.stream().mapToInt(Item::depth).max().orElse(0);
  }

  private void tuple(List<Item> items) {
    push(deepest(items) + 1, items.size() <= 5 ? items : "");
  }

  private void group(int count) {
    push(deepest(last(count)) + 1);
  }

  private void recall(long index) {
    Item item = memo.get(index);
    if (item == null) {
      throw new Fault("value " + index + " is asked for before it is kept");
    }
    push(item.depth(), item.content());
  }

  /** Takes the values after the last mark and the mark. */
  private List<Item> toMark() {
    if (marks.isEmpty()) {
      throw new Fault("a mark is missing");
    }
    List<Item> after = stack.subList(marks.pop() + 1, stack.size());
    List<Item> items = List.copyOf(after);
    after.clear();
    stack.remove(stack.size() - 1);
    return items;
  }

  private void extend(boolean pairs) {
    List<Item> items = toMark();
    if (pairs && items.size() % 2 != 0) {
      throw new Fault("a key has no value");
    }
    push(Math.max(pop().depth(), deepest(items) + 1));
  }
}
