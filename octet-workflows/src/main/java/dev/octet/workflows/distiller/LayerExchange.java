package dev.octet.workflows.distiller;

import dev.octet.torch.nn.Module;
import dev.octet.workflows.distiller.ReplacementRules.Rule;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Puts what rules make of layers in their places, once for each layer wherever it stands. */
final class LayerExchange {
  private final Module model;
  private final ReplacementRules rules;
  private final Map<String, QBits> moduleBits;
  private final Map<String, Map<String, @Nullable Object>> moduleArguments;
  private final Map<String, String> replaced;
  private final Consumer<String> warn;
  private final IdentityHashMap<Module, String> firstPaths = new IdentityHashMap<>();
  private final IdentityHashMap<Module, Module> exchanged = new IdentityHashMap<>();

  /**
   * Nothing is exchanged yet.
   *
   * @param moduleBits by path; takes those of layers inside of what is put in place
   * @param moduleArguments by path
   * @param replaced takes the types of exchanged layers, by path
   */
  LayerExchange(
      Module model,
      ReplacementRules rules,
      Map<String, QBits> moduleBits,
      Map<String, Map<String, @Nullable Object>> moduleArguments,
      Map<String, String> replaced,
      Consumer<String> warn) {
    this.model = model;
    this.rules = rules;
    this.moduleBits = moduleBits;
    this.moduleArguments = moduleArguments;
    this.replaced = replaced;
    this.warn = warn;
  }

  void run() {
    exchange(model, "");
  }

  private void exchange(Module container, String prefix) {
    container
        .children()
        .forEach(
            (name, module) -> {
              String path = ModuleTypes.join(prefix, name);
              Rule rule = rules.find(module);
              String first = firstPaths.get(module);
              if (first != null) {
                if (rule != null || exchanged.containsKey(module)) {
                  warn.accept(
                      "'"
                          + path
                          + "' is the same module as '"
                          + first
                          + "'; it is quantized once, as the settings of '"
                          + first
                          + "' say");
                }
                Module made = exchanged.get(module);
                if (made != null) {
                  model.replace(path, made);
                  replaced.put(path, ModuleTypes.name(module));
                }
                return;
              }
              firstPaths.put(module, path);
              if (rule != null && isWanted(path, rule)) {
                exchangeOne(module, path, rule);
              }
              exchange(module, path);
            });
  }

  private boolean isWanted(String path, Rule rule) {
    return !moduleBits.getOrDefault(path, QBits.NONE).leavesFloat()
        || !Collections.disjoint(
            moduleArguments.getOrDefault(path, Map.of()).keySet(), rule.withoutBits());
  }

  private void exchangeOne(Module module, String path, Rule rule) {
    QBits own = moduleBits.getOrDefault(path, QBits.NONE);
    Module made;
    try {
      made = rule.make().replace(module, path, own, moduleArguments.getOrDefault(path, Map.of()));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "'" + path + "' (" + ModuleTypes.name(module) + "): " + e.getMessage(), e);
    }
    if (made == module) {
      return;
    }
    model.replace(path, made);
    replaced.put(path, ModuleTypes.name(module));
    exchanged.put(module, made);
    if (module.children().isEmpty() && !made.children().isEmpty()) {
      made.modules()
          .forEach(
              (sub, each) ->
                  moduleBits.put(ModuleTypes.join(path, sub), ModuleTypes.bits(each, own)));
      moduleBits.put(path, new QBits(own.acts(), null, null));
    }
  }
}
