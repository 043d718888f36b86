package dev.octet.workflows.pytorch.fx;

import dev.octet.core.range.Range;
import java.util.List;

/**
 * A layer as {@link Detector}s see it.
 *
 * @param name its node
 * @param kind PyTorch's name of it
 * @param module the path of the module, or of the one that calls the function
 * @param perChannelWeights whether its weights are quantized with a range for each output channel
 * @param weights the range of the weights that each input channel meets; none without weights whose
 *     input channels are known
 * @param input what was seen of its first input
 * @param output what was seen of its first output
 */
public record ReportedLayer(
    String name,
    String kind,
    String module,
    boolean perChannelWeights,
    List<Range> weights,
    ModelReportObserver input,
    ModelReportObserver output) {
  public ReportedLayer {
    weights = List.copyOf(weights);
  }
}
