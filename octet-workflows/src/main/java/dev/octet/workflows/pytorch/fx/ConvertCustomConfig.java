package dev.octet.workflows.pytorch.fx;

import java.util.List;

/**
 * Exceptions for {@link QuantizeFx#convertFx}.
 *
 * @param allowUnobserved whether observers that saw nothing count as scale 1 and zero point 0, as
 *     PyTorch has it, instead of being an error
 * @param preservedAttributes of the attributes that the graph module preserved those that the
 *     converted one keeps
 */
public record ConvertCustomConfig(boolean allowUnobserved, List<String> preservedAttributes) {
  public ConvertCustomConfig {
    preservedAttributes = List.copyOf(preservedAttributes);
  }

  /** Without exceptions. */
  public static ConvertCustomConfig none() {
    return new ConvertCustomConfig(false, List.of());
  }

  /** The same, keeping these attributes. */
  public ConvertCustomConfig preserving(String... names) {
    return new ConvertCustomConfig(allowUnobserved, List.of(names));
  }

  /** The same, letting observers pass that saw nothing. */
  public ConvertCustomConfig allowingUnobserved() {
    return new ConvertCustomConfig(true, preservedAttributes);
  }
}
