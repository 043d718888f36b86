package dev.octet.workflows.pytorch.fx;

import dev.octet.torch.nn.Module;
import dev.octet.workflows.pytorch.observer.ActivationPostProcess;
import dev.octet.workflows.pytorch.observer.ObserverFactory;
import dev.octet.workflows.pytorch.observer.QuantDtype;
import java.util.IdentityHashMap;
import org.jspecify.annotations.Nullable;

/** One observer of each factory, to see what it is. */
final class Probes implements AutoCloseable {
  private final IdentityHashMap<ObserverFactory, Module> made = new IdentityHashMap<>();

  /** What the factory makes; null where that observes nothing. */
  @Nullable ActivationPostProcess of(@Nullable ObserverFactory factory) {
    if (factory == null) {
      return null;
    }
    Module probe = made.computeIfAbsent(factory, ObserverFactory::create);
    return probe instanceof ActivationPostProcess process ? process : null;
  }

  /** The type that it asks for; float32 where nothing is observed. */
  static QuantDtype dtype(@Nullable ActivationPostProcess process) {
    return process == null ? QuantDtype.FLOAT32 : process.dtype();
  }

  static boolean isDynamic(@Nullable ActivationPostProcess process) {
    return process != null && process.isDynamic();
  }

  @Override
  public void close() {
    made.values().forEach(Module::close);
  }
}
