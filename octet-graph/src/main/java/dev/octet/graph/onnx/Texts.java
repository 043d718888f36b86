package dev.octet.graph.onnx;

import com.google.protobuf.ByteString;
import dev.octet.graph.ModelException;

/** Names out of a file: protobuf hands them over unchecked. */
final class Texts {
  private static final int SHOWN = 80;

  private Texts() {}

  /** The name in {@code bytes}, which must be UTF-8 without NUL. */
  static String name(ByteString bytes, String what) {
    String text = text(bytes, what);
    if (text.indexOf('\0') >= 0) {
      throw new ModelException(what + " '" + shown(text) + "' contains a NUL character");
    }
    return text;
  }

  /** The text in {@code bytes}, which must be UTF-8. */
  static String text(ByteString bytes, String what) {
    if (!bytes.isValidUtf8()) {
      throw new ModelException(
          what
              + " '"
              + shown(bytes.toStringUtf8())
              + "' is not UTF-8 text; export the model again");
    }
    return bytes.toStringUtf8();
  }

  /** {@code text} fit for a message: one line, not too long. */
  static String shown(String text) {
    StringBuilder safe = new StringBuilder();
    for (int i = 0; i < Math.min(text.length(), SHOWN); i++) {
      char c = text.charAt(i);
      safe.append(Character.isISOControl(c) ? '?' : c);
    }
    return text.length() > SHOWN ? safe.append('…').toString() : safe.toString();
  }
}
