package dev.octet.torch.quant.nn;

import dev.octet.core.descriptor.Granularity;
import dev.octet.core.descriptor.QuantDescriptor;
import java.util.Objects;

/**
 * How the layers of one class are quantized when nothing else is said: {@code
 * QuantConv2d.DEFAULTS.setInput(...)}. They are the class's, for the whole process, and are read
 * when a layer is made.
 */
public final class DefaultDescriptors {
  private final QuantDescriptor firstInput;
  private final QuantDescriptor firstWeight;
  private volatile QuantDescriptor input;
  private volatile QuantDescriptor weight;

  private DefaultDescriptors(QuantDescriptor input, QuantDescriptor weight) {
    this.firstInput = input;
    this.firstWeight = weight;
    this.input = input;
    this.weight = weight;
  }

  /** Signed 8-bit integers: one range for the input, one for each index of the weight's axis. */
  static DefaultDescriptors weightAxis(int axis) {
    return new DefaultDescriptors(
        QuantDescriptor.int8Activation(),
        QuantDescriptor.builder().granularity(Granularity.perAxis(axis)).build());
  }

  /** Signed 8-bit integers, one range for the tensor: for layers without weights. */
  static DefaultDescriptors inputOnly() {
    return new DefaultDescriptors(
        QuantDescriptor.int8Activation(), QuantDescriptor.int8Activation());
  }

  /** How inputs are quantized; at first signed 8-bit integers with one range for the tensor. */
  public QuantDescriptor input() {
    return input;
  }

  /**
   * How weights are quantized; at first signed 8-bit integers with a range for each index of the
   * output channels' axis. Layers without weights read nothing of it.
   */
  public QuantDescriptor weight() {
    return weight;
  }

  /** Changes how inputs are quantized, for layers made from now on. */
  public void setInput(QuantDescriptor descriptor) {
    input = Objects.requireNonNull(descriptor, "the input descriptor is null");
  }

  /** Changes how weights are quantized, for layers made from now on. */
  public void setWeight(QuantDescriptor descriptor) {
    weight = Objects.requireNonNull(descriptor, "the weight descriptor is null");
  }

  /** Goes back to what it was at first. */
  public void reset() {
    input = firstInput;
    weight = firstWeight;
  }

  /** The axis of a weight's output channels, to which rules refer without naming it. */
  Granularity channels() {
    return firstWeight.granularity();
  }
}
