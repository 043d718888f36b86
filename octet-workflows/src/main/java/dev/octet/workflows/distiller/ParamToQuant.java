package dev.octet.workflows.distiller;

/**
 * A parameter that a quantizer quantizes.
 *
 * @param moduleName the path of the module it belongs to
 * @param moduleType that module's type as it prints itself, such as {@code Conv2d}
 * @param parameterName its name in the module, before quantization
 * @param bits 1 to 32
 */
public record ParamToQuant(String moduleName, String moduleType, String parameterName, int bits) {

  /** Whether it is a bias: its name ends so. */
  public boolean isBias() {
    return parameterName.endsWith("bias");
  }

  /** The path of the parameter in the model. */
  public String path() {
    return moduleName.isEmpty() ? parameterName : moduleName + "." + parameterName;
  }
}
