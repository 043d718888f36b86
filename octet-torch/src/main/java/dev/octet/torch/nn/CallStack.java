package dev.octet.torch.nn;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The modules that this thread is inside of, outermost first: names for messages and traces. */
public final class CallStack {
  private static final ThreadLocal<List<Module>> CALLS = ThreadLocal.withInitial(ArrayList::new);

  private CallStack() {}

  /**
   * Where this thread is, e.g. {@code layer1.0.conv1}; empty at the outermost module or outside.
   */
  public static String path() {
    return path(CALLS.get());
  }

  /** The module that this thread is inside of, for messages. */
  public static String place() {
    List<Module> calls = CALLS.get();
    if (calls.isEmpty()) {
      return "outside any module";
    }
    String path = path(calls);
    Module innermost = calls.get(calls.size() - 1);
    return path.isEmpty() ? innermost.toString() : "'" + path + "', " + innermost;
  }

  static void enter(Module module) {
    CALLS.get().add(module);
  }

  static void leave() {
    List<Module> calls = CALLS.get();
    calls.remove(calls.size() - 1);
    if (calls.isEmpty()) {
      CALLS.remove();
    }
  }

  static boolean isOutermost() {
    return CALLS.get().size() <= 1;
  }

  private static String path(List<Module> calls) {
    StringBuilder path = new StringBuilder();
    for (int depth = 1; depth < calls.size(); depth++) {
      String name = nameIn(calls.get(depth - 1), calls.get(depth));
      if (!name.isEmpty()) {
        path.append(path.isEmpty() ? "" : ".").append(name);
      }
    }
    return path.toString();
  }

  private static String nameIn(Module parent, Module module) {
    // A parent may call a grandchild, so all below it are looked through.
    for (Map.Entry<String, Module> entry : parent.modules().entrySet()) {
      if (entry.getValue() == module) {
        return entry.getKey();
      }
    }
    return module.getClass().getSimpleName();
  }
}
