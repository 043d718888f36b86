package dev.octet.workflows.pytorch.fx;

/**
 * What was decided for an operator, or for a chain of them that is treated as one.
 *
 * @param name its first node
 * @param kind PyTorch's name of what it is
 * @param module the path of the layer, or of the module that calls it
 * @param mode how it is computed after conversion
 * @param reason why it stays float; empty otherwise
 */
public record PreparedOp(String name, String kind, String module, Mode mode, String reason) {
  @Override
  public String toString() {
    return name + " (" + kind + "): " + mode + (reason.isEmpty() ? "" : ", " + reason);
  }
}
