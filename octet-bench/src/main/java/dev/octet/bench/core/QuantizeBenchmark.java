package dev.octet.bench.core;

import dev.octet.core.affine.Affine;
import dev.octet.core.affine.Arithmetic;
import dev.octet.core.affine.QuantParams;
import dev.octet.core.descriptor.Granularity;
import java.util.Arrays;
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
 * Fake-quantizing an array of shape [N, 64, 256] into another, against a copy between the same two.
 * 2^16 values stay in a core's cache, 2^25 (128 MiB) do not.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(value = 3, jvmArgsAppend = "-Xmx2g")
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class QuantizeBenchmark {
  private static final int CHANNELS = 64;
  private static final int INNER = 256;

  /** How many values there are in the array. */
  @Param({"65536", "33554432"})
  public int values;

  private float[] from = {};
  private float[] to = {};
  private int[] shape = {};
  private final QuantParams perTensor = QuantParams.affine(0.031f, 128, 0, 255);
  private QuantParams perChannel = perTensor;

  /** Draws the values. */
  @Setup
  public void draw() {
    from = Activations.gauss(values);
    to = new float[values];
    shape = new int[] {values / CHANNELS / INNER, CHANNELS, INNER};
    float[] scales = new float[CHANNELS];
    Arrays.fill(scales, 0.031f);
    perChannel = QuantParams.affine(scales, new int[CHANNELS], Granularity.perAxis(1), -127, 127);
  }

  /** The baseline. */
  @Benchmark
  public float[] memoryCopy() {
    System.arraycopy(from, 0, to, 0, values);
    return to;
  }

  /** One scale for the tensor, ONNX's arithmetic. */
  @Benchmark
  public float[] fakeQuantize() {
    Affine.fakeQuantize(from, 0, to, 0, shape, perTensor, Arithmetic.ONNX);
    return to;
  }

  /** One scale a channel, ONNX's arithmetic. */
  @Benchmark
  public float[] fakeQuantizePerChannel() {
    Affine.fakeQuantize(from, 0, to, 0, shape, perChannel, Arithmetic.ONNX);
    return to;
  }
}
