package dev.octet.quantize.data;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/** Lines of {@code label,id,id,...}; empty lines are left out. */
final class TokenSamples implements Samples {

  private static final int LONGEST_LINE = 1 << 20;

  private final Path file;
  private final SkipPolicy policy;

  TokenSamples(Path file, SkipPolicy policy) {
    this.file = file;
    this.policy = policy;
  }

  /** Whether the first line of a file looks like a label and ids. */
  static boolean recognises(Path file) {
    try (InputStream in = DataFile.open(file)) {
      String line = line(reader(in), file.toString());
      return line != null && parse(line, file.toString()).label().isPresent();
    } catch (IOException | DataException e) {
      return false;
    }
  }

  @Override
  public SampleIterator iterator() {
    InputStream in = DataFile.open(file);
    BufferedReader lines = reader(in);
    return new ReadingIterator(policy) {
      private int number;

      @Override
      @Nullable Sample read() {
        String text;
        do {
          text = line(lines, file.getFileName() + ":" + ++number);
        } while (text != null && text.isBlank());
        return text == null ? null : parse(text, file.getFileName() + ":" + number);
      }

      @Override
      void release() {
        DataFile.closeQuietly(in);
      }
    };
  }

  static Sample parse(String line, String where) {
    String[] fields = line.split(",", -1);
    if (fields.length < 2) {
      throw new UnreadableSampleException(
          "'" + where + "' has no token ids; write label,id,id,...");
    }
    long[] ids = new long[fields.length - 1];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = number(fields[i + 1], where);
    }
    int label = (int) number(fields[0], where);
    return Sample.of(
        Map.of(Sample.TOKENS, HostTensor.ofLongs(new int[] {1, ids.length}, ids)),
        OptionalInt.of(label),
        where);
  }

  private static long number(String field, String where) {
    try {
      int value = Integer.parseInt(field.strip());
      if (value >= 0) {
        return value;
      }
    } catch (NumberFormatException e) {
      // Said below, with the same words as for a negative number.
    }
    throw new UnreadableSampleException(
        "'"
            + where
            + "' has '"
            + field.substring(0, Math.min(40, field.length())).strip()
            + "' where a label or token id belongs; write whole numbers from 0, with commas");
  }

  private static BufferedReader reader(InputStream in) {
    return new BufferedReader(new InputStreamReader(in, StandardCharsets.ISO_8859_1));
  }

  /** A line without its end; null after the last. A line's length is bounded, unlike readLine's. */
  private static @Nullable String line(BufferedReader in, String where) {
    StringBuilder text = new StringBuilder();
    try {
      for (int c = in.read(); c != '\n'; c = in.read()) {
        if (c < 0) {
          return text.length() == 0 ? null : text.toString();
        }
        if (text.length() == LONGEST_LINE) {
          throw new DataException(
              "'"
                  + where
                  + "' is longer than "
                  + LONGEST_LINE
                  + " characters; is this a CSV file?");
        }
        text.append((char) c);
      }
    } catch (IOException e) {
      throw new DataException("'" + where + "' cannot be read: " + e.getMessage(), e);
    }
    return text.toString();
  }

  @Override
  public OptionalLong size() {
    long lines = 0;
    try (InputStream in = DataFile.open(file)) {
      BufferedReader reader = reader(in);
      for (String line = line(reader, file.toString());
          line != null;
          line = line(reader, file.toString())) {
        lines += line.isBlank() ? 0 : 1;
      }
    } catch (IOException | DataException e) {
      return OptionalLong.empty(); // the pass itself will say what is wrong
    }
    return OptionalLong.of(lines);
  }

  @Override
  public String description() {
    return "token ids of '" + file.getFileName() + "'";
  }
}
