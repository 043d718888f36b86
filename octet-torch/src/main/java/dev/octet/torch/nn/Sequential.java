package dev.octet.torch.nn;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/** Modules one after the other, each computing on what the one before it made. */
public class Sequential extends Module {
  private final List<Child<Module>> steps = new ArrayList<>();

  /** Modules named by their numbers, from 0. */
  public Sequential(Module... modules) {
    for (int i = 0; i < modules.length; i++) {
      steps.add(child(Integer.toString(i), modules[i]));
    }
  }

  /** Modules by name, in the map's order. */
  public Sequential(Map<String, Module> modules) {
    modules.forEach((name, module) -> steps.add(child(name, module)));
  }

  @Override
  protected Tensor forward(Tensor x) {
    Tensor result = x;
    for (Child<Module> step : steps) {
      result = step.call(result);
    }
    return result;
  }

  /** How many modules there are. */
  public final int size() {
    return steps.size();
  }
}
