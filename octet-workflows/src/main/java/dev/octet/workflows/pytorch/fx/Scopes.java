package dev.octet.workflows.pytorch.fx;

import dev.octet.graph.Node;
import dev.octet.graph.Value;
import dev.octet.torch.nn.Module;
import dev.octet.workflows.pytorch.QConfigMapping;
import dev.octet.workflows.pytorch.fx.PrepareCustomConfig.Standalone;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The model and its standalone modules: what holds in which. */
final class Scopes {
  /**
   * A part that is prepared on its own.
   *
   * @param path of the standalone module; "" for the model
   */
  record Scope(
      String path, QConfigMapping mapping, BackendConfig backend, PrepareCustomConfig own) {
    boolean isRoot() {
      return path.isEmpty();
    }

    /** A module's path as this scope's rules name it. */
    String relative(String module) {
      if (isRoot() || !ModuleTypes.within(module, path)) {
        return module;
      }
      return module.equals(path) ? "" : module.substring(path.length() + 1);
    }
  }

  private final Scope root;
  private final Map<String, Scope> standalone = new LinkedHashMap<>();
  private final Map<String, String> left = new LinkedHashMap<>();

  Scopes(
      QConfigMapping mapping,
      BackendConfig backend,
      PrepareCustomConfig custom,
      ModuleTypes types,
      Set<String> replaced) {
    root = new Scope("", mapping, backend, custom);
    custom.standaloneNames().forEach(this::add);
    custom
        .standaloneClasses()
        .forEach((type, how) -> found(types, type, "standalone").forEach(path -> add(path, how)));
    custom
        .nonTraceableNames()
        .forEach(path -> left.put(path, "module '" + path + "' is not traceable"));
    for (Class<? extends Module> type : custom.nonTraceableClasses()) {
      found(types, type, "non-traceable")
          .forEach(
              path -> left.put(path, "modules of " + type.getSimpleName() + " are not traceable"));
    }
    replaced.forEach(path -> left.put(path, "the module in its place quantizes itself"));
  }

  private void add(String path, Standalone how) {
    standalone.put(path, new Scope(path, how.qconfigMapping(), how.backendConfig(), how.config()));
  }

  private static Set<String> found(ModuleTypes types, Class<? extends Module> type, String role) {
    Set<String> paths = types.ofClass(type);
    if (paths.isEmpty()) {
      throw new IllegalArgumentException(
          "the model has no %s, which is named as a %s module class"
              .formatted(type.getSimpleName(), role));
    }
    return paths;
  }

  Scope root() {
    return root;
  }

  /** Fails for names in the custom configuration that no operator has. */
  void check(List<Op> ops) {
    List<String> named = new ArrayList<>(standalone.keySet());
    named.addAll(left.keySet());
    for (String path : named) {
      if (ops.stream().noneMatch(op -> ModuleTypes.within(op.module(), path))) {
        throw new IllegalArgumentException(
            "no operator of the graph is in module '"
                + path
                + "', which the custom configuration names; there are "
                + new LinkedHashSet<>(ops.stream().map(Op::module).toList()));
      }
    }
  }

  /** The innermost scope around an operator. */
  Scope of(Op op) {
    Scope best = root;
    for (Scope scope : standalone.values()) {
      if (ModuleTypes.within(op.module(), scope.path())
          && scope.path().length() > best.path().length()) {
        best = scope;
      }
    }
    return best;
  }

  /** Why an operator is left alone, or null. */
  @Nullable String reasonForFloat(Op op) {
    for (Map.Entry<String, String> each : left.entrySet()) {
      if (ModuleTypes.within(op.module(), each.getKey())) {
        return each.getValue();
      }
    }
    return null;
  }

  /** Which values cross the borders of standalone modules as integers. */
  final class Crossings {
    private final Map<Node, Scope> scopeOf = new HashMap<>();
    private final Map<Scope, List<Value>> inputs = new HashMap<>();
    private final Map<Scope, List<Value>> outputs = new HashMap<>();

    Crossings(List<Op> ops) {
      ops.forEach(op -> op.nodes().forEach(node -> scopeOf.put(node, of(op))));
      for (Op op : ops) {
        Scope scope = of(op);
        for (Value.Use use : op.inputs()) {
          Value value = beyondBorder(Op.read(use));
          if (!of(value).equals(scope)) {
            note(inputs, scope, value);
          }
        }
        for (Value value : op.outputs()) {
          boolean leaves =
              value.isOutput()
                  || value.consumers().stream()
                      .flatMap(Crossings::beyondBorders)
                      .anyMatch(reader -> !scopeOf.getOrDefault(reader, root).equals(scope));
          if (leaves) {
            note(outputs, scope, value);
          }
        }
      }
    }

    private static Stream<Node> beyondBorders(Node node) {
      return Operators.isBorder(node) ? node.output().consumers().stream() : Stream.of(node);
    }

    private static void note(Map<Scope, List<Value>> to, Scope scope, Value value) {
      List<Value> values = to.computeIfAbsent(scope, s -> new ArrayList<>());
      if (!values.contains(value)) {
        values.add(value);
      }
    }

    private static Value beyondBorder(Value value) {
      Node maker = value.producer();
      Value before = maker != null && Operators.isBorder(maker) ? maker.input(0) : null;
      return before == null ? value : before;
    }

    private Scope of(Value value) {
      Node maker = value.producer();
      return maker == null ? root : scopeOf.getOrDefault(maker, root);
    }

    private Scope of(Op op) {
      return Scopes.this.of(op);
    }

    /** Whether a value must be rounded anew where an operator reads it. */
    boolean separates(Value value, Op reader) {
      Node maker = value.producer();
      if (maker != null && Operators.isBorder(maker)) {
        return false;
      }
      Scope from = of(value);
      Scope to = of(reader);
      if (from.equals(to)) {
        return false;
      }
      boolean leaves =
          from.isRoot() || has(outputs.get(from), value, from.own().outputQuantizedIndexes());
      boolean enters = to.isRoot() || has(inputs.get(to), value, to.own().inputQuantizedIndexes());
      return !(leaves && enters);
    }

    private static boolean has(@Nullable List<Value> values, Value value, List<Integer> indexes) {
      return values != null && indexes.contains(values.indexOf(value));
    }
  }
}
