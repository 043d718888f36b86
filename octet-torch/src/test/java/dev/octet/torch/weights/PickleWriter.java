package dev.octet.torch.weights;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/** Writes pickles operation by operation, the ones no pickler would write among them. */
final class PickleWriter {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  PickleWriter() {
    this(2);
  }

  PickleWriter(int protocol) {
    raw(0x80, protocol);
  }

  PickleWriter raw(int... bytes) {
    for (int value : bytes) {
      out.write(value);
    }
    return this;
  }

  /** Operations of one byte each, such as {@code "}("}. */
  PickleWriter ops(String codes) {
    out.writeBytes(codes.getBytes(StandardCharsets.ISO_8859_1));
    return this;
  }

  PickleWriter global(String module, String name) {
    return ops("c" + module + "\n" + name + "\n");
  }

  PickleWriter text(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    return ops("X").raw(littleEndian(bytes.length, 4)).raw(bytes);
  }

  /** Any whole number, as eight bytes. */
  PickleWriter number(long value) {
    return raw(0x8A, 8).raw(littleEndian(value, 8));
  }

  PickleWriter tuple(long... values) {
    ops("(");
    for (long value : values) {
      number(value);
    }
    return ops("t");
  }

  /** A reference to a storage of floats. */
  PickleWriter storage(String type, String key, long elements) {
    return ops("(")
        .text("storage")
        .global("torch", type)
        .text(key)
        .text("cpu")
        .number(elements)
        .ops("tQ");
  }

  /** A tensor over the four floats of storage 0. */
  PickleWriter tensor(long offset, long[] shape, long[] strides) {
    return tensor("FloatStorage", 4, offset, shape, strides);
  }

  PickleWriter tensor(String type, long elements, long offset, long[] shape, long[] strides) {
    return global("torch._utils", "_rebuild_tensor_v2")
        .ops("(")
        .storage(type, "0", elements)
        .number(offset)
        .tuple(shape)
        .tuple(strides)
        .raw(0x89)
        .global("collections", "OrderedDict")
        .ops(")RtR");
  }

  byte[] pickle() {
    ops(".");
    return out.toByteArray();
  }

  /** A checkpoint in a zip file with storage 0 of 16 bytes. */
  byte[] zip() {
    return zip(Map.of("a/data.pkl", pickle(), "a/data/0", new byte[16]));
  }

  static byte[] zip(Map<String, byte[]> files) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      for (Map.Entry<String, byte[]> file : files.entrySet()) {
        ZipEntry entry = new ZipEntry(file.getKey());
        CRC32 crc = new CRC32();
        crc.update(file.getValue());
        entry.setMethod(ZipEntry.STORED);
        entry.setSize(file.getValue().length);
        entry.setCrc(crc.getValue());
        zip.putNextEntry(entry);
        zip.write(file.getValue());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  /**
   * A zip file with one file whose sizes and place are all in zip64 fields, as for 4 GB and more.
   */
  static byte[] zip64(String name, byte[] content) {
    byte[] nameBytes = name.getBytes(StandardCharsets.UTF_8);
    ByteBuffer zip = ByteBuffer.allocate(1000 + content.length).order(ByteOrder.LITTLE_ENDIAN);
    zip.putInt(0x04034b50).put(new byte[22]).putShort((short) nameBytes.length).putShort((short) 0);
    zip.put(nameBytes).put(content);
    int directory = zip.position();
    zip.putInt(0x02014b50).put(new byte[16]).putInt(-1).putInt(-1);
    zip.putShort((short) nameBytes.length).putShort((short) 33).put(new byte[10]).putInt(-1);
    zip.put(nameBytes);
    zip.putShort((short) 0x5455).putShort((short) 1).put((byte) 0); // a field to pass over
    zip.putShort((short) 1).putShort((short) 24);
    zip.putLong(content.length).putLong(content.length).putLong(0);
    int end64 = zip.position();
    zip.putInt(0x06064b50).putLong(44).put(new byte[12]).putLong(1).putLong(1);
    zip.putLong(end64 - directory).putLong(directory);
    zip.putInt(0x07064b50).putInt(0).putLong(end64).putInt(1);
    zip.putInt(0x06054b50).putInt(0).putShort((short) -1).putShort((short) -1);
    zip.putInt(-1).putInt(-1).putShort((short) 0);
    return java.util.Arrays.copyOf(zip.array(), zip.position());
  }

  /** What every file of the legacy form begins with. */
  static byte[] legacyHead() {
    ByteArrayOutputStream head = new ByteArrayOutputStream();
    head.writeBytes(
        new PickleWriter()
            .raw(0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19)
            .pickle());
    head.writeBytes(new PickleWriter().number(1001).pickle());
    head.writeBytes(new PickleWriter().ops("}").text("little_endian").raw(0x88).ops("s").pickle());
    return head.toByteArray();
  }

  private PickleWriter raw(byte[] bytes) {
    out.writeBytes(bytes);
    return this;
  }

  static byte[] littleEndian(long value, int bytes) {
    byte[] all =
        ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array();
    return java.util.Arrays.copyOf(all, bytes);
  }
}
