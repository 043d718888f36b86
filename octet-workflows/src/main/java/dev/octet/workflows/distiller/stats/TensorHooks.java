package dev.octet.workflows.distiller.stats;

import dev.octet.torch.Tensors;
import dev.octet.torch.nn.Identity;
import dev.octet.torch.nn.Module;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.BiConsumer;
import java.util.function.Predicate;
import org.bytedeco.pytorch.Tensor;

/** Hooks on layers that hand over every float tensor that goes in and out. */
final class TensorHooks implements AutoCloseable {
  /** Sees a tensor. */
  interface Visitor {
    /**
     * A tensor of a layer.
     *
     * @param input the index of an input, or -1 for the output
     */
    void see(String layer, int input, Tensor tensor);
  }

  private final List<Module.Hook> hooks = new ArrayList<>();

  private TensorHooks() {}

  /** The layers that have no layers inside them, but for identities, and those that are wanted. */
  static Map<String, Module> layers(
      Module model, Collection<String> wanted, Predicate<Module> leaf) {
    Map<String, Module> found = new LinkedHashMap<>();
    Map<String, Module> all = model.modules();
    all.forEach(
        (path, module) -> {
          boolean inside = found.keySet().stream().anyMatch(outer -> path.startsWith(outer + "."));
          if ((module.children().isEmpty() || leaf.test(module))
              && !inside
              && !(module instanceof Identity)
              && !path.isEmpty()) {
            found.put(path, module);
          }
        });
    if (wanted.isEmpty()) {
      return found;
    }
    TreeSet<String> unknown = new TreeSet<>(wanted);
    unknown.removeAll(found.keySet());
    if (!unknown.isEmpty()) {
      throw new IllegalArgumentException(
          "the model has no layers "
              + unknown
              + " without layers inside; it has "
              + found.keySet());
    }
    found.keySet().retainAll(wanted);
    return found;
  }

  static TensorHooks on(Map<String, Module> layers, Visitor visitor) {
    TensorHooks made = new TensorHooks();
    layers.forEach(
        (path, module) ->
            made.hooks.add(
                module.afterForward(
                    (layer, inputs, output) -> {
                      for (int i = 0; i < inputs.length; i++) {
                        visitor.see(path, i, Tensors.check(inputs[i], path));
                      }
                      visitor.see(path, -1, output);
                      return output;
                    })));
    return made;
  }

  /** On what comes out of layers without layers inside, unless it is empty. */
  static TensorHooks onOutputs(
      Module model, Collection<String> wanted, BiConsumer<String, Tensor> visitor) {
    return on(
        layers(model, wanted, module -> false),
        (layer, input, tensor) -> {
          if (input < 0 && tensor.numel() > 0) {
            visitor.accept(layer, tensor);
          }
        });
  }

  @Override
  public void close() {
    hooks.forEach(Module.Hook::close);
    hooks.clear();
  }
}
