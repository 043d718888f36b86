package dev.octet.workflows.pytorch;

import dev.octet.torch.Scope;
import dev.octet.torch.nn.Module;
import dev.octet.torch.op.Tracer;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A model with observers in it, and what its conversion needs to know: made by {@link
 * Quantization#prepare} and {@link Quantization#prepareQat}. Call the model on samples, or train
 * it, and give this to {@link Quantization#convert}.
 *
 * <p>Closing it forgets the sample it keeps for the conversion; the model stays as it is.
 */
public final class Prepared implements AutoCloseable {
  private final Module model;
  private final List<Remark> remarks;
  private final IdentityHashMap<Module, QConfig> qconfigs;
  private final IdentityHashMap<Module, CustomModule> custom;
  private final IdentityHashMap<Module, Module.Hook> hooks = new IdentityHashMap<>();
  private final Module.Hook watching;
  private Tensor @Nullable [] example;
  private boolean converted;

  Prepared(
      Module model,
      IdentityHashMap<Module, QConfig> qconfigs,
      IdentityHashMap<Module, CustomModule> custom,
      List<Remark> remarks) {
    this.model = model;
    this.qconfigs = qconfigs;
    this.custom = custom;
    this.remarks = new ArrayList<>(remarks);
    watching = model.beforeForward((module, inputs) -> keep(inputs));
  }

  /** The first inputs are kept: a trace on them tells each converted module its input's scale. */
  private synchronized Tensor[] keep(Tensor[] inputs) {
    if (example == null && Tracer.current() == null) {
      Tensor[] copies = new Tensor[inputs.length];
      try (Scope scope = Scope.open()) {
        for (int i = 0; i < copies.length; i++) {
          copies[i] = Scope.keep(inputs[i].detach().clone());
        }
      }
      example = copies;
    }
    return inputs;
  }

  /** The model with observers in it. */
  public Module model() {
    return model;
  }

  /** What was not prepared, and why. */
  public List<Remark> remarks() {
    return List.copyOf(remarks);
  }

  /** The qconfig that a module was prepared with, or null. */
  public @Nullable QConfig qconfig(Module module) {
    return qconfigs.get(module);
  }

  /** How an observed module of a user's own class is converted; null for others. */
  @Nullable CustomModule custom(Module module) {
    return custom.get(module);
  }

  void hook(Module module, Module.Hook hook) {
    hooks.put(module, hook);
  }

  void unhook(Module module) {
    Module.Hook hook = hooks.remove(module);
    if (hook != null) {
      hook.close();
    }
  }

  /** The first inputs that the model was called with, or null. */
  synchronized Tensor @Nullable [] example() {
    return example;
  }

  /**
   * Makes sure that it was not converted before.
   *
   * @throws IllegalStateException if it was
   */
  void requireOpen() {
    if (converted) {
      throw new IllegalStateException("this model was converted already");
    }
  }

  /** Says that the conversion is under way, which happens once. */
  void converted() {
    converted = true;
  }

  @Override
  public synchronized void close() {
    watching.close();
    if (example != null) {
      for (Tensor each : example) {
        each.close();
      }
      example = null;
    }
  }
}
