package dev.octet.workflows.pytorch.fx;

import dev.octet.torch.nn.Activation;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.ModuleDict;
import dev.octet.torch.nn.ModuleList;
import dev.octet.torch.nn.MultiheadAttention;
import dev.octet.torch.nn.Sequential;
import dev.octet.torch.nn.TransformerEncoder;
import dev.octet.torch.nn.TransformerEncoderLayer;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The classes of the modules that a graph was traced from, by path; none for imported graphs. The
 * modules themselves are not kept.
 */
final class ModuleTypes {
  /** For imported graphs. */
  static final ModuleTypes NONE = new ModuleTypes(Map.of());

  /** Layers that are made of others, which are looked into. */
  private static final Set<Class<?>> CONTAINERS =
      Set.of(
          Sequential.class,
          ModuleList.class,
          ModuleDict.class,
          MultiheadAttention.class,
          TransformerEncoder.class,
          TransformerEncoderLayer.class);

  /** A module: its class, and as which operator it counts where it is a layer. */
  record Type(Class<? extends Module> type, @Nullable String kind) {}

  private final Map<String, Type> types;

  private ModuleTypes(Map<String, Type> types) {
    this.types = types;
  }

  static ModuleTypes of(Module root) {
    Map<String, Type> types = new LinkedHashMap<>();
    root.modules()
        .forEach((path, module) -> types.put(path, new Type(module.getClass(), kind(module))));
    return new ModuleTypes(types);
  }

  boolean isTraced() {
    return !types.isEmpty();
  }

  /** A subclass of a layer counts as that layer. */
  private static @Nullable String kind(Module module) {
    if (module instanceof Activation) {
      String text = module.toString();
      return text.substring(0, text.indexOf('('));
    }
    for (Class<?> type = module.getClass(); type != null; type = type.getSuperclass()) {
      if (type.getPackage() == Module.class.getPackage()) {
        boolean layer = type != Module.class && !CONTAINERS.contains(type);
        return layer ? OperatorKinds.canonical(type.getSimpleName()) : null;
      }
    }
    return null;
  }

  /** The module at a path, or null. */
  @Nullable Type at(String path) {
    return types.get(path);
  }

  /** The path of the layer that a path leads to or into, or null. */
  @Nullable String layer(String path) {
    String at = path;
    while (true) {
      Type type = types.get(at);
      if (type != null && type.kind() != null) {
        return at;
      }
      if (at.isEmpty()) {
        return null;
      }
      at = parent(at);
    }
  }

  /** The paths of all modules of a class or a subclass. */
  Set<String> ofClass(Class<? extends Module> wanted) {
    Set<String> found = new LinkedHashSet<>();
    types.forEach(
        (path, type) -> {
          if (wanted.isAssignableFrom(type.type())) {
            found.add(path);
          }
        });
    return found;
  }

  Set<String> paths() {
    return types.keySet();
  }

  /** What is before the last dot. */
  static String parent(String path) {
    int dot = path.lastIndexOf('.');
    return dot < 0 ? "" : path.substring(0, dot);
  }

  /** Whether a path is another one, or below it. */
  static boolean within(String inner, String outer) {
    return outer.isEmpty() || inner.equals(outer) || inner.startsWith(outer + ".");
  }
}
