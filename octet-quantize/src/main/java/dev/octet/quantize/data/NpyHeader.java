package dev.octet.quantize.data;

import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The head of a {@code .npy} file (NumPy's NEP 1, versions 1 to 3): what its bytes mean. */
final class NpyHeader {

  private static final int LARGEST_TEXT = 1 << 16;
  private static final int MOST_AXES = 32; // as many as NumPy had before 2.0
  private static final long MOST_ELEMENTS = 1L << 32; // times an int still fits a long
  private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};

  private static final Pattern DESCR =
      Pattern.compile("['\"]descr['\"]\\s*:\\s*['\"]([^'\"]*)['\"]");
  private static final Pattern ORDER =
      Pattern.compile("['\"]fortran_order['\"]\\s*:\\s*(True|False)");
  private static final Pattern SHAPE = Pattern.compile("['\"]shape['\"]\\s*:\\s*\\(([0-9L, ]*)\\)");

  final NpyType type;
  final boolean fortranOrder;
  final int[] shape;
  final int headBytes;

  private NpyHeader(NpyType type, boolean fortranOrder, int[] shape, int headBytes) {
    this.type = type;
    this.fortranOrder = fortranOrder;
    this.shape = shape;
    this.headBytes = headBytes;
  }

  /** The number of bytes that the elements take; at most {@code Long.MAX_VALUE}. */
  long elementBytes() {
    return product(shape, 0) * type.bytes();
  }

  /** The number of bytes of one entry of the first axis. */
  long rowBytes() {
    return product(shape, 1) * type.bytes();
  }

  static NpyHeader read(InputStream in, String where) {
    byte[] start = DataFile.require(in, MAGIC.length + 2, where);
    if (!Arrays.equals(start, 0, MAGIC.length, MAGIC, 0, MAGIC.length)) {
      throw new DataException("'" + where + "' does not begin as a .npy file does");
    }
    int version = start[MAGIC.length] & 0xff;
    if (version < 1 || version > 3) {
      throw new DataException("'" + where + "' is .npy version " + version + "; 1 to 3 are read");
    }
    int lengthBytes = version == 1 ? 2 : 4;
    long length = 0;
    byte[] size = DataFile.require(in, lengthBytes, where);
    for (int i = 0; i < lengthBytes; i++) {
      length |= (long) (size[i] & 0xff) << (8 * i);
    }
    if (length > LARGEST_TEXT) {
      throw new DataException(
          "'"
              + where
              + "' has a head of "
              + length
              + " bytes; up to "
              + LARGEST_TEXT
              + " are read");
    }
    String text =
        new String(DataFile.require(in, (int) length, where), StandardCharsets.ISO_8859_1);
    return new NpyHeader(
        NpyType.of(find(DESCR, text, "descr", where), where),
        find(ORDER, text, "fortran_order", where).equals("True"),
        shape(find(SHAPE, text, "shape", where), where),
        start.length + lengthBytes + (int) length);
  }

  private static String find(Pattern pattern, String text, String key, String where) {
    Matcher matcher = pattern.matcher(text);
    if (!matcher.find()) {
      throw new DataException(
          "'"
              + where
              + "' has a .npy head without a plain '"
              + key
              + "': "
              + text.substring(0, Math.min(120, text.length())).strip()
              + "; save an array of numbers");
    }
    return matcher.group(1);
  }

  private static int[] shape(String text, String where) {
    List<Integer> sizes = new ArrayList<>();
    long elements = 1;
    for (String part : text.split(",", -1)) {
      String digits = part.replace("L", "").strip();
      if (digits.isEmpty()) {
        continue;
      }
      // Nine digits always fit an int; longer sizes cannot be real.
      if (digits.length() > 9 || !digits.chars().allMatch(c -> c >= '0' && c <= '9')) {
        throw new DataException("'" + where + "' has an axis of size " + digits);
      }
      int size = Integer.parseInt(digits);
      sizes.add(size);
      // An axis of size 0 must not hide that the product of the others overflows.
      elements *= Math.max(1, size);
      if (elements > MOST_ELEMENTS) {
        throw new DataException(
            "'" + where + "' says its shape is (" + text + "), which is too big");
      }
    }
    if (sizes.size() > MOST_AXES) {
      throw new DataException("'" + where + "' has " + sizes.size() + " axes");
    }
    return sizes.stream().mapToInt(Integer::intValue).toArray();
  }

  private static long product(int[] shape, int from) {
    long product = 1;
    for (int axis = from; axis < shape.length; axis++) {
      product *= shape[axis];
    }
    return product;
  }
}
