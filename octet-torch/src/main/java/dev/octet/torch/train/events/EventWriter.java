package dev.octet.torch.train.events;

import com.google.protobuf.CodedOutputStream;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.time.Instant;
import java.util.zip.CRC32C;

/**
 * Writes an event file that TensorBoard reads. Each opening makes a new file of the folder, and
 * TensorBoard shows those of one folder as one run.
 *
 * <p>The file is a row of records as TensorFlow's {@code record_writer} frames them: length (64
 * bits, little-endian), masked CRC-32C of the length, content, masked CRC-32C of the content; where
 * {@code masked(c) = rotateRight(c, 15) + 0xa282ead8}. The content is an {@code Event} message
 * ({@code event.proto}, {@code summary.proto}, {@code tensor.proto}).
 *
 * <p>To be used by one thread. What was written reaches the disk with {@link #flush} or {@link
 * #close}.
 */
public final class EventWriter implements AutoCloseable {

  private static final int MASK = 0xa282ead8;
  private static final int MOST_FILES = 1000; // in one second

  private final Path file;
  private final Clock clock;
  private final OutputStream out;
  private boolean closed;

  private EventWriter(Path file, OutputStream out, Clock clock) {
    this.file = file;
    this.out = out;
    this.clock = clock;
  }

  /**
   * Starts a file in a folder, which is made if it is not there.
   *
   * @throws UncheckedIOException if it cannot be written
   */
  public static EventWriter open(Path folder) {
    return open(folder, Clock.systemUTC());
  }

  /** The same with a clock, which names the file and dates the events. */
  static EventWriter open(Path folder, Clock clock) {
    String name = "events.out.tfevents." + clock.instant().getEpochSecond() + "." + host();
    try {
      Files.createDirectories(folder);
      for (int i = 0; i < MOST_FILES; i++) {
        Path file = folder.resolve(i == 0 ? name : name + "." + i);
        try {
          OutputStream bytes = Files.newOutputStream(file, StandardOpenOption.CREATE_NEW);
          EventWriter writer = new EventWriter(file, new BufferedOutputStream(bytes), clock);
          writer.event(0, event -> event.writeString(Fields.EVENT_FILE_VERSION, "brain.Event:2"));
          return writer;
        } catch (FileAlreadyExistsException e) {
          // Another run of this second has it: the next name.
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException("'" + folder + "' takes no event file: " + e.getMessage(), e);
    }
    throw new UncheckedIOException(
        new FileAlreadyExistsException(folder.resolve(name) + " and " + MOST_FILES + " more"));
  }

  /**
   * Starts a file for a run that goes on at a step: TensorBoard drops what earlier files of the
   * folder say of this step and later ones, which will be done again.
   *
   * @param step 0 or more
   */
  public static EventWriter resume(Path folder, long step) {
    checkStep(step);
    EventWriter writer = open(folder);
    writer.event(
        step,
        event ->
            message(
                event,
                Fields.EVENT_SESSION_LOG,
                log -> log.writeEnum(Fields.SESSION_LOG_STATUS, Fields.SESSION_LOG_START)));
    return writer;
  }

  /** The file. */
  public Path file() {
    return file;
  }

  /**
   * A number at a step, such as {@code loss/train}.
   *
   * @param tag its name; what is before a slash groups charts
   * @param step 0 or more
   */
  public void scalar(String tag, double value, long step) {
    summary(tag, step, entry -> entry.writeFloat(Fields.VALUE_SIMPLE_VALUE, (float) value));
  }

  /** A text at a step, which TensorBoard shows as Markdown. */
  public void text(String tag, String markdown, long step) {
    summary(
        tag,
        step,
        entry -> {
          message(
              entry,
              Fields.VALUE_TENSOR,
              tensor -> {
                tensor.writeEnum(Fields.TENSOR_DTYPE, Fields.DTYPE_STRING);
                message(
                    tensor,
                    Fields.TENSOR_SHAPE,
                    shape ->
                        message(
                            shape, Fields.SHAPE_DIM, dim -> dim.writeInt64(Fields.DIM_SIZE, 1)));
                tensor.writeString(Fields.TENSOR_STRING_VAL, markdown);
              });
          message(
              entry,
              Fields.VALUE_METADATA,
              metadata ->
                  message(
                      metadata,
                      Fields.METADATA_PLUGIN_DATA,
                      plugin -> plugin.writeString(Fields.PLUGIN_NAME, "text")));
        });
  }

  /** A distribution at a step. */
  public void histogram(String tag, Histogram histogram, long step) {
    summary(
        tag,
        step,
        entry ->
            message(
                entry,
                Fields.VALUE_HISTO,
                histo -> {
                  histo.writeDouble(Fields.HISTO_MIN, histogram.min);
                  histo.writeDouble(Fields.HISTO_MAX, histogram.max);
                  histo.writeDouble(Fields.HISTO_NUM, (double) histogram.count());
                  histo.writeDouble(Fields.HISTO_SUM, histogram.sum);
                  histo.writeDouble(Fields.HISTO_SUM_SQUARES, histogram.sumOfSquares);
                  doubles(histo, Fields.HISTO_BUCKET_LIMIT, histogram.limits);
                  doubles(histo, Fields.HISTO_BUCKET, histogram.counts);
                }));
  }

  /** Hands what was written to the operating system, so that TensorBoard sees it. */
  public void flush() {
    checkOpen();
    try {
      out.flush();
    } catch (IOException e) {
      throw failed(e);
    }
  }

  /** Flushes and closes the file. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      try {
        out.close();
      } catch (IOException e) {
        throw failed(e);
      }
    }
  }

  /** Writes the fields of one message. */
  private interface Content {
    void write(CodedOutputStream to) throws IOException;
  }

  private void summary(String tag, long step, Content value) {
    checkStep(step);
    if (tag.isBlank()) {
      throw new IllegalArgumentException("the tag is blank; name what is written");
    }
    event(
        step,
        event ->
            message(
                event,
                Fields.EVENT_SUMMARY,
                summary ->
                    message(
                        summary,
                        Fields.SUMMARY_VALUE,
                        entry -> {
                          entry.writeString(Fields.VALUE_TAG, tag);
                          value.write(entry);
                        })));
  }

  private void event(long step, Content what) {
    checkOpen();
    Instant now = clock.instant();
    try {
      byte[] content =
          bytes(
              event -> {
                event.writeDouble(
                    Fields.EVENT_WALL_TIME, now.getEpochSecond() + now.getNano() / 1e9);
                event.writeInt64(Fields.EVENT_STEP, step);
                what.write(event);
              });
      byte[] length =
          ByteBuffer.allocate(Long.BYTES)
              .order(ByteOrder.LITTLE_ENDIAN)
              .putLong(content.length)
              .array();
      out.write(length);
      out.write(maskedCrc(length));
      out.write(content);
      out.write(maskedCrc(content));
    } catch (IOException e) {
      throw failed(e);
    }
  }

  private static byte[] maskedCrc(byte[] bytes) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, 0, bytes.length);
    int masked = Integer.rotateRight((int) crc.getValue(), 15) + MASK;
    return ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN).putInt(masked).array();
  }

  private static void message(CodedOutputStream to, int field, Content content) throws IOException {
    to.writeByteArray(field, bytes(content));
  }

  private static void doubles(CodedOutputStream to, int field, double[] values) throws IOException {
    message(
        to,
        field,
        packed -> {
          for (double value : values) {
            packed.writeDoubleNoTag(value);
          }
        });
  }

  private static byte[] bytes(Content content) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    CodedOutputStream coded = CodedOutputStream.newInstance(bytes);
    content.write(coded);
    coded.flush();
    return bytes.toByteArray();
  }

  private static void checkStep(long step) {
    if (step < 0) {
      throw new IllegalArgumentException("step is " + step + "; choose 0 or more");
    }
  }

  private void checkOpen() {
    if (closed) {
      throw new IllegalStateException("'" + file + "' is closed; open another writer");
    }
  }

  private UncheckedIOException failed(IOException e) {
    return new UncheckedIOException("'" + file + "' cannot be written: " + e.getMessage(), e);
  }

  private static String host() {
    try {
      // It becomes part of a file's name.
      return InetAddress.getLocalHost().getHostName().replaceAll("[^A-Za-z0-9.-]", "-");
    } catch (UnknownHostException e) {
      return "localhost";
    }
  }
}
