package dev.octet.torch.quant.nn;

import dev.octet.core.descriptor.Granularity;
import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.core.rules.Settings;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.Substitution;
import dev.octet.torch.quant.QuantizerConfig;
import java.util.IdentityHashMap;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.Supplier;
import org.bytedeco.pytorch.Tensor;

/**
 * A class of float layers and how one of them becomes a quantized layer.
 *
 * @param <M> the class of float layers; the quantized layer is of a subclass
 */
public final class Twin<M extends Module> {
  /** Makes a quantized layer that shares the parameters of a float one. */
  interface Make<M> {
    M apply(M layer, QuantizerConfig input, QuantizerConfig weight);
  }

  private final Class<M> layer;
  private final LayerDefaults defaults;
  private final Make<M> make;

  private Twin(Class<M> layer, LayerDefaults defaults, Make<M> make) {
    this.layer = layer;
    this.defaults = defaults;
    this.make = make;
  }

  /**
   * A quantized form of the caller's own.
   *
   * @param layer exactly this class is replaced, not its subclasses
   * @param quantized makes an instance of a subclass that shares the parameters of what it is
   *     given, and does not close it
   */
  public static <M extends Module> Twin<M> of(Class<M> layer, Function<M, ? extends M> quantized) {
    return new Twin<>(
        layer, LayerDefaults.inputOnly(), (from, input, weight) -> quantized.apply(from));
  }

  /** A form whose descriptors rules may change. */
  static <M extends Module> Twin<M> weighted(
      Class<M> layer, LayerDefaults defaults, Make<M> quantized) {
    return new Twin<>(layer, defaults, quantized);
  }

  /** The same for a layer without weights. */
  static <M extends Module> Twin<M> unweighted(
      Class<M> layer,
      LayerDefaults defaults,
      BiFunction<M, QuantizerConfig, ? extends M> quantized) {
    return new Twin<>(layer, defaults, (from, input, weight) -> quantized.apply(from, input));
  }

  /** The class of float layers. */
  public Class<M> layer() {
    return layer;
  }

  /**
   * The quantized form of a layer, in the same mode and with the same parameters frozen.
   *
   * @throws IllegalStateException if what was made is no subclass, or the same class again
   */
  M quantize(Module from, Settings input, Settings weight) {
    M typed = layer.cast(from);
    M made =
        sharing(
            typed,
            () ->
                make.apply(
                    typed,
                    changed(defaults.input(), input, false),
                    changed(defaults.weight(), weight, true)));
    if (!layer.isInstance(made) || made.getClass() == layer) {
      throw new IllegalStateException(
          made + " is no quantized form of " + from + ": its class must extend " + layer.getName());
    }
    return made;
  }

  /**
   * Makes a layer over the parameters of another, in the same mode. Registering a parameter a
   * second time switches its gradient on, so those that were frozen are frozen again.
   */
  static <L extends Module> L sharing(Module from, Supplier<L> make) {
    IdentityHashMap<Tensor, Boolean> gradients = new IdentityHashMap<>();
    from.parameters().values().forEach(each -> gradients.put(each, each.requires_grad()));
    L made = make.get();
    gradients.forEach(Tensor::set_requires_grad);
    made.train(from.isTraining());
    return made;
  }

  /** Builds a layer that no scope replaces, in the mode of another. */
  static <L extends Module> L plain(Module from, Supplier<L> build) {
    try (Substitution none = Substitution.open(built -> built)) {
      L made = build.get();
      made.train(from.isTraining());
      return made;
    }
  }

  /** Rules name no axis: a weight's "per channel" means the axis of the output channels. */
  private QuantizerConfig changed(QuantizerConfig base, Settings settings, boolean weight) {
    QuantDescriptor changed = settings.applyTo(base.descriptor());
    if (weight && settings.granularity() instanceof Granularity.PerAxis) {
      changed = changed.toBuilder().granularity(defaults.channels()).build();
    }
    return base.toBuilder().descriptor(changed).build();
  }

  @Override
  public String toString() {
    return "Twin of " + layer.getSimpleName();
  }
}
