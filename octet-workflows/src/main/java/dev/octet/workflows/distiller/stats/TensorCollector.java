package dev.octet.workflows.distiller.stats;

import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.core.descriptor.RangeMethod;
import dev.octet.core.range.MeanDeviation;
import dev.octet.core.range.MergeableRangeCollector;
import dev.octet.core.range.Moments;
import dev.octet.core.range.Observed;
import dev.octet.core.range.Range;
import dev.octet.core.range.RangeCollectors;
import dev.octet.torch.Tensors;
import dev.octet.workflows.distiller.stats.QuantCalibrationStatsCollector.Averages;
import java.util.Arrays;
import java.util.StringJoiner;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/** What is collected of one tensor. */
final class TensorCollector {
  private static final QuantDescriptor AVERAGES =
      QuantDescriptor.uint8Activation().toBuilder()
          .method(new RangeMethod.AverageExtremes())
          .build();

  private final Averages averages;
  private MergeableRangeCollector extremes;
  private Moments moments = new Moments();
  private @Nullable MeanDeviation deviation;
  private long elements;
  private double oldMin;
  private double oldMax;
  private long @Nullable [] shape;
  private boolean batchVaries;

  TensorCollector(String tensor, Averages averages) {
    this.averages = averages;
    extremes = (MergeableRangeCollector) RangeCollectors.create(tensor, AVERAGES, 1);
  }

  private TensorCollector(TensorCollector a, TensorCollector b) {
    averages = a.averages;
    extremes = a.extremes.merge(b.extremes);
    moments = a.moments.merge(b.moments);
    deviation =
        a.deviation == null || b.deviation == null
            ? a.deviation == null ? b.deviation : a.deviation
            : a.deviation.merge(b.deviation);
    elements = a.elements + b.elements;
    shape = a.shape;
    batchVaries = a.batchVaries || b.batchVaries;
    if (b.shape != null) {
      seeShape(b.shape);
    }
  }

  TensorCollector merge(TensorCollector other) {
    return new TensorCollector(this, other);
  }

  void first(Tensor tensor) {
    float[] values = Tensors.toFloats(tensor);
    long[] now = Tensors.shape(tensor);
    seeShape(now);
    if (values.length == 0) {
      return;
    }
    // Of samples of one value each a sample has no extremes: those of the batch count then.
    int samples = now.length == 0 || values.length == now[0] ? 1 : Math.toIntExact(now[0]);
    extremes.collect(values, new int[] {samples, values.length / samples});
    moments.add(values);
    if (averages == Averages.AS_DISTILLER) {
      averageAsDistiller(values, samples);
    }
    elements += values.length;
  }

  /** Past batches weigh as many as they had elements, the new one as many as it has samples. */
  private void averageAsDistiller(float[] values, int samples) {
    MergeableRangeCollector batch =
        (MergeableRangeCollector) RangeCollectors.create("batch", AVERAGES, 1);
    batch.collect(values, new int[] {samples, values.length / samples});
    Range range = batch.ranges().get(0);
    double total = (double) elements + samples;
    oldMin = (elements * oldMin + samples * (double) range.min()) / total;
    oldMax = (elements * oldMax + samples * (double) range.max()) / total;
  }

  private void seeShape(long[] now) {
    long[] before = shape;
    if (before == null) {
      shape = now.clone();
    } else if (!Arrays.equals(before, now)) {
      batchVaries = true;
      shape = now.clone();
    }
  }

  void second(Tensor tensor) {
    if (moments.count() == 0) {
      return;
    }
    MeanDeviation from = deviation;
    if (from == null) {
      from = new MeanDeviation(moments.mean());
      deviation = from;
    }
    from.add(Tensors.toFloats(tensor));
  }

  boolean isSeen() {
    return moments.count() > 0;
  }

  TensorStats stats() {
    Observed observed = extremes.observed().get(0);
    Range average = extremes.ranges().get(0);
    boolean old = averages == Averages.AS_DISTILLER;
    return new TensorStats(
        observed.min(),
        observed.max(),
        old ? oldMin : average.min(),
        old ? oldMax : average.max(),
        moments.mean(),
        moments.standardDeviation(),
        deviation == null ? Double.NaN : deviation.mean(),
        shapeText(),
        elements);
  }

  private String shapeText() {
    long[] sizes = shape;
    if (sizes == null) {
      return "";
    }
    StringJoiner text = new StringJoiner(", ", "(", sizes.length == 1 ? ",)" : ")");
    for (int i = 0; i < sizes.length; i++) {
      text.add(i == 0 && batchVaries ? "N" : Long.toString(sizes[i]));
    }
    return text.toString();
  }
}
