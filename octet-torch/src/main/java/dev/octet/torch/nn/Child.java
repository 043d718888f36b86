package dev.octet.torch.nn;

import org.bytedeco.pytorch.Tensor;

/**
 * The place of a module inside another. What stands in it can be exchanged ({@link
 * Module#replace}), so a parent keeps the place and not the module.
 *
 * @param <M> what the parent needs to see of the module
 */
public final class Child<M extends Module> {
  private final String name;
  private Module module;

  Child(String name, M module) {
    this.name = name;
    this.module = module;
  }

  /** The name inside the parent. */
  public String name() {
    return name;
  }

  /** Calls the module that stands here. */
  public Tensor call(Tensor... inputs) {
    return module.call(inputs);
  }

  /**
   * The module that stands here.
   *
   * @throws ClassCastException at the caller's, if a replacement is not an {@code M}
   */
  @SuppressWarnings("unchecked") // The caller's cast tells; call() needs none.
  public M get() {
    return (M) module;
  }

  Module module() {
    return module;
  }

  void put(Module replacement) {
    module = replacement;
  }
}
