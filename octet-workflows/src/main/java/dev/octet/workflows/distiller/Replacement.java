package dev.octet.workflows.distiller;

import dev.octet.torch.nn.Module;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Makes what stands in a layer's place once it is quantized. */
@FunctionalInterface
public interface Replacement {
  /**
   * The module to put in the place of one.
   *
   * @param module the layer; the one that is made owns it, or it is the one returned
   * @param name the layer's path in the model
   * @param bits what holds for the layer
   * @param arguments the settings of the layer's overrides beside the bits, only such as were
   *     allowed for the type
   * @return {@code module} itself to leave it as it is
   */
  Module replace(Module module, String name, QBits bits, Map<String, @Nullable Object> arguments);
}
