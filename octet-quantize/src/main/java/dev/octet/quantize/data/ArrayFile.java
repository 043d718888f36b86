package dev.octet.quantize.data;

import java.io.BufferedInputStream;
import java.io.ByteArrayInputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Enumeration;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.jspecify.annotations.Nullable;

/** One array in a {@code .npy} file or in an entry of a {@code .npz}, read row by row. */
final class ArrayFile {

  private static final int LARGEST_ROW_BYTES = 1 << 28;
  private static final int MOST_ENTRIES = 1 << 12;

  private final Path file;
  private final @Nullable String entry;
  private final String where;
  private final NpyHeader header;

  private ArrayFile(Path file, @Nullable String entry) {
    this.file = file;
    this.entry = entry;
    this.where = entry == null ? file.getFileName().toString() : file.getFileName() + "!" + entry;
    try (Rows rows = new Rows()) {
      this.header = rows.header;
    }
    long row = header.fortranOrder ? header.elementBytes() : header.rowBytes();
    if (row > LARGEST_ROW_BYTES) {
      throw new DataException(
          "'"
              + where
              + "' has "
              + row
              + " bytes in "
              + (header.fortranOrder ? "an array in Fortran order" : "a row")
              + "; up to "
              + LARGEST_ROW_BYTES
              + " are read");
    }
  }

  /** The array of a file; its size is checked against the head's. */
  static ArrayFile of(Path file) {
    ArrayFile array = new ArrayFile(file, null);
    OptionalLong bytes = DataFile.contentSize(file);
    long wanted = array.header.headBytes + array.header.elementBytes();
    if (bytes.isPresent() && bytes.getAsLong() < wanted) {
      throw new DataException(
          "'"
              + file
              + "' has "
              + bytes.getAsLong()
              + " bytes, its head asks for "
              + wanted
              + "; the file is cut short, get it again");
    }
    return array;
  }

  /** The arrays of a zip file by name, in the order of their names. */
  static Map<String, ArrayFile> ofZip(Path file) {
    List<String> names = new ArrayList<>();
    try (ZipFile zip = new ZipFile(file.toFile())) {
      if (zip.size() > MOST_ENTRIES) {
        throw new DataException(
            "'" + file + "' has " + zip.size() + " entries; up to " + MOST_ENTRIES + " are read");
      }
      Enumeration<? extends ZipEntry> entries = zip.entries();
      while (entries.hasMoreElements()) {
        String name = entries.nextElement().getName();
        if (name.endsWith(".npy")) {
          names.add(name);
        }
      }
    } catch (IOException e) {
      throw DataFile.failed(file, e);
    } catch (IllegalArgumentException e) { // an entry's name is no text
      throw new DataException("'" + file + "' is no sound zip file: " + e.getMessage(), e);
    }
    Map<String, ArrayFile> arrays = new TreeMap<>();
    for (String name : names) {
      arrays.put(name.substring(0, name.length() - ".npy".length()), new ArrayFile(file, name));
    }
    if (arrays.isEmpty()) {
      throw new DataException("'" + file + "' holds no .npy array");
    }
    return arrays;
  }

  /** Where this is, for messages. */
  String where() {
    return where;
  }

  int rank() {
    return header.shape.length;
  }

  /** The number of rows: the size of the first axis. */
  int count() {
    if (header.shape.length == 0) {
      throw new DataException("'" + where + "' is a single number; give one row for each sample");
    }
    if (header.shape[0] > 0 && header.rowBytes() == 0) {
      throw new DataException("'" + where + "' has rows without elements");
    }
    return header.shape[0];
  }

  boolean holdsIntegers() {
    return !header.type.elementType().isFloat();
  }

  /** The whole array as one tensor. */
  HostTensor whole() {
    if (header.elementBytes() > LARGEST_ROW_BYTES) {
      throw new DataException("'" + where + "' has " + header.elementBytes() + " bytes; too many");
    }
    try (Rows rows = new Rows()) {
      byte[] bytes = DataFile.require(rows.elements(), (int) header.elementBytes(), where);
      return header.type.tensor(bytes, header.shape);
    }
  }

  /** Starts reading rows. */
  Rows rows() {
    return new Rows();
  }

  /** A pass over the rows; to be closed. */
  final class Rows implements Closeable {
    private final @Nullable ZipFile zip;
    private final InputStream in;
    private final NpyHeader header;
    private @Nullable InputStream elements;

    Rows() {
      ZipFile opened = null;
      try {
        if (entry == null) {
          this.in = DataFile.open(file);
        } else {
          opened = new ZipFile(file.toFile());
          InputStream stream = opened.getInputStream(new ZipEntry(entry));
          if (stream == null) {
            opened.close();
            throw new DataException("'" + file + "' no longer has the entry '" + entry + "'");
          }
          this.in = new BufferedInputStream(stream);
        }
        this.zip = opened;
      } catch (IOException e) {
        DataFile.closeQuietly(opened);
        throw DataFile.failed(file, e);
      }
      try {
        this.header = NpyHeader.read(in, where);
      } catch (DataException e) {
        close();
        throw e;
      }
    }

    /** The next row, with a leading axis of 1. */
    HostTensor next() {
      int[] shape = header.shape.clone();
      shape[0] = 1;
      byte[] bytes = DataFile.require(elements(), (int) header.rowBytes(), where);
      return header.type.tensor(bytes, shape);
    }

    /** The elements in C order; an array in Fortran order is read whole and turned. */
    private InputStream elements() {
      if (elements == null) {
        elements = in;
        if (header.fortranOrder && header.shape.length > 1) {
          byte[] bytes = DataFile.require(in, (int) header.elementBytes(), where);
          elements = new ByteArrayInputStream(cOrder(bytes));
        }
      }
      return elements;
    }

    private byte[] cOrder(byte[] fortran) {
      int size = header.type.bytes();
      int[] shape = header.shape;
      int[] index = new int[shape.length];
      byte[] c = new byte[fortran.length];
      for (int at = 0; at < c.length; at += size) {
        int from = 0;
        for (int axis = shape.length - 1; axis >= 0; axis--) {
          from = from * shape[axis] + index[axis];
        }
        System.arraycopy(fortran, from * size, c, at, size);
        for (int axis = shape.length - 1; axis >= 0 && ++index[axis] == shape[axis]; axis--) {
          index[axis] = 0;
        }
      }
      return c;
    }

    @Override
    public void close() {
      DataFile.closeQuietly(in);
      DataFile.closeQuietly(zip);
    }
  }
}
