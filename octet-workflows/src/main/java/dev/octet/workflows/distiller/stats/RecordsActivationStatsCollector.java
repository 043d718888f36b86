package dev.octet.workflows.distiller.stats;

import dev.octet.core.range.Moments;
import dev.octet.torch.Tensors;
import dev.octet.torch.nn.Module;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/** Figures of the outputs of layers, for each sample by itself. */
public final class RecordsActivationStatsCollector implements CsvTable, AutoCloseable {
  /**
   * Of one sample.
   *
   * @param std of all its elements, the population's
   * @param l2 the root of the sum of squares
   */
  public record Sample(double min, double max, double mean, double std, double l2) {}

  private final Map<String, List<Sample>> records = new LinkedHashMap<>();
  private final TensorHooks hooks;

  /**
   * A collector.
   *
   * @param layers those to look at; empty for all without layers inside
   * @throws IllegalArgumentException if there is no such layer
   */
  public RecordsActivationStatsCollector(Module model, Collection<String> layers) {
    hooks = TensorHooks.onOutputs(model, layers, this::see);
  }

  private void see(String layer, Tensor output) {
    float[] values = Tensors.toFloats(output);
    int samples = output.dim() == 0 ? 1 : Math.toIntExact(output.size(0));
    int each = values.length / samples;
    List<Sample> seen = records.computeIfAbsent(layer, name -> new ArrayList<>());
    for (int start = 0; start < values.length; start += each) {
      float[] own = Arrays.copyOfRange(values, start, start + each);
      Moments moments = new Moments();
      moments.add(own);
      double min = own[0];
      double max = own[0];
      double squares = 0;
      for (float value : own) {
        min = Math.min(min, value);
        max = Math.max(max, value);
        squares += (double) value * value;
      }
      seen.add(
          new Sample(min, max, moments.mean(), moments.standardDeviation(), Math.sqrt(squares)));
    }
  }

  /** The samples so far by layer, in the order in which they ran. */
  public Map<String, List<Sample>> records() {
    return Collections.unmodifiableMap(records);
  }

  /** All samples as comma-separated values under a line of names. */
  @Override
  public String toCsv() {
    StringBuilder csv = new StringBuilder("layer,sample,min,max,mean,std,l2\n");
    records.forEach(
        (layer, samples) -> {
          for (int i = 0; i < samples.size(); i++) {
            Sample at = samples.get(i);
            csv.append(layer).append(',').append(i);
            for (double each : new double[] {at.min(), at.max(), at.mean(), at.std(), at.l2()}) {
              csv.append(',').append(each);
            }
            csv.append('\n');
          }
        });
    return csv.toString();
  }

  /** Takes the hooks away; what was collected stays. */
  @Override
  public void close() {
    hooks.close();
  }
}
