package dev.octet.workflows.distiller;

import dev.octet.torch.nn.Activation;
import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.nn.Conv3d;
import dev.octet.torch.nn.Embedding;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.Module;
import java.util.Set;

/** The types of layers that overrides and replacements tell apart. */
final class ModuleTypes {
  /** Only of these exact types are weights quantized. */
  private static final Set<Class<? extends Module>> WITH_WEIGHTS =
      Set.of(Conv2d.class, Conv3d.class, Linear.class, Embedding.class);

  private ModuleTypes() {}

  /** The type as a module prints itself: {@code Conv2d}; for activations {@code ReLU}. */
  static String name(Module module) {
    String text = module.toString();
    int settings = text.indexOf('(');
    return settings < 0 ? text : text.substring(0, settings);
  }

  /** What replacements are looked up by: the exact class, for activations the function's name. */
  static Object key(Module module) {
    return module instanceof Activation ? name(module) : module.getClass();
  }

  static boolean hasQuantizableWeights(Module module) {
    return WITH_WEIGHTS.contains(module.getClass());
  }

  /** Of the bits that are wanted for a module, those that it has something for. */
  static QBits bits(Module module, QBits wanted) {
    return hasQuantizableWeights(module) ? wanted : new QBits(wanted.acts(), null, null);
  }

  /** The path of a module inside another. */
  static String join(String path, String name) {
    return path.isEmpty() ? name : name.isEmpty() ? path : path + "." + name;
  }
}
