package dev.octet.workflows.distiller.stats;

import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Module;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.LongStream;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * One figure, or one for each channel, of the outputs of layers, as the mean over all samples that
 * were seen: what the ranking of filters by their activations is based on.
 */
public final class SummaryActivationStatsCollector implements AutoCloseable {
  /** What is measured of an output {@code [N, C, ...]}. */
  public enum Statistic {
    /** The part of all elements that are zero, in [0, 1]. */
    SPARSITY,
    /**
     * For each channel the part of its elements that are zero (Hu et al., "Network Trimming",
     * 2016).
     */
    APOZ_CHANNELS,
    /** For each channel the mean. */
    MEAN_CHANNELS,
    /** For each channel the mean magnitude. */
    L1_CHANNELS
  }

  private static final class Sum {
    private double[] sum = new double[0];
    private long samples;
  }

  private final Statistic statistic;
  private final Map<String, Sum> sums = new LinkedHashMap<>();
  private final TensorHooks hooks;

  /**
   * A collector.
   *
   * @param layers those to look at; empty for all without layers inside
   * @throws IllegalArgumentException if there is no such layer
   */
  public SummaryActivationStatsCollector(
      Module model, Collection<String> layers, Statistic statistic) {
    this.statistic = statistic;
    hooks = TensorHooks.onOutputs(model, layers, this::see);
  }

  private void see(String layer, Tensor output) {
    boolean channels = statistic != Statistic.SPARSITY;
    if (channels && output.dim() < 2) {
      throw new IllegalArgumentException(
          "the output of '" + layer + "' has no channels: " + Tensors.describe(output));
    }
    double[] values;
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      Tensor x = output.detach();
      Tensor measured =
          switch (statistic) {
            case SPARSITY, APOZ_CHANNELS -> x.eq(new Scalar(0.0));
            case MEAN_CHANNELS -> x;
            case L1_CHANNELS -> x.abs();
          };
      long[] over = LongStream.range(0, x.dim()).filter(dim -> !channels || dim != 1).toArray();
      Tensor mean =
          measured.to(ScalarType.Double).mean(over, false, new ScalarTypeOptional()).reshape(-1);
      float[] found = Tensors.toFloats(mean.to(ScalarType.Float));
      values = new double[found.length];
      for (int i = 0; i < found.length; i++) {
        values[i] = found[i];
      }
    }
    long samples = output.dim() == 0 ? 1 : output.size(0);
    Sum sum = sums.computeIfAbsent(layer, name -> new Sum());
    if (sum.samples == 0) {
      sum.sum = new double[values.length];
    } else if (sum.sum.length != values.length) {
      throw new IllegalArgumentException(
          "'" + layer + "' had " + sum.sum.length + " channels, and now has " + values.length);
    }
    for (int i = 0; i < values.length; i++) {
      sum.sum[i] += values[i] * samples;
    }
    sum.samples += samples;
  }

  /** The means so far by layer, of those that ran: one for each channel, or one in all. */
  public Map<String, double[]> values() {
    Map<String, double[]> values = new LinkedHashMap<>();
    sums.forEach(
        (layer, sum) -> {
          double[] means = sum.sum.clone();
          for (int i = 0; i < means.length; i++) {
            means[i] /= sum.samples;
          }
          values.put(layer, means);
        });
    return values;
  }

  /** Takes the hooks away; what was collected stays. */
  @Override
  public void close() {
    hooks.close();
  }
}
