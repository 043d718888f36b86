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

/**
 * Runs a pickle's opcodes without making anything: LibTorch's own reader takes what is on its stack
 * on trust. Knows the opcodes that LibTorch writes and Python's protocol 2 around them; every other
 * one is a fault. Follows how deep values nest, as LibTorch frees them recursively.
 */
final class PickleCheck {
  private static final int MAX_DEPTH = 1000;
  private static final int MAX_STACK = 10_000_000;

  private final ByteBuffer in;

  /** Depth of each value; {@code -1} for a mark. */
  private final List<Integer> stack = new ArrayList<>();

  private final Deque<Integer> marks = new ArrayDeque<>();
  private final Map<Long, Integer> memo = new HashMap<>();

  private PickleCheck(byte[] content) {
    in = ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN);
  }

  /**
   * Checks the pickle at the start of {@code content}.
   *
   * @throws TorchScriptException if it is damaged
   */
  static void run(byte[] content, String name) {
    PickleCheck check = new PickleCheck(content);
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
        case 'K' -> number(1);
        case 'M' -> number(2);
        case 'J' -> number(4);
        case 'G' -> number(8);
        case 0x8a -> number(in.get() & 0xFF); // LONG1
        case 'X', 'B' -> number(in.getInt()); // BINUNICODE, BINBYTES
        case 0x8c, 'C' -> number(in.get() & 0xFF); // SHORT_BINUNICODE, SHORT_BINBYTES
        case 0x8d, 0x8e -> number(in.getLong()); // BINUNICODE8, BINBYTES8
        case 'c' -> {
          line();
          line();
          push(1);
        }
        case 'q' -> memo.put((long) (in.get() & 0xFF), top());
        case 'r' -> memo.put(in.getInt() & 0xFFFF_FFFFL, top());
        case 'h' -> recall(in.get() & 0xFF);
        case 'j' -> recall(in.getInt() & 0xFFFF_FFFFL);
        case 't' -> push(1 + toMark());
        case 0x85 -> group(1);
        case 0x86 -> group(2);
        case 0x87 -> group(3);
        case 'R', 0x81 -> group(2); // REDUCE, NEWOBJ
        case 'b' -> group(2); // BUILD
        case 'Q' -> group(1); // BINPERSID
        case 'a' -> group(2); // APPEND
        case 's' -> group(3); // SETITEM
        case 'e' -> extend(false);
        case 'u' -> extend(true);
        default -> throw new Fault("opcode " + opcode + " has no place here");
      }
    }
  }

  private void number(long bytes) {
    if (bytes < 0 || bytes > in.remaining()) {
      throw new Fault("a value of " + bytes + " bytes does not fit");
    }
    in.position(in.position() + (int) bytes);
    push(1);
  }

  private void line() {
    int start = in.position();
    while (in.get() != '\n') {
      // on to its end
    }
    if (in.position() - start < 2) {
      throw new Fault("a name is empty");
    }
    byte[] text = new byte[in.position() - start - 1];
    in.get(start, text);
    if (new String(text, StandardCharsets.ISO_8859_1).chars().anyMatch(c -> c < ' ')) {
      throw new Fault("a name has control characters");
    }
  }

  private void push(int depth) {
    if (depth > MAX_DEPTH) {
      throw new Fault("values nest more than " + MAX_DEPTH + " deep");
    }
    if (stack.size() >= MAX_STACK) {
      throw new Fault("more than " + MAX_STACK + " values wait");
    }
    stack.add(depth);
  }

  private int top() {
    if (stack.isEmpty() || stack.get(stack.size() - 1) < 0) {
      throw new Fault("a value is missing");
    }
    return stack.get(stack.size() - 1);
  }

  private int pop() {
    int depth = top();
    stack.remove(stack.size() - 1);
    return depth;
  }

  private void group(int count) {
    int deepest = 0;
    for (int i = 0; i < count; i++) {
      deepest = Math.max(deepest, pop());
    }
    push(deepest + 1);
  }

  private void recall(long index) {
    Integer depth = memo.get(index);
    if (depth == null) {
      throw new Fault("value " + index + " is asked for before it is kept");
    }
    push(depth);
  }

  /** Takes the values after the last mark and the mark; returns the deepest. */
  private int toMark() {
    if (marks.isEmpty()) {
      throw new Fault("a mark is missing");
    }
    int deepest = 0;
    int from = marks.pop();
    while (stack.size() > from + 1) {
      deepest = Math.max(deepest, pop());
    }
    stack.remove(from);
    return deepest;
  }

  private void extend(boolean pairs) {
    if (marks.isEmpty()) {
      throw new Fault("a mark is missing");
    }
    int count = stack.size() - marks.peek() - 1;
    if (pairs && count % 2 != 0) {
      throw new Fault("a key has no value");
    }
    int deepest = toMark();
    push(Math.max(pop(), deepest + 1));
  }
}
