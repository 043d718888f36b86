package dev.octet.workflows.pytorch;

import dev.octet.core.affine.QuantParams;
import dev.octet.torch.nn.Module;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * How eager mode treats modules of a class of your own: PyTorch's {@code
 * float_to_observed_custom_module_class} and {@code observed_to_quantized_custom_module_class}.
 *
 * <pre>{@code
 * CustomModule gate =
 *     CustomModule.of(
 *         Gate.class,
 *         (module, qconfig) -> new ObservedGate(module, qconfig),
 *         (observed, output) -> new QuantizedGate(observed, output));
 * Prepared prepared = Quantization.prepare(net, mapping, List.of(gate));
 * }</pre>
 *
 * @param type modules of exactly this class
 * @param toObserved makes what stands in a module's place while values are observed: another
 *     module, which closes the float one with itself if it goes on using it, or the same. What is
 *     inside it is its own affair; an observer sees its output. Null to leave modules of the class,
 *     and all below them, as they are
 * @param toQuantized makes the quantized module of the observed one and the parameters of its
 *     output; the observed one is closed afterwards
 */
public record CustomModule(
    Class<? extends Module> type,
    @Nullable BiFunction<Module, QConfig, Module> toObserved,
    @Nullable BiFunction<Module, QuantParams, Module> toQuantized) {
  /** Both functions, or none. */
  public CustomModule {
    if ((toObserved == null) != (toQuantized == null)) {
      throw new IllegalArgumentException(
          type.getSimpleName() + " needs both an observed and a quantized form, or neither");
    }
  }

  /** Modules of a class that have an observed and a quantized form. */
  public static <M extends Module> CustomModule of(
      Class<M> type,
      BiFunction<M, QConfig, Module> toObserved,
      BiFunction<Module, QuantParams, Module> toQuantized) {
    return new CustomModule(
        type, (module, qconfig) -> toObserved.apply(type.cast(module), qconfig), toQuantized);
  }

  /** Modules of a class that are not looked into: PyTorch's {@code non_traceable_module_class}. */
  public static CustomModule leave(Class<? extends Module> type) {
    return new CustomModule(type, null, null);
  }
}
