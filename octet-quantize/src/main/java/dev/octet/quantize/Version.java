package dev.octet.quantize;

/** The version of this build, for reports and {@code --version}. */
public final class Version {
  /** Such as {@code 0.1.0}; {@code dev} where classes were not run from a jar. */
  public static final String TEXT = text();

  private Version() {}

  private static String text() {
    String version = Version.class.getPackage().getImplementationVersion();
    return version == null ? "dev" : version;
  }
}
