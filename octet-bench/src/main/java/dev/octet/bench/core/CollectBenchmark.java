package dev.octet.bench.core;

import dev.octet.core.descriptor.Granularity;
import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.core.descriptor.RangeMethod;
import dev.octet.core.range.RangeCollector;
import dev.octet.core.range.RangeCollectors;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * One batch of shape [N, 64, 256] into a collector, against a copy of the same array. Divide the
 * number of values by the time: 2^16 values stay in a core's cache, 2^25 (128 MiB) do not.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(value = 3, jvmArgsAppend = "-Xmx2g")
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class CollectBenchmark {
  private static final int CHANNELS = 64;
  private static final int INNER = 256;

  /** How many values there are in the batch. */
  @Param({"65536", "33554432"})
  public int values;

  /** What the values are. */
  @Param({"gauss", "rectified"})
  public String law = "gauss";

  private float[] batch = {};
  private float[] copy = {};
  private int[] shape = {};
  private RangeCollector minMax = collector("minmax", Granularity.perTensor());
  private RangeCollector minMaxChannels = collector("minmax", Granularity.perAxis(1));
  private RangeCollector histogram = collector("entropy", Granularity.perTensor());
  private RangeCollector histogramChannels = collector("entropy", Granularity.perAxis(1));

  private static RangeCollector collector(String method, Granularity granularity) {
    return RangeCollectors.create(
        "x",
        QuantDescriptor.builder()
            .method(RangeMethod.parse(method))
            .granularity(granularity)
            .build(),
        granularity instanceof Granularity.PerAxis ? CHANNELS : 1);
  }

  /** Draws the batch. */
  @Setup
  public void draw() {
    batch = law.equals("gauss") ? Activations.gauss(values) : Activations.rectified(values);
    copy = new float[values];
    shape = new int[] {values / CHANNELS / INNER, CHANNELS, INNER};
  }

  /** The baseline. */
  @Benchmark
  public float[] memoryCopy() {
    System.arraycopy(batch, 0, copy, 0, values);
    return copy;
  }

  /** Smallest and largest value of the tensor. */
  @Benchmark
  public RangeCollector minMax() {
    minMax.collect(batch, shape);
    return minMax;
  }

  /** Smallest and largest value of each channel. */
  @Benchmark
  public RangeCollector minMaxPerChannel() {
    minMaxChannels.collect(batch, shape);
    return minMaxChannels;
  }

  /** The tensor's histogram. */
  @Benchmark
  public RangeCollector histogram() {
    histogram.collect(batch, shape);
    return histogram;
  }

  /** Each channel's histogram. */
  @Benchmark
  public RangeCollector histogramPerChannel() {
    histogramChannels.collect(batch, shape);
    return histogramChannels;
  }
}
