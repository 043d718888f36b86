package dev.octet.torch.quant;

import dev.octet.core.descriptor.Granularity;
import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.core.descriptor.RangeMethod;
import dev.octet.core.range.CalibrationException;
import dev.octet.core.range.HistogramCollector;
import dev.octet.core.range.Observed;
import dev.octet.core.range.Range;
import dev.octet.core.range.RangeCollector;
import dev.octet.core.range.RangeCollectors;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * The calibrator over {@code octet-core}'s exact collectors: one kind for each {@link RangeMethod}.
 * Its counts are 64-bit, the order of batches does not matter (but for the moving average), NaN and
 * infinities are counted and left out. It reads tensors where they lie in memory.
 */
public final class RangeCalibrator implements Calibrator {
  private final QuantDescriptor descriptor;
  private @Nullable RangeCollector collector;
  private long[] shape = {};

  /**
   * An empty calibrator.
   *
   * @param descriptor its name, integers, granularity and method
   */
  public RangeCalibrator(QuantDescriptor descriptor) {
    this.descriptor = descriptor;
  }

  @Override
  public void collect(Tensor x) {
    Tensors.check(x, "the batch");
    if (descriptor.granularity() instanceof Granularity.PerBlock) {
      throw new IllegalArgumentException(
          "ranges "
              + descriptor.granularity()
              + " are those of weights, which need no collecting: use the weights' calibration");
    }
    if (x.numel() == 0) {
      return;
    }
    try (Scope scope = Scope.open()) {
      Tensor plain = x.detach();
      Blocks blocks = Blocks.of(plain, descriptor.granularity());
      RangeCollector into = collector;
      if (into == null) {
        into = RangeCollectors.create(tensor(), descriptor, Math.toIntExact(blocks.count()));
        shape = blocks.rangesShape();
        collector = into;
      }
      boolean inAnyOrder =
          descriptor.granularity() instanceof Granularity.PerTensor
              && !(descriptor.method() instanceof RangeMethod.AverageExtremes);
      Tensor floats = plain.cpu().to(ScalarType.Float);
      if (!(inAnyOrder && floats.is_non_overlapping_and_dense())) {
        floats = floats.contiguous();
      }
      into.collect(
          Tensors.bytes(floats).asFloatBuffer(),
          Arrays.stream(Tensors.shape(floats)).mapToInt(Math::toIntExact).toArray());
    }
  }

  private String tensor() {
    String name = descriptor.name();
    return name == null ? "quantizer's input" : name;
  }

  @Override
  public List<Range> ranges(RangeMethod method) {
    RangeCollector from = collector;
    if (from == null) {
      throw new CalibrationException(
          "'"
              + tensor()
              + "' was calibrated on nothing; enable calibration and call the model on samples");
    }
    if (method.equals(descriptor.method())) {
      return from.ranges();
    }
    descriptor.toBuilder().method(method).build(); // refuses what floats cannot be judged by
    if (from instanceof HistogramCollector histogram) {
      return histogram.ranges(method);
    }
    throw new IllegalArgumentException(
        "'"
            + tensor()
            + "' kept what the method "
            + descriptor.method()
            + " needs, not "
            + method
            + "; describe the quantizer with that method, or with a histogram's (such as entropy)"
            + " to choose afterwards");
  }

  @Override
  public long[] shape() {
    return shape.clone();
  }

  @Override
  public List<Observed> observed() {
    RangeCollector from = collector;
    return from == null ? List.of() : from.observed();
  }

  @Override
  public void reset() {
    collector = null;
    shape = new long[0];
  }

  /** What was collected, for {@link #resume}; empty before the first batch. */
  byte[] state() {
    RangeCollector from = collector;
    if (from == null) {
      return new byte[0];
    }
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      from.writeTo(out);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  /**
   * A calibrator that goes on from a {@link #state}.
   *
   * @throws IllegalArgumentException if the bytes are no such state
   */
  static RangeCalibrator resume(QuantDescriptor descriptor, byte[] state, long[] shape) {
    RangeCalibrator resumed = new RangeCalibrator(descriptor);
    try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(state))) {
      RangeCollector read = RangeCollector.read(in);
      if (Arrays.stream(shape).reduce(1, (a, b) -> a * b) != read.channels()) {
        throw new IllegalArgumentException(
            "what was collected has %d ranges, which do not fill %s"
                .formatted(read.channels(), Arrays.toString(shape)));
      }
      resumed.collector = read;
    } catch (IOException e) {
      throw new IllegalArgumentException("what was collected cannot be read: " + e.getMessage(), e);
    }
    resumed.shape = shape.clone();
    return resumed;
  }

  /** As pytorch-quantization calls its kinds: MaxCalibrator or HistogramCalibrator. */
  @Override
  public String name() {
    RangeMethod method = descriptor.method();
    if (method instanceof RangeMethod.MinMax) {
      return "MaxCalibrator";
    }
    return method instanceof RangeMethod.MovingAverage
            || method instanceof RangeMethod.AverageExtremes
        ? "AverageCalibrator"
        : "HistogramCalibrator";
  }
}
