package dev.octet.torch.weights;

import dev.octet.torch.weights.Archive.Range;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Where the files inside a zip file lie. Only stored files are read, which is all that torch
 * writes: nothing is ever decompressed, so a small file cannot become a large one.
 *
 * <p>Source of the layout: PKWARE's APPNOTE 6.3, sections 4.3.7 to 4.3.16 and 4.5.3.
 */
final class ZipDirectory {
  private static final int END = 0x06054b50;
  private static final int END_BYTES = 22;
  private static final int END64_LOCATOR = 0x07064b50;
  private static final int END64_LOCATOR_BYTES = 20;
  private static final int END64 = 0x06064b50;
  private static final int END64_BYTES = 56;
  private static final int ENTRY = 0x02014b50;
  private static final int ENTRY_BYTES = 46;
  private static final int LOCAL = 0x04034b50;
  private static final int LOCAL_BYTES = 30;
  private static final int MAX_COMMENT = 0xFFFF;
  private static final int IN_EXTRA_16 = 0xFFFF;
  private static final long IN_EXTRA_32 = 0xFFFF_FFFFL;
  private static final int EXTRA_ZIP64 = 1;
  private static final int ENCRYPTED = 1;
  private static final int OBJECT_BYTES = 256;

  private final WeightFile file;
  private final MemoryBudget budget;
  private final Map<String, Range> entries = new LinkedHashMap<>();

  private ZipDirectory(WeightFile file, MemoryBudget budget) {
    this.file = file;
    this.budget = budget;
  }

  /** The files by name, in the order of the directory. */
  static Map<String, Range> read(WeightFile file, MemoryBudget budget) throws IOException {
    ZipDirectory directory = new ZipDirectory(file, budget);
    directory.readAll();
    return directory.entries;
  }

  private void readAll() throws IOException {
    long end = findEnd();
    ByteBuffer record = file.read(end, END_BYTES, "the end of the zip directory", budget);
    long count = record.getShort(10) & 0xFFFF;
    long size = record.getInt(12) & IN_EXTRA_32;
    long offset = record.getInt(16) & IN_EXTRA_32;
    if (count == IN_EXTRA_16 || size == IN_EXTRA_32 || offset == IN_EXTRA_32) {
      ByteBuffer record64 = findEnd64(end);
      count = record64.getLong(32);
      size = record64.getLong(40);
      offset = record64.getLong(48);
    }
    ByteBuffer directory = file.read(offset, size, "the zip directory", budget);
    for (long i = 0; i < count; i++) {
      readEntry(directory);
    }
  }

  private long findEnd() throws IOException {
    long start = Math.max(0, file.size() - END_BYTES - MAX_COMMENT);
    ByteBuffer tail = file.read(start, file.size() - start, "the end of the zip file", budget);
    for (int at = tail.limit() - END_BYTES; at >= 0; at--) {
      if (tail.getInt(at) == END
          && (tail.getShort(at + 20) & 0xFFFF) == tail.limit() - at - END_BYTES) {
        return start + at;
      }
    }
    throw new WeightsException("the zip file has no directory at its end; it is cut short");
  }

  private ByteBuffer findEnd64(long end) throws IOException {
    ByteBuffer locator =
        file.read(end - END64_LOCATOR_BYTES, END64_LOCATOR_BYTES, "the zip64 locator", budget);
    if (locator.getInt(0) != END64_LOCATOR) {
      throw new WeightsException("the zip file lacks the zip64 record its directory needs");
    }
    ByteBuffer record = file.read(locator.getLong(8), END64_BYTES, "the zip64 record", budget);
    if (record.getInt(0) != END64) {
      throw new WeightsException("the zip64 record is not where the zip file says");
    }
    return record;
  }

  private void readEntry(ByteBuffer directory) throws IOException {
    int at = directory.position();
    if (directory.remaining() < ENTRY_BYTES || directory.getInt(at) != ENTRY) {
      throw new WeightsException("the zip directory has fewer entries than it says, or is damaged");
    }
    int flags = directory.getShort(at + 8);
    int method = directory.getShort(at + 10);
    long packed = directory.getInt(at + 20) & IN_EXTRA_32;
    long size = directory.getInt(at + 24) & IN_EXTRA_32;
    int nameBytes = directory.getShort(at + 28) & 0xFFFF;
    int extraBytes = directory.getShort(at + 30) & 0xFFFF;
    int commentBytes = directory.getShort(at + 32) & 0xFFFF;
    long offset = directory.getInt(at + 42) & IN_EXTRA_32;
    if (nameBytes + extraBytes + commentBytes > directory.remaining() - ENTRY_BYTES) {
      throw new WeightsException("the last entry of the zip directory is cut short");
    }
    budget.take(OBJECT_BYTES + 3L * nameBytes, "the names in the zip directory");
    byte[] nameData = new byte[nameBytes];
    directory.get(at + ENTRY_BYTES, nameData);
    String name = new String(nameData, StandardCharsets.UTF_8);
    ByteBuffer wide = zip64(directory, at + ENTRY_BYTES + nameBytes, extraBytes);
    size = size == IN_EXTRA_32 ? next(wide, name) : size;
    packed = packed == IN_EXTRA_32 ? next(wide, name) : packed;
    offset = offset == IN_EXTRA_32 ? next(wide, name) : offset;
    directory.position(at + ENTRY_BYTES + nameBytes + extraBytes + commentBytes);
    if (method != 0 || (flags & ENCRYPTED) != 0 || packed != size) {
      throw new WeightsException(
          "'"
              + name
              + "' in the zip file is compressed or encrypted; torch stores files plainly,"
              + " so save it with torch.save");
    }
    if (entries.put(name, new Range(dataOffset(offset, name), size)) != null) {
      throw new WeightsException("the zip file has '" + name + "' twice");
    }
  }

  /** The wide numbers among an entry's extra fields, or nothing. */
  private static ByteBuffer zip64(ByteBuffer directory, int from, int bytes) {
    int at = from;
    while (at + 4 <= from + bytes) {
      int length = Math.min(directory.getShort(at + 2) & 0xFFFF, from + bytes - at - 4);
      if (directory.getShort(at) == EXTRA_ZIP64) {
        return directory.slice(at + 4, length).order(directory.order());
      }
      at += 4 + length;
    }
    return ByteBuffer.allocate(0);
  }

  private static long next(ByteBuffer wide, String name) {
    if (wide.remaining() < Long.BYTES) {
      throw new WeightsException("the zip64 field of '" + name + "' is missing or cut short");
    }
    return wide.getLong();
  }

  private long dataOffset(long local, String name) throws IOException {
    ByteBuffer header = file.read(local, LOCAL_BYTES, "'" + name + "' in the zip file", budget);
    if (header.getInt(0) != LOCAL) {
      throw new WeightsException("'" + name + "' is not where the zip directory says");
    }
    return local + LOCAL_BYTES + (header.getShort(26) & 0xFFFF) + (header.getShort(28) & 0xFFFF);
  }
}
