package dev.octet.torch.train.events;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnknownFieldSet;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EventWriterTest {

  private static final Clock CLOCK =
      Clock.fixed(Instant.ofEpochSecond(1_700_000_000, 500_000_000), ZoneOffset.UTC);

  @TempDir Path folder;

  /** The content of each record, after a check of both sums, bit by bit as CRC-32C is defined. */
  private static List<UnknownFieldSet> records(Path file) throws Exception {
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    List<UnknownFieldSet> records = new ArrayList<>();
    while (bytes.hasRemaining()) {
      byte[] length = new byte[8];
      bytes.get(length);
      assertThat(bytes.getInt()).isEqualTo(masked(length));
      byte[] content =
          new byte[(int) ByteBuffer.wrap(length).order(ByteOrder.LITTLE_ENDIAN).getLong()];
      bytes.get(content);
      assertThat(bytes.getInt()).isEqualTo(masked(content));
      records.add(UnknownFieldSet.parseFrom(content));
    }
    return records;
  }

  private static int masked(byte[] bytes) {
    int crc = -1;
    for (byte b : bytes) {
      crc ^= b & 0xff;
      for (int bit = 0; bit < 8; bit++) {
        crc = (crc >>> 1) ^ ((crc & 1) == 0 ? 0 : 0x82f63b78);
      }
    }
    crc = ~crc;
    return ((crc >>> 15) | (crc << 17)) + 0xa282ead8;
  }

  private static UnknownFieldSet message(UnknownFieldSet in, int field) throws Exception {
    return UnknownFieldSet.parseFrom(in.getField(field).getLengthDelimitedList().get(0));
  }

  private static String string(UnknownFieldSet in, int field) {
    return in.getField(field).getLengthDelimitedList().get(0).toStringUtf8();
  }

  private static double number(UnknownFieldSet in, int field) {
    return Double.longBitsToDouble(in.getField(field).getFixed64List().get(0));
  }

  private static UnknownFieldSet value(UnknownFieldSet event) throws Exception {
    return message(message(event, 5), 1);
  }

  @Test
  void beginsWithTheVersionUnderTheNameThatTensorBoardLooksFor() throws Exception {
    try (EventWriter writer = EventWriter.open(folder.resolve("run/1"), CLOCK)) {
      assertThat(writer.file().getFileName().toString())
          .startsWith("events.out.tfevents.1700000000.");
      writer.flush();
      List<UnknownFieldSet> records = records(writer.file());
      assertThat(records).hasSize(1);
      assertThat(string(records.get(0), 3)).isEqualTo("brain.Event:2");
      assertThat(number(records.get(0), 1)).isEqualTo(1_700_000_000.5);
    }
  }

  @Test
  void writesScalars() throws Exception {
    Path file;
    try (EventWriter writer = EventWriter.open(folder, CLOCK)) {
      file = writer.file();
      writer.scalar("loss/train", 0.75, 3);
      writer.scalar("loss/train", Double.NaN, 1L << 40);
    }
    List<UnknownFieldSet> records = records(file);
    assertThat(records).hasSize(3);
    assertThat(records.get(1).getField(2).getVarintList()).containsExactly(3L);
    assertThat(string(value(records.get(1)), 1)).isEqualTo("loss/train");
    assertThat(value(records.get(1)).getField(2).getFixed32List())
        .containsExactly(Float.floatToIntBits(0.75f));
    assertThat(records.get(2).getField(2).getVarintList()).containsExactly(1L << 40);
    assertThat(value(records.get(2)).getField(2).getFixed32List())
        .containsExactly(Float.floatToIntBits(Float.NaN));
  }

  @Test
  void writesTextAsAStringTensorForTheTextPlugin() throws Exception {
    Path file;
    try (EventWriter writer = EventWriter.open(folder, CLOCK)) {
      file = writer.file();
      writer.text("recipe", "**W4A8** — ü", 0);
    }
    UnknownFieldSet value = value(records(file).get(1));
    UnknownFieldSet tensor = message(value, 8);
    assertThat(tensor.getField(1).getVarintList()).containsExactly(7L);
    assertThat(message(message(tensor, 2), 2).getField(1).getVarintList()).containsExactly(1L);
    assertThat(string(tensor, 8)).isEqualTo("**W4A8** — ü");
    assertThat(string(message(message(value, 9), 1), 1)).isEqualTo("text");
  }

  @Test
  void writesHistograms() throws Exception {
    Path file;
    float[] values = new float[1001];
    for (int i = 0; i < values.length; i++) {
      values[i] = i / 1000f;
    }
    values[500] = Float.NaN;
    try (EventWriter writer = EventWriter.open(folder, CLOCK)) {
      file = writer.file();
      writer.histogram("weights", Histogram.of(values), 1);
    }
    UnknownFieldSet histogram = message(value(records(file).get(1)), 5);
    assertThat(number(histogram, 1)).isEqualTo(0);
    assertThat(number(histogram, 2)).isEqualTo(1);
    assertThat(number(histogram, 3)).isEqualTo(1000);
    ByteString limits = histogram.getField(6).getLengthDelimitedList().get(0);
    ByteString counts = histogram.getField(7).getLengthDelimitedList().get(0);
    ByteBuffer limit = limits.asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
    ByteBuffer count = counts.asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
    double before = 0;
    double sum = 0;
    while (limit.hasRemaining()) {
      double end = limit.getDouble();
      assertThat(end).isGreaterThan(before);
      double inBin = count.getDouble();
      assertThat(inBin).isBetween((end - before) * 1000 - 2, (end - before) * 1000 + 2);
      before = end;
      sum += inBin;
    }
    assertThat(before).isEqualTo(1);
    assertThat(sum).isEqualTo(1000);
    assertThat(count.hasRemaining()).isFalse();
  }

  @Test
  void countsAHistogramOfOneValueAndOfNone() {
    assertThat(Histogram.of(new float[] {2, 2, 2}).count()).isEqualTo(3);
    assertThat(Histogram.of(new float[] {Float.POSITIVE_INFINITY}).count()).isZero();
  }

  @Test
  void keepsEarlierFilesAndMarksWhereARunGoesOn() throws Exception {
    Path first;
    try (EventWriter writer = EventWriter.open(folder, CLOCK)) {
      first = writer.file();
    }
    byte[] before = Files.readAllBytes(first);
    try (EventWriter again = EventWriter.open(folder, CLOCK)) {
      assertThat(again.file()).isNotEqualTo(first);
    }
    assertThat(Files.readAllBytes(first)).isEqualTo(before);
    Path resumed;
    try (EventWriter writer = EventWriter.resume(folder, 40)) {
      resumed = writer.file();
    }
    UnknownFieldSet mark = records(resumed).get(1);
    assertThat(mark.getField(2).getVarintList()).containsExactly(40L);
    assertThat(message(mark, 7).getField(1).getVarintList()).containsExactly(1L);
  }

  @Test
  void refusesWhatCannotBeWritten() throws Exception {
    EventWriter writer = EventWriter.open(folder, CLOCK);
    assertThatThrownBy(() -> writer.scalar(" ", 1, 0))
        .hasMessage("the tag is blank; name what is written");
    assertThatThrownBy(() -> writer.scalar("x", 1, -1)).hasMessage("step is -1; choose 0 or more");
    writer.close();
    writer.close();
    assertThatThrownBy(() -> writer.scalar("x", 1, 1))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("'" + writer.file() + "' is closed; open another writer");
    Path taken = Files.writeString(folder.resolve("file"), "x");
    assertThatThrownBy(() -> EventWriter.open(taken.resolve("run")))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContaining("takes no event file");
  }
}
