package dev.octet.workflows.distiller;

import dev.octet.torch.nn.Module;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** What a quantizer makes of layers, by their types. */
final class ReplacementRules {
  /**
   * What becomes of a type.
   *
   * @param arguments the settings that overrides of such a layer may have beside bits
   * @param withoutBits those of them with which a layer is exchanged even if it has no bits
   */
  record Rule(Replacement make, Set<String> arguments, Set<String> withoutBits) {
    Rule {
      arguments = Set.copyOf(arguments);
      withoutBits = Set.copyOf(withoutBits);
    }
  }

  private final String quantizer;
  private final Map<Object, Rule> rules = new HashMap<>();
  private @Nullable Rule otherwise;
  private final List<Class<? extends Module>> leftAlone = new ArrayList<>();

  /** None yet; {@code quantizer} is the class for messages. */
  ReplacementRules(String quantizer) {
    this.quantizer = quantizer;
  }

  /** Of a class, or of activations that print themselves so. */
  void put(Object type, Rule rule) {
    rules.put(type, rule);
  }

  /** Of layers without children of all other types. */
  void putOthers(Rule rule) {
    otherwise = rule;
  }

  /** Layers of this class and its subclasses stay. */
  void leaveAlone(Class<? extends Module> type) {
    leftAlone.add(type);
  }

  /** What holds for a module; null if it stays. */
  @Nullable Rule find(Module module) {
    if (leftAlone.stream().anyMatch(type -> type.isInstance(module))) {
      return null;
    }
    Rule rule = rules.get(ModuleTypes.key(module));
    return rule != null || !module.children().isEmpty() ? rule : otherwise;
  }

  /**
   * Checks what overrides say of a layer.
   *
   * @param arguments the settings beside bits
   * @param leavesFloat whether the bits leave it float
   * @return what is in vain, if something is
   * @throws IllegalArgumentException naming the layer if a setting is not one of its type's, or the
   *     layer is not quantized
   */
  Optional<String> check(
      Module module, String path, Map<String, @Nullable Object> arguments, boolean leavesFloat) {
    if (arguments.isEmpty()) {
      return Optional.empty();
    }
    String layer = "'" + path + "' (" + ModuleTypes.name(module) + ")";
    Rule rule = find(module);
    if (rule == null) {
      return module.children().isEmpty()
          ? Optional.of(
              "overrides "
                  + arguments.keySet()
                  + " of "
                  + layer
                  + " have no effect: "
                  + quantizer
                  + " leaves layers of this type as they are")
          : Optional.empty();
    }
    Set<String> unknown = new TreeSet<>(arguments.keySet());
    unknown.removeAll(rule.arguments());
    if (!unknown.isEmpty()) {
      throw new IllegalArgumentException(
          "overrides of "
              + layer
              + " have "
              + unknown
              + ", which "
              + quantizer
              + " does not take for this type; it takes "
              + new TreeSet<>(rule.arguments()));
    }
    if (leavesFloat && Collections.disjoint(arguments.keySet(), rule.withoutBits())) {
      throw new IllegalArgumentException(
          "overrides of "
              + layer
              + " have "
              + arguments.keySet()
              + ", but the layer is not quantized: give it bits, or drop them");
    }
    return Optional.empty();
  }
}
