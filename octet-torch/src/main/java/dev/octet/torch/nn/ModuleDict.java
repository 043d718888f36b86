package dev.octet.torch.nn;

import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/**
 * Modules by name, for a parent that calls them as it likes; not callable itself.
 *
 * @param <M> what the parent needs to see of them
 */
public final class ModuleDict<M extends Module> extends Module {
  private final Map<String, Child<M>> places = new LinkedHashMap<>();

  /** Modules by name, in the map's order. */
  public ModuleDict(Map<String, ? extends M> modules) {
    modules.forEach((name, module) -> places.put(name, child(name, module)));
  }

  /**
   * The module of a name.
   *
   * @throws IllegalArgumentException if there is none, naming those that are
   */
  public M at(String name) {
    return place(name).get();
  }

  /** Calls the module of a name. */
  public Tensor callAt(String name, Tensor... inputs) {
    return place(name).call(inputs);
  }

  private Child<M> place(String name) {
    Child<M> place = places.get(name);
    if (place == null) {
      throw new IllegalArgumentException("no module '" + name + "'; there are " + places.keySet());
    }
    return place;
  }
}
