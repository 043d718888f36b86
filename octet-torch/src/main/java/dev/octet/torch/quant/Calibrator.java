package dev.octet.torch.quant;

import dev.octet.core.descriptor.RangeMethod;
import dev.octet.core.range.CalibrationException;
import dev.octet.core.range.Observed;
import dev.octet.core.range.Range;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/**
 * Learns the range of what passes a quantizer, batch by batch, keeping statistics and never the
 * values. Confined to one thread at a time.
 */
public interface Calibrator {

  /**
   * Takes in one batch; an empty one changes nothing.
   *
   * @param x float of any width
   */
  void collect(Tensor x);

  /**
   * The ranges that a method finds in what was collected, in the order of the scales. What was
   * collected stays, so several methods can be tried on it.
   *
   * @throws CalibrationException if nothing was collected, or nothing finite in some channel
   * @throws IllegalArgumentException if what was kept is not enough for the method
   */
  List<Range> ranges(RangeMethod method);

  /** The shape that the ranges have as a tensor: size 1 along axes that share, [] for one. */
  long[] shape();

  /** What was seen, one entry for each range; none before the first batch. */
  List<Observed> observed();

  /** Forgets everything. */
  void reset();

  /** The word for it in a quantizer's text. */
  String name();
}
