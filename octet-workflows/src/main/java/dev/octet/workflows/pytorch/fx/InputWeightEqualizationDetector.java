package dev.octet.workflows.pytorch.fx;

import dev.octet.core.range.Range;
import dev.octet.workflows.pytorch.fx.Finding.Suggestion;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Whether input and weights of a layer should be scaled against each other, by {@code s_c =
 * sqrt(w_c / W) / sqrt(x_c / X)}: w_c and x_c are the ranges of the weights that input channel c
 * meets and of the channel, W and X those of all channels.
 *
 * <p>Where all {@code s_c} are 1, the factors of {@link EqualizationMapping} are the same for every
 * channel, and nothing is gained; so a channel counts where s_c is below the threshold or above its
 * inverse. PyTorch's detector names the channels in between. A channel of one value counts never.
 *
 * @param ratioThreshold above 0 and below 1
 */
public record InputWeightEqualizationDetector(double ratioThreshold) implements Detector {
  public InputWeightEqualizationDetector {
    if (!(ratioThreshold > 0 && ratioThreshold < 1)) {
      throw new IllegalArgumentException(
          "the threshold is " + ratioThreshold + "; choose above 0 and below 1");
    }
  }

  @Override
  public String name() {
    return "input_weight_equalization_detector";
  }

  @Override
  public boolean covers(String kind) {
    return PerChannelDetector.WEIGHTED.contains(kind);
  }

  @Override
  public @Nullable Finding find(ReportedLayer layer) {
    float[] low = layer.input().minVal();
    float[] high = layer.input().maxVal();
    List<Range> weights = layer.weights();
    if (weights.size() != low.length) {
      return null;
    }
    List<Range> inputs = new ArrayList<>();
    for (int i = 0; i < low.length; i++) {
      inputs.add(new Range(low[i], high[i]));
    }
    double allWeights = width(all(weights));
    double allInputs = width(all(inputs));
    List<Double> ratios = new ArrayList<>();
    List<Boolean> recommended = new ArrayList<>();
    for (int i = 0; i < low.length; i++) {
      double weight = width(weights.get(i)) / allWeights;
      double input = width(inputs.get(i)) / allInputs;
      double ratio = weight > 0 && input > 0 ? Math.sqrt(weight / input) : 1;
      ratios.add(ratio);
      recommended.add(ratio < ratioThreshold || ratio > 1 / ratioThreshold);
    }
    Map<String, Object> features = new LinkedHashMap<>();
    features.put("input_weight_threshold", ratioThreshold);
    features.put("input_weight_equalization_recommended", recommended);
    features.put("input_weight_channel_comparison_metrics", ratios);
    features.put("input_range_per_channel", inputs);
    features.put("weight_range_per_channel", weights);
    long count = recommended.stream().filter(each -> each).count();
    return new Finding(
        name(),
        layer.name(),
        layer.module(),
        features,
        count > 0 ? Set.of(Suggestion.EQUALIZE) : Set.of(),
        count > 0
            ? "equalize input and weights: %d of %d channels are uneven"
                .formatted(count, low.length)
            : "");
  }

  private static double width(Range range) {
    return (double) range.max() - range.min();
  }

  private static Range all(List<Range> ranges) {
    float low = Float.POSITIVE_INFINITY;
    float high = Float.NEGATIVE_INFINITY;
    for (Range range : ranges) {
      low = Math.min(low, range.min());
      high = Math.max(high, range.max());
    }
    return new Range(low, high);
  }
}
