package dev.octet.core.range;

import dev.octet.core.range.ChannelCollector.Subject;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.EOFException;
import java.io.IOException;
import java.io.UTFDataFormatException;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/**
 * The bytes of a saved collector: magic, version, kind, tensor, axis, channels, then the kind's own
 * state. The reader trusts nothing: lists grow as their elements are really read.
 */
final class CollectorFormat {
  private static final int MAGIC = 0x4f435243; // "OCRC"
  private static final int VERSION = 1;

  /** Counts beyond this cannot come from data, and adding to them would overflow. */
  private static final long MOST = 1L << 60; // so that sums of a few do not overflow

  private CollectorFormat() {}

  /** Reads one channel's state. */
  interface ChannelReader<T> {
    T read() throws IOException;
  }

  static void write(ChannelCollector collector, DataOutput out) throws IOException {
    Subject subject = collector.subject();
    out.writeInt(MAGIC);
    out.writeInt(VERSION);
    out.writeUTF(collector.kind());
    out.writeUTF(subject.tensor());
    out.writeBoolean(subject.axis().isPresent());
    out.writeInt(subject.axis().orElse(0));
    out.writeInt(subject.channels());
    collector.writeState(out);
  }

  static RangeCollector read(DataInput in) throws IOException {
    try {
      int magic = in.readInt();
      if (magic != MAGIC) {
        throw new CollectorStateException(
            "bytes start with 0x%08x, a collector's state with 0x%08x".formatted(magic, MAGIC));
      }
      int version = in.readInt();
      if (version != VERSION) {
        throw new CollectorStateException(
            "collector state is of version " + version + "; this program reads " + VERSION);
      }
      String kind = in.readUTF();
      Subject subject = readSubject(in);
      return switch (kind) {
        case MinMaxCollector.KIND -> MinMaxCollector.read(subject, in);
        case HistogramCollector.KIND -> HistogramCollector.read(subject, in);
        case SampleAverageCollector.KIND -> SampleAverageCollector.read(subject, in);
        case MovingAverageCollector.KIND -> MovingAverageCollector.read(subject, in);
        default -> throw new CollectorStateException("collector kind '" + kind + "' is not known");
      };
    } catch (EOFException e) {
      throw new CollectorStateException("collector state ends early", e);
    } catch (UTFDataFormatException | IllegalArgumentException | ArithmeticException e) {
      throw new CollectorStateException("collector state is damaged: " + e.getMessage(), e);
    }
  }

  private static Subject readSubject(DataInput in) throws IOException {
    String tensor = in.readUTF();
    boolean hasAxis = in.readBoolean();
    int axis = in.readInt();
    int channels = in.readInt();
    return new Subject(tensor, hasAxis ? OptionalInt.of(axis) : OptionalInt.empty(), channels);
  }

  /** Reads the state of every channel; memory grows only with what is really there. */
  static <T> List<T> readChannels(Subject subject, ChannelReader<T> reader) throws IOException {
    List<T> channels = new ArrayList<>();
    for (int i = 0; i < subject.channels(); i++) {
      channels.add(reader.read());
    }
    return channels;
  }

  /** Reads a count, which is never negative. */
  static long readCount(DataInput in, String what) throws IOException {
    long count = in.readLong();
    if (count < 0 || count > MOST) {
      throw new CollectorStateException(what + " is " + count + "; a count is 0 to 2^60");
    }
    return count;
  }

  /** Writes a rule: its word and its setting. */
  static void writeSearch(RangeSearch search, DataOutput out) throws IOException {
    out.writeUTF(search.word());
    out.writeDouble(search.setting());
  }

  /** Reads what {@link #writeSearch} wrote. */
  static RangeSearch readSearch(DataInput in) throws IOException {
    String word = in.readUTF();
    double setting = in.readDouble();
    return switch (word) {
      case RangeSearch.MinMax.WORD -> new RangeSearch.MinMax();
      case RangeSearch.Percentile.WORD -> new RangeSearch.Percentile(setting);
      case RangeSearch.Entropy.WORD -> new RangeSearch.Entropy();
      case RangeSearch.Mse.WORD -> new RangeSearch.Mse();
      case RangeSearch.Octav.WORD -> new RangeSearch.Octav();
      case RangeSearch.AciqLaplace.WORD -> new RangeSearch.AciqLaplace();
      case RangeSearch.AciqGauss.WORD -> new RangeSearch.AciqGauss();
      case RangeSearch.Sigma.WORD -> new RangeSearch.Sigma(setting);
      default -> throw new CollectorStateException("range method '" + word + "' is not known");
    };
  }
}
