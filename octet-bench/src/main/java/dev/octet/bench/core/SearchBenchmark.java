package dev.octet.bench.core;

import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.core.descriptor.RangeMethod;
import dev.octet.core.range.EntropySearch;
import dev.octet.core.range.Range;
import dev.octet.core.range.RangeCollector;
import dev.octet.core.range.RangeCollectors;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** Finding a range in what was collected. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(3)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class SearchBenchmark {
  private static final int BINS = 2048;

  private final long[] bins = bins();
  private final RangeCollector affine = affine();

  private static long[] bins() {
    long[] bins = new long[BINS];
    for (float value : Activations.gauss(1 << 22)) {
      bins[Math.min(BINS - 1, (int) (Math.abs(value) * (BINS / 5.5f)))]++;
    }
    return bins;
  }

  private static RangeCollector affine() {
    RangeCollector collector =
        RangeCollectors.create(
            "x",
            QuantDescriptor.uint8Activation().toBuilder().method(new RangeMethod.Mse()).build(),
            1);
    collector.collect(Activations.gauss(1 << 22), 0, 1 << 22);
    return collector;
  }

  /** All 1921 candidates of a full histogram of 2048 bins, for 8 signed bits. */
  @Benchmark
  public int entropy() {
    return EntropySearch.bestBins(bins, 128, 128, 1);
  }

  /** Both ends by least squared error, for 8 affine bits. */
  @Benchmark
  public List<Range> affineSquaredError() {
    return affine.ranges();
  }
}
