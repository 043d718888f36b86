package dev.octet.torch.nn;

/** What a module knows beside tensors, and a state must bring back. */
public interface ExtraState {
  /** As text, for a file. */
  String text();

  /**
   * Takes over what {@link #text} gave.
   *
   * @throws IllegalArgumentException if the text is not of this module
   */
  void load(String text);
}
