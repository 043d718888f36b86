package dev.octet.torch.quant.nn;

import dev.octet.core.descriptor.Granularity;
import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.torch.quant.QuantizerConfig;
import java.util.Objects;

/**
 * How the layers of one class are quantized when nothing else is said: {@code
 * QuantConv2d.DEFAULTS.setInput(...)}. They are the class's, for the whole process, and are read
 * when a layer is made.
 */
public final class LayerDefaults {
  private final QuantizerConfig firstInput;
  private final QuantizerConfig firstWeight;
  private volatile QuantizerConfig input;
  private volatile QuantizerConfig weight;

  private LayerDefaults(QuantDescriptor input, QuantDescriptor weight) {
    this.firstInput = QuantizerConfig.of(input);
    this.firstWeight = QuantizerConfig.of(weight);
    this.input = firstInput;
    this.weight = firstWeight;
  }

  /** Signed 8-bit integers: one range for the input, one for each index of the weight's axis. */
  static LayerDefaults weightAxis(int axis) {
    return new LayerDefaults(
        QuantDescriptor.int8Activation(),
        QuantDescriptor.builder().granularity(Granularity.perAxis(axis)).build());
  }

  /** Signed 8-bit integers, one range for the tensor: for layers without weights. */
  static LayerDefaults inputOnly() {
    return new LayerDefaults(QuantDescriptor.int8Activation(), QuantDescriptor.int8Activation());
  }

  /** How inputs are quantized; at first signed 8-bit integers with one range for the tensor. */
  public QuantizerConfig input() {
    return input;
  }

  /**
   * How weights are quantized; at first signed 8-bit integers with a range for each index of the
   * output channels' axis. Layers without weights read nothing of it.
   */
  public QuantizerConfig weight() {
    return weight;
  }

  /** Changes how inputs are quantized, for layers made from now on. */
  public void setInput(QuantizerConfig config) {
    input = Objects.requireNonNull(config, "the input's settings are null");
  }

  /** Changes how inputs are quantized, for layers made from now on. */
  public void setInput(QuantDescriptor descriptor) {
    setInput(QuantizerConfig.of(descriptor));
  }

  /** Changes how weights are quantized, for layers made from now on. */
  public void setWeight(QuantizerConfig config) {
    weight = Objects.requireNonNull(config, "the weight's settings are null");
  }

  /** Changes how weights are quantized, for layers made from now on. */
  public void setWeight(QuantDescriptor descriptor) {
    setWeight(QuantizerConfig.of(descriptor));
  }

  /** Goes back to what it was at first. */
  public void reset() {
    input = firstInput;
    weight = firstWeight;
  }

  /** The axis of a weight's output channels, to which rules refer without naming it. */
  Granularity channels() {
    return firstWeight.descriptor().granularity();
  }
}
