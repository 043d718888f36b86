package dev.octet.workflows.pytorch.fx;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Which channels of a layer's input have outliers: their largest value is many times their value at
 * a percentile, on average over batches. A negative ratio counts as positive, one below 1 as its
 * inverse. Reliable for stationary inputs, see {@link DynamicStaticDetector}.
 *
 * @param ratioThreshold the ratio above which there are outliers, at least 1
 * @param percentile above 0 and below 1
 * @param statisticalThreshold the share of batches that must have gone into a channel's ratio, 0 to
 *     1
 */
public record OutlierDetector(double ratioThreshold, double percentile, double statisticalThreshold)
    implements Detector {
  public OutlierDetector {
    if (!(ratioThreshold >= 1)
        || !(percentile > 0 && percentile < 1)
        || !(statisticalThreshold >= 0 && statisticalThreshold <= 1)) {
      throw new IllegalArgumentException(
          "a ratio of %s, a percentile of %s and a share of %s: choose at least 1, above 0 and below 1, and 0 to 1"
              .formatted(ratioThreshold, percentile, statisticalThreshold));
    }
  }

  /** With PyTorch's numbers: 3.5, 0.975 and 0.95. */
  public OutlierDetector() {
    this(3.5, 0.975, 0.95);
  }

  @Override
  public String name() {
    return "outlier_detector";
  }

  @Override
  public boolean covers(String kind) {
    return true;
  }

  @Override
  public Finding find(ReportedLayer layer) {
    double[] averages = layer.input().averagePercentileRatio();
    int[] batches = layer.input().percentileBatchesTracked();
    float[] max = layer.input().maxVal();
    List<Double> ratios = new ArrayList<>();
    List<Boolean> outliers = new ArrayList<>();
    List<Boolean> sufficient = new ArrayList<>();
    List<Integer> used = new ArrayList<>();
    List<Integer> constant = new ArrayList<>();
    List<Float> largest = new ArrayList<>();
    List<Integer> found = new ArrayList<>();
    for (int i = 0; i < averages.length; i++) {
      double ratio = Math.abs(averages[i]);
      ratio = ratio > 0 && ratio < 1 ? 1 / ratio : ratio;
      ratios.add(ratio);
      outliers.add(ratio > ratioThreshold);
      used.add(batches[i]);
      sufficient.add(
          (double) batches[i] / layer.input().numBatchesTracked() >= statisticalThreshold);
      constant.add(layer.input().constantChannels()[i]);
      largest.add(max[i]);
      if (ratio > ratioThreshold) {
        found.add(i);
      }
    }
    Map<String, Object> features = new LinkedHashMap<>();
    features.put("outlier_detection_ratio_threshold", ratioThreshold);
    features.put("outlier_detection_reference_percentile", percentile);
    features.put("outliers_detected", outliers);
    features.put("outlier_detection_percentile_ratios", ratios);
    features.put("outlier_detection_is_sufficient_batches", sufficient);
    features.put("outlier_detection_batches_used", used);
    features.put("constant_batch_counts", constant);
    features.put("per_channel_max", largest);
    return new Finding(
        name(),
        layer.name(),
        layer.module(),
        features,
        Set.of(),
        found.isEmpty() ? "" : "its input has outliers in channels " + found);
  }
}
