package dev.octet.workflows.pytorch;

import dev.octet.torch.nn.Module;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/** Where modules stand in a tree, also those that stand in several places. */
final class Places {
  private Places() {}

  /**
   * Puts modules in the place of others wherever they stand.
   *
   * @return the model, or what takes its place
   */
  static Module replaceAll(Module model, IdentityHashMap<Module, Module> replacements) {
    Map<String, Module> places = new LinkedHashMap<>();
    find("", model, replacements, places);
    Module root = model;
    for (Map.Entry<String, Module> place : places.entrySet()) {
      if (place.getKey().isEmpty()) {
        root = place.getValue();
      } else {
        root.replace(place.getKey(), place.getValue());
      }
    }
    return root;
  }

  private static void find(
      String path,
      Module module,
      IdentityHashMap<Module, Module> replacements,
      Map<String, Module> places) {
    Module replacement = replacements.get(module);
    if (replacement != null) {
      places.put(path, replacement);
      return;
    }
    module
        .children()
        .forEach(
            (name, child) ->
                find(path.isEmpty() ? name : path + "." + name, child, replacements, places));
  }

  /** Whether a module is of a class of layers itself, not of a subclass. */
  static boolean isPlain(Module module) {
    return module.getClass().getPackage() == Module.class.getPackage();
  }
}
