package dev.octet.workflows.distiller.stats;

import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.nn.Module;
import dev.octet.workflows.distiller.stats.ModelHistograms.LayerHistograms;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/**
 * Counts activations into equal parts of the ranges that were found before. What lies outside of a
 * range counts at its end.
 */
public final class ActivationHistogramsCollector implements AutoCloseable {
  /** Parts of a histogram where nothing else is said. */
  public static final int DEFAULT_BINS = 2048;

  private record Place(String layer, int input) {}

  private final ModelStats stats;
  private final int bins;
  private final Map<Place, ActivationHistogram> histograms = new LinkedHashMap<>();
  private final TensorHooks hooks;

  /**
   * A collector of the layers that there are statistics of.
   *
   * @param bins parts of a histogram, at least 2
   */
  public ActivationHistogramsCollector(Module model, ModelStats stats, int bins) {
    if (bins < 2) {
      throw new IllegalArgumentException(bins + " parts are no histogram; choose 2 or more");
    }
    this.stats = stats;
    this.bins = bins;
    hooks =
        TensorHooks.on(
            TensorHooks.layers(model, stats.layers().keySet(), module -> false), this::see);
  }

  private void see(String layer, int input, Tensor tensor) {
    TensorStats range = range(layer, input);
    if (range == null || tensor.numel() == 0) {
      return;
    }
    // A range without width is widened on both sides, as LibTorch does.
    double wider = range.min() == range.max() ? 1 : 0;
    double min = range.min() - wider;
    double max = range.max() + wider;
    try (Scope scope = Scope.open()) {
      Tensor inside =
          torch.clamp(
              tensor.detach().to(torch.ScalarType.Float),
              new ScalarOptional(new Scalar(min)),
              new ScalarOptional(new Scalar(max)));
      Tensor histogram = torch.histc(inside, bins, new Scalar(min), new Scalar(max));
      List<Long> counts = Arrays.stream(Tensors.toLongs(histogram)).boxed().toList();
      histograms.merge(
          new Place(layer, input),
          new ActivationHistogram(min, max, counts),
          ActivationHistogram::merge);
    }
  }

  private @Nullable TensorStats range(String layer, int input) {
    LayerStats known = stats.layers().get(layer);
    return known == null ? null : input < 0 ? known.output() : known.inputs().get(input);
  }

  /** What was counted so far. */
  public ModelHistograms histograms() {
    Map<String, SortedMap<Integer, ActivationHistogram>> inputs = new LinkedHashMap<>();
    Map<String, ActivationHistogram> outputs = new LinkedHashMap<>();
    histograms.forEach(
        (place, histogram) -> {
          SortedMap<Integer, ActivationHistogram> own =
              inputs.computeIfAbsent(place.layer(), layer -> new TreeMap<>());
          if (place.input() < 0) {
            outputs.put(place.layer(), histogram);
          } else {
            own.put(place.input(), histogram);
          }
        });
    Map<String, LayerHistograms> layers = new LinkedHashMap<>();
    inputs.forEach((layer, own) -> layers.put(layer, new LayerHistograms(own, outputs.get(layer))));
    return new ModelHistograms(layers);
  }

  /** Takes the hooks away; what was counted stays. */
  @Override
  public void close() {
    hooks.close();
  }
}
