package dev.octet.workflows.distiller;

/** The modes of a layer's activations and weights. */
public record ModuleQuantMode(LinearQuantMode activations, LinearQuantMode weights) {
  /** The same mode for both. */
  public static ModuleQuantMode of(LinearQuantMode mode) {
    return new ModuleQuantMode(mode, mode);
  }
}
