package dev.octet.torch.quant.nn;

import dev.octet.core.rules.Rules;
import dev.octet.core.rules.Settings;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.Substitution;
import java.util.Collection;
import java.util.List;

/**
 * Quantized layers in the place of float ones, as layers are built or in a built model.
 *
 * <pre>{@code
 * try (QuantModules scope = QuantModules.initialize()) {
 *   net = ResNet.resnet18(10);                      // every Conv2d is a QuantConv2d
 * }
 * Replacement done = QuantModules.replace(other, Rules.of(Rule.keepFloat("fc", null)));
 * }</pre>
 *
 * <p>Scopes hold for the thread that opened them; of nested ones the innermost decides alone, and
 * closing it leaves the one around it as it was. A layer that a scope quantizes takes over the
 * parameters of the float one, which is closed.
 *
 * <p>Replaced are, as in pytorch-quantization, convolutions, transposed convolutions, Linear, LSTM,
 * LSTMCell, average and adaptive average pooling; and GRU, MultiheadAttention, Add, Mul, MatMul and
 * Concat. Max pooling, BatchNorm, InstanceNorm and Embedding have a quantized form that is used
 * when asked for: {@code QuantModules.initialize(List.of(), List.of(QuantModules.twin(
 * MaxPool2d.class)))}.
 */
public final class QuantModules implements AutoCloseable {
  private final Thread owner = Thread.currentThread();
  private final Substitution substitution;

  private QuantModules(Twins twins) {
    substitution = Substitution.open(built -> quantize(twins, built));
  }

  /** From here until closed, layers that this thread builds are quantized. */
  public static QuantModules initialize() {
    return initialize(List.of(), List.of());
  }

  /**
   * From here until closed, layers that this thread builds are quantized.
   *
   * @param floatModules classes that stay float, by simple name such as {@code Linear}
   * @param customModules further classes to quantize, or other forms of those that are anyway; they
   *     count more than {@code floatModules}
   * @throws IllegalArgumentException if a name is that of no class with a quantized form
   */
  public static QuantModules initialize(
      Collection<String> floatModules, Collection<? extends Twin<?>> customModules) {
    return new QuantModules(Twins.with(floatModules, customModules));
  }

  /**
   * Puts quantized layers in the place of the float layers of a model. They share the float layers'
   * parameters; a layer that occurs in several places becomes one quantized layer in all of them.
   * Hooks of a float layer are not carried over.
   *
   * @param model is changed; it cannot itself be a layer to replace
   * @param rules by module path and class name ({@code Conv2d}): what stays float, and changes to
   *     the class's default descriptors. A change to weights says nothing to layers without any
   * @return what was done, and the way back
   */
  public static Replacement replace(Module model, Rules rules) {
    return replace(model, rules, List.of());
  }

  /** The same with further classes to quantize. */
  public static Replacement replace(
      Module model, Rules rules, Collection<? extends Twin<?>> customModules) {
    return Replacement.run(model, rules, Twins.with(List.of(), customModules));
  }

  /**
   * Octet's quantized form of a class of float layers, to ask for those that are not used by
   * themselves.
   *
   * @throws IllegalArgumentException if it has none
   */
  public static <M extends Module> Twin<M> twin(Class<M> layer) {
    return Twins.standard(layer);
  }

  /** Ends the scope; the one around it holds again. A second call does nothing. */
  @Override
  public void close() {
    if (Thread.currentThread() != owner) {
      throw new IllegalStateException(
          "the scope belongs to thread '" + owner.getName() + "'; close it there");
    }
    substitution.close();
  }

  /** The same as {@link #close()}, under pytorch-quantization's name. */
  public void deactivate() {
    close();
  }

  private static Module quantize(Twins twins, Module built) {
    Twin<?> twin = twins.of(built);
    if (twin == null) {
      return built;
    }
    try {
      return twin.quantize(built, Settings.NONE, Settings.NONE);
    } finally {
      built.close();
    }
  }
}
