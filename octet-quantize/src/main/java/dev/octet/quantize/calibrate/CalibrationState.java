package dev.octet.quantize.calibrate;

import dev.octet.core.range.CollectorStateException;
import dev.octet.core.range.RangeCollector;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.CheckedInputStream;
import java.util.zip.CheckedOutputStream;

/**
 * Everything a calibration has learned so far: enough to carry on where it stopped.
 *
 * @param fingerprint of the model, the settings and the samples; a state resumes only what it began
 * @param samples how many samples were taken in
 * @param collectors by tensor name
 * @param means by tensor name
 */
record CalibrationState(
    String fingerprint,
    long samples,
    Map<String, RangeCollector> collectors,
    Map<String, ChannelMeans> means) {
  private static final int MAGIC = 0x4f435453; // "OCTS"
  private static final int VERSION = 1;

  /** More tensors than any model has; keeps a damaged file from asking for memory. */
  private static final int MOST_TENSORS = 1 << 20;

  void writeTo(OutputStream stream) throws IOException {
    CheckedOutputStream checked = new CheckedOutputStream(stream, new CRC32());
    DataOutputStream out = new DataOutputStream(checked);
    out.writeInt(MAGIC);
    out.writeInt(VERSION);
    out.writeUTF(fingerprint);
    out.writeLong(samples);
    out.writeInt(collectors.size());
    for (RangeCollector collector : collectors.values()) {
      collector.writeTo(out);
    }
    out.writeInt(means.size());
    for (Map.Entry<String, ChannelMeans> entry : means.entrySet()) {
      out.writeUTF(entry.getKey());
      entry.getValue().writeTo(out);
    }
    out.writeLong(checked.getChecksum().getValue());
    out.flush();
  }

  /**
   * Reads what {@link #writeTo} wrote.
   *
   * @throws IOException if the bytes are something else, damaged, or of another version
   */
  static CalibrationState read(InputStream stream) throws IOException {
    CheckedInputStream checked = new CheckedInputStream(stream, new CRC32());
    DataInputStream in = new DataInputStream(checked);
    if (in.readInt() != MAGIC) {
      throw new IOException("it is not a calibration state");
    }
    int version = in.readInt();
    if (version != VERSION) {
      throw new IOException("it has version " + version + ", this program reads " + VERSION);
    }
    String fingerprint = in.readUTF();
    long samples = in.readLong();
    Map<String, RangeCollector> collectors = new LinkedHashMap<>();
    try {
      for (int i = count(in); i > 0; i--) {
        RangeCollector collector = RangeCollector.read(in);
        collectors.put(collector.tensor(), collector);
      }
    } catch (CollectorStateException e) {
      throw new IOException("it is damaged: " + e.getMessage(), e);
    }
    Map<String, ChannelMeans> means = new LinkedHashMap<>();
    for (int i = count(in); i > 0; i--) {
      means.put(in.readUTF(), ChannelMeans.read(in));
    }
    long checksum = checked.getChecksum().getValue();
    if (in.readLong() != checksum || in.read() >= 0) {
      throw new IOException("it is damaged: its checksum does not match");
    }
    return new CalibrationState(fingerprint, samples, collectors, means);
  }

  private static int count(DataInputStream in) throws IOException {
    int count = in.readInt();
    if (count < 0 || count > MOST_TENSORS) {
      throw new IOException("it is damaged: " + count + " tensors");
    }
    return count;
  }
}
