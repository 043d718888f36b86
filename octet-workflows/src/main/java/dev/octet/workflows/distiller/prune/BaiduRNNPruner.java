package dev.octet.workflows.distiller.prune;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/**
 * Keeps what is larger in magnitude than a threshold that rises by the epoch, and faster from the
 * ramp on (Narang et al., "Exploring Sparsity in Recurrent Neural Networks", 2017).
 */
public final class BaiduRNNPruner extends ParameterPruner {
  private final double q;
  private final int rampEpoch;
  private final double rampSlope;
  private final List<String> weights;

  /**
   * A pruner.
   *
   * @param q the magnitude that 90 % of trained weights are below, above 0: it sets the first slope
   * @param rampEpoch where the threshold begins to rise faster
   * @param rampSlope how many times as fast, above 0; the paper has 1.5 to 2
   * @param weights names of parameters; {@link #OTHERS} for all of two dimensions and more
   */
  public BaiduRNNPruner(
      String name, double q, int rampEpoch, double rampSlope, List<String> weights) {
    super(name);
    if (!(q > 0) || Double.isInfinite(q) || rampEpoch < 0 || !(rampSlope > 0)) {
      throw new IllegalArgumentException(
          "q is "
              + q
              + ", the ramp's epoch "
              + rampEpoch
              + " and its slope "
              + rampSlope
              + "; q and the slope must be above 0, the epoch not negative");
    }
    this.q = q;
    this.rampEpoch = rampEpoch;
    this.rampSlope = rampSlope;
    this.weights = checkWeights(weights);
  }

  /**
   * The threshold in an epoch.
   *
   * @throws IllegalArgumentException if the ramp begins outside of the epochs
   */
  public double threshold(PrunerEpochs at) {
    if (rampEpoch < at.starting() || rampEpoch > at.ending()) {
      throw new IllegalArgumentException(
          "the ramp at epoch "
              + rampEpoch
              + " is not in the epochs from "
              + at.starting()
              + " to "
              + at.ending());
    }
    double slope =
        2
            * q
            * at.frequency()
            / (2.0 * (rampEpoch - at.starting()) + 3.0 * (at.ending() - rampEpoch));
    double steps =
        at.current() < rampEpoch
            ? at.current() - at.starting() + 1
            : rampEpoch - at.starting() + 1 + rampSlope * (at.current() - rampEpoch + 1);
    return slope * steps / at.frequency();
  }

  @Override
  public void prune(ZerosMaskDict masks, PrunerEpochs at, Tensor... inputs) {
    spread(thresholds(threshold(at)), masks)
        .forEach((parameter, threshold) -> threshold(masks, parameter, threshold));
  }

  @Override
  public void check(ZerosMaskDict masks) {
    spread(thresholds(0), masks);
  }

  private Map<String, Double> thresholds(double threshold) {
    Map<String, Double> thresholds = new LinkedHashMap<>();
    weights.forEach(weight -> thresholds.put(weight, threshold));
    return thresholds;
  }
}
