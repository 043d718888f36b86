package dev.octet.torch.nn;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/**
 * Modules by number, for a parent that calls them as it likes; not callable itself.
 *
 * @param <M> what the parent needs to see of them
 */
public final class ModuleList<M extends Module> extends Module {
  private final List<Child<M>> places = new ArrayList<>();

  /** Modules named by their numbers, from 0. */
  public ModuleList(List<? extends M> modules) {
    modules.forEach(this::add);
  }

  /** Adds one at the end. */
  public void add(M module) {
    places.add(child(Integer.toString(places.size()), module));
  }

  /** The module at a number. */
  public M at(int index) {
    return places.get(index).get();
  }

  /** Calls the module at a number. */
  public Tensor callAt(int index, Tensor... inputs) {
    return places.get(index).call(inputs);
  }

  /** How many modules there are. */
  public int size() {
    return places.size();
  }
}
