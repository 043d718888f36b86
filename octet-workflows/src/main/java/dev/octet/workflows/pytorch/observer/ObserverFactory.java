package dev.octet.workflows.pytorch.observer;

import dev.octet.torch.nn.Module;

/** Makes observers or fake-quantize modules; each place in a model gets one of its own. */
@FunctionalInterface
public interface ObserverFactory {
  /**
   * Makes one.
   *
   * @return an {@link ActivationPostProcess}, or an {@link dev.octet.torch.nn.Identity} where
   *     nothing is to be observed
   */
  Module create();
}
