package dev.octet.torch.weights;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** The bytes of a pickle, with the position for messages and no read beyond the end. */
final class PickleInput {
  private static final int MAX_LINE = 1000;

  private final InputStream in;
  private final long size;
  private final MemoryBudget budget;
  private long position;

  /** Over {@code in}, which is buffered and has {@code size} bytes. */
  PickleInput(InputStream in, long size, MemoryBudget budget) {
    this.in = in;
    this.size = size;
    this.budget = budget;
  }

  long position() {
    return position;
  }

  int unsignedByte() throws IOException {
    int value = position < size ? in.read() : -1;
    if (value < 0) {
      throw cutShort();
    }
    position++;
    return value;
  }

  int unsignedShort() throws IOException {
    return unsignedByte() | unsignedByte() << 8;
  }

  int signedInt() throws IOException {
    return unsignedShort() | unsignedShort() << 16;
  }

  long unsignedInt() throws IOException {
    return Integer.toUnsignedLong(signedInt());
  }

  /** Eight bytes, little-endian. */
  long signedLong() throws IOException {
    return unsignedInt() | unsignedInt() << 32;
  }

  /** Eight bytes, big-endian, as pickle stores numbers with a fraction. */
  double bigEndianDouble() throws IOException {
    return ByteBuffer.wrap(bytes(Double.BYTES)).order(ByteOrder.BIG_ENDIAN).getDouble();
  }

  /** As many bytes as a length read from the file says. */
  byte[] bytes(long length) throws IOException {
    if (length < 0 || length > size - position) {
      throw cutShort();
    }
    budget.take(length, "data of " + length + " bytes in the pickle");
    byte[] bytes = in.readNBytes(Math.toIntExact(Math.min(length, Integer.MAX_VALUE)));
    position += bytes.length;
    if (bytes.length != length) {
      throw cutShort();
    }
    return bytes;
  }

  String utf8(long length) throws IOException {
    byte[] bytes = bytes(length);
    budget.take(2L * bytes.length, "text of " + length + " bytes in the pickle");
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      throw new WeightsException("text before byte " + position + " of the pickle is not UTF-8", e);
    }
  }

  /** Text up to a line feed, which is taken too. */
  String line() throws IOException {
    StringBuilder text = new StringBuilder();
    for (int next = unsignedByte(); next != '\n'; next = unsignedByte()) {
      if (text.length() == MAX_LINE) {
        throw new WeightsException(
            "a name at byte " + position + " of the pickle is longer than " + MAX_LINE + " bytes");
      }
      text.append((char) next);
    }
    return text.toString();
  }

  private WeightsException cutShort() {
    return new WeightsException(
        "the pickle ends in the middle of a value at byte "
            + position
            + "; the file is cut short or damaged");
  }
}
