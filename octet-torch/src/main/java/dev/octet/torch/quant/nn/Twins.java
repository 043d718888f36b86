package dev.octet.torch.quant.nn;

import dev.octet.torch.nn.Module;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Which classes of layers are quantized, and how: Octet's own, less some, plus others. */
final class Twins {
  private static final List<Twin<?>> AUTOMATIC = List.of();

  private static final List<Twin<?>> ON_REQUEST = List.of();

  private static final Map<Class<?>, Twin<?>> STANDARD = standard();

  private final Map<Class<?>, Twin<?>> byClass;

  private Twins(Map<Class<?>, Twin<?>> byClass) {
    this.byClass = byClass;
  }

  static Twins with(Collection<String> floatModules, Collection<? extends Twin<?>> customModules) {
    Set<String> known =
        STANDARD.keySet().stream()
            .map(Class::getSimpleName)
            .collect(Collectors.toCollection(TreeSet::new));
    for (String name : floatModules) {
      if (!known.contains(name)) {
        throw new IllegalArgumentException(
            "'" + name + "' names no class with a quantized form; there are " + known);
      }
    }
    Map<Class<?>, Twin<?>> byClass = new LinkedHashMap<>();
    for (Twin<?> twin : AUTOMATIC) {
      if (!floatModules.contains(twin.layer().getSimpleName())) {
        byClass.put(twin.layer(), twin);
      }
    }
    customModules.forEach(twin -> byClass.put(twin.layer(), twin));
    return new Twins(byClass);
  }

  @SuppressWarnings("unchecked") // The map pairs each class with its own twin.
  static <M extends Module> Twin<M> standard(Class<M> layer) {
    Twin<?> twin = STANDARD.get(layer);
    if (twin == null) {
      throw new IllegalArgumentException(
          layer.getSimpleName()
              + " has no quantized form; there are "
              + STANDARD.keySet().stream().map(Class::getSimpleName).sorted().toList());
    }
    return (Twin<M>) twin;
  }

  /** The twin of exactly this class, if it is to be quantized. */
  @Nullable Twin<?> of(Module module) {
    return byClass.get(module.getClass());
  }

  /** Why {@link #of} has none. */
  String reasonForNone(Module module) {
    Class<?> layer = module.getClass();
    if (STANDARD.containsKey(layer)) {
      return "it is quantized only when asked for, with QuantModules.twin("
          + layer.getSimpleName()
          + ".class)";
    }
    for (Class<?> above = layer.getSuperclass(); above != null; above = above.getSuperclass()) {
      if (byClass.containsKey(above)) {
        return "it is a subclass of " + above.getSimpleName() + "; give a Twin for it";
      }
    }
    return layer.getSimpleName() + " has no quantized form";
  }

  private static Map<Class<?>, Twin<?>> standard() {
    Map<Class<?>, Twin<?>> all = new LinkedHashMap<>();
    AUTOMATIC.forEach(twin -> all.put(twin.layer(), twin));
    ON_REQUEST.forEach(twin -> all.put(twin.layer(), twin));
    return Map.copyOf(all);
  }
}
