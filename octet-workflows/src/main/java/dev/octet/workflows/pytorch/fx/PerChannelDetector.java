package dev.octet.workflows.pytorch.fx;

import dev.octet.workflows.pytorch.fx.Finding.Suggestion;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Which convolutions and linear layers could have a range for each output channel of their weights,
 * and have not. Every backend here can compute so.
 *
 * @param backend for the report
 */
public record PerChannelDetector(String backend) implements Detector {
  static final List<String> WEIGHTED = List.of("Linear", "Conv1d", "Conv2d", "Conv3d");

  public PerChannelDetector {
    BackendConfig.forBackend(backend); // refuses what is none
  }

  @Override
  public String name() {
    return "per_channel_detector";
  }

  @Override
  public boolean covers(String kind) {
    return WEIGHTED.contains(kind);
  }

  @Override
  public Finding find(ReportedLayer layer) {
    boolean used = layer.perChannelWeights();
    Map<String, Object> features = new LinkedHashMap<>();
    features.put("backend", backend);
    features.put("per_channel_quantization_supported", true);
    features.put("per_channel_quantization_used", used);
    return new Finding(
        name(),
        layer.name(),
        layer.module(),
        features,
        used ? Set.of() : Set.of(Suggestion.PER_CHANNEL),
        used ? "" : "observe its weights per channel");
  }
}
