package dev.octet.workflows.pytorch.fx;

import dev.octet.workflows.pytorch.fx.Finding.Suggestion;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * Whether a linear layer had better be quantized by the range of each call or by a learned one: by
 * {@link ModelReportObserver#getBatchToEpochRatio} of what it gives. Above the tolerance the
 * distribution is stationary, and a learned range fits.
 *
 * @param tolerance PyTorch's is 0.5
 */
public record DynamicStaticDetector(double tolerance) implements Detector {
  public DynamicStaticDetector {
    if (!(tolerance >= 0 && tolerance <= 1)) {
      throw new IllegalArgumentException("the tolerance is " + tolerance + "; choose 0 to 1");
    }
  }

  /** With PyTorch's tolerance. */
  public DynamicStaticDetector() {
    this(0.5);
  }

  @Override
  public String name() {
    return "dynamic_vs_static_detector";
  }

  @Override
  public boolean covers(String kind) {
    return kind.equals("Linear");
  }

  @Override
  public Finding find(ReportedLayer layer) {
    double before = layer.input().getBatchToEpochRatio();
    double after = layer.output().getBatchToEpochRatio();
    boolean dynamic = after <= tolerance;
    Map<String, Object> features = new LinkedHashMap<>();
    features.put("dynamic_static_tolerance", tolerance);
    features.put("dynamic_recommended", dynamic);
    features.put("pre_observer_comp_stat", before);
    features.put("pre_observer_data_dist", word(before));
    features.put("post_observer_comp_stat", after);
    features.put("post_observer_data_dist", word(after));
    String advice =
        "use %s quantization: values before it are %s, those after it %s"
            .formatted(dynamic ? "dynamic" : "static", word(before), word(after));
    if (!dynamic && before <= tolerance) {
      advice += "; round its input by the range of each call";
    }
    return new Finding(
        name(),
        layer.name(),
        layer.module(),
        features,
        Set.of(dynamic ? Suggestion.DYNAMIC : Suggestion.STATIC),
        advice);
  }

  private String word(double ratio) {
    return ratio > tolerance ? "stationary" : "non-stationary";
  }
}
