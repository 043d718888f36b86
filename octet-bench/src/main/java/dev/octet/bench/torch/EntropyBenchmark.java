package dev.octet.bench.torch;

import dev.octet.core.range.parity.NvidiaHistogramCalibrator;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * Our side of {@code entropy-peer.sh}: collects each case's values and times the search for the
 * range of least entropy, in processor time of the one thread that either side uses.
 *
 * <p>Takes a folder with {@code cases.txt}, lines of {@code name bits unsigned bins batches}, and
 * the batches as {@code name.0}, {@code name.1} and so on: float32, little-endian.
 */
public final class EntropyBenchmark {
  private static final int WARM_UP = 200;
  private static final int RUNS = 21;

  private EntropyBenchmark() {}

  /** Prints a line of JSON for each case. */
  public static void main(String[] args) throws IOException {
    Path folder = Path.of(args[0]);
    ThreadMXBean clock = ManagementFactory.getThreadMXBean();
    for (String line : Files.readAllLines(folder.resolve("cases.txt"))) {
      List<String> words = List.of(line.split(" "));
      NvidiaHistogramCalibrator calibrator =
          new NvidiaHistogramCalibrator(
              Integer.parseInt(words.get(1)),
              Boolean.parseBoolean(words.get(2)),
              Integer.parseInt(words.get(3)),
              false,
              NvidiaHistogramCalibrator.Path.TORCH);
      for (int i = 0; i < Integer.parseInt(words.get(4)); i++) {
        calibrator.collect(values(folder.resolve(words.get(0) + "." + i)));
      }
      float amax = 0;
      for (int i = 0; i < WARM_UP; i++) {
        amax = calibrator.entropyAmax(1, 128);
      }
      double[] seconds = new double[RUNS];
      for (int i = 0; i < RUNS; i++) {
        long start = clock.getCurrentThreadCpuTime();
        amax = calibrator.entropyAmax(1, 128);
        seconds[i] = (clock.getCurrentThreadCpuTime() - start) / 1e9;
      }
      Arrays.sort(seconds);
      System.out.printf(
          "{\"side\": \"octet\", \"case\": \"%s\", \"bins\": %d, \"amax\": %s, \"seconds\": %s}%n",
          words.get(0), calibrator.bins(), amax, seconds[RUNS / 2]);
    }
  }

  private static float[] values(Path file) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    float[] values = new float[bytes.remaining() / Float.BYTES];
    bytes.asFloatBuffer().get(values);
    return values;
  }
}
