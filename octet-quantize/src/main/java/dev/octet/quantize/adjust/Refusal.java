package dev.octet.quantize.adjust;

/**
 * A layer that an adjustment left alone.
 *
 * @param layer the node's label
 * @param reason why, in lower case, with the names of what is in the way
 */
public record Refusal(String layer, String reason) {
  @Override
  public String toString() {
    return "'" + layer + "': " + reason;
  }
}
