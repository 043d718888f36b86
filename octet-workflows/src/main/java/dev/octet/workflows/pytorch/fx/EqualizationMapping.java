package dev.octet.workflows.pytorch.fx;

import dev.octet.torch.nn.Module;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Which layers have their input and weights equalized: scaled against each other by channel, so
 * that both use their integers about equally well. From weak to strong: all, those of a type, that
 * at a path or below it. PyTorch gives such layers an {@code EqualizationQConfig}.
 */
public final class EqualizationMapping {
  private boolean global;
  private final Map<String, Boolean> types = new LinkedHashMap<>();
  private final Map<String, Boolean> names = new LinkedHashMap<>();

  /** Equalizes nothing until told otherwise. */
  public EqualizationMapping() {}

  /** Equalizes every convolution and linear layer. */
  public static EqualizationMapping all() {
    return new EqualizationMapping().setGlobal(true);
  }

  /** Sets what holds where nothing else is said. */
  public EqualizationMapping setGlobal(boolean on) {
    global = on;
    return this;
  }

  /** Sets what holds for a type of layer, such as {@code Linear}. */
  public EqualizationMapping setObjectType(String type, boolean on) {
    types.put(OperatorKinds.canonical(type), on);
    return this;
  }

  /** Sets what holds for a class of layers. */
  public EqualizationMapping setObjectType(Class<? extends Module> type, boolean on) {
    return setObjectType(type.getSimpleName(), on);
  }

  /** Sets what holds for the module at a path, and for those below it. */
  public EqualizationMapping setModuleName(String path, boolean on) {
    names.put(path, on);
    return this;
  }

  boolean isOn() {
    return global || types.containsValue(true) || names.containsValue(true);
  }

  boolean holds(String module, String kind) {
    for (String at = module; !at.isEmpty(); at = ModuleTypes.parent(at)) {
      Boolean named = names.get(at);
      if (named != null) {
        return named;
      }
    }
    return types.getOrDefault(kind, global);
  }
}
