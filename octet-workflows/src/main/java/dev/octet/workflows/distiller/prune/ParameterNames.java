package dev.octet.workflows.distiller.prune;

/** Names of parameters, whatever stands around their layers. */
final class ParameterNames {
  private static final String COPY = "float_";
  private static final String PARALLEL = "module.";
  private static final String WRAPPED_ITSELF = "wrapped_module";
  private static final String WRAPPED = WRAPPED_ITSELF + ".";

  private ParameterNames() {}

  /** The path of the layer that a parameter is of. */
  static String layer(String parameter) {
    return parameter.substring(0, Math.max(0, parameter.lastIndexOf('.')));
  }

  /** The name in the float model: without what quantizers put around layers and before names. */
  static String floating(String path) {
    String plain = path.replace("." + WRAPPED, ".");
    if (plain.endsWith("." + WRAPPED_ITSELF)) {
      plain = plain.substring(0, plain.length() - WRAPPED_ITSELF.length() - 1);
    }
    if (plain.startsWith(WRAPPED)) {
      plain = plain.substring(WRAPPED.length());
    }
    int dot = plain.lastIndexOf('.');
    return plain.startsWith(COPY, dot + 1)
        ? plain.substring(0, dot + 1) + plain.substring(dot + 1 + COPY.length())
        : plain;
  }

  /** Without the leading word that stands for a parallel wrapper. */
  static String withoutParallel(String name) {
    return name.startsWith(PARALLEL) ? name.substring(PARALLEL.length()) : name;
  }
}
