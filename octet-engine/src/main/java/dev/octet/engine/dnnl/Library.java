package dev.octet.engine.dnnl;

import java.util.Locale;
import org.bytedeco.dnnl.dnnl_version_t;
import org.bytedeco.dnnl.global.dnnl;

/** Which oneDNN computes. */
public final class Library {
  private Library() {}

  /** Its version and the most capable instruction set that it uses on this machine. */
  public static String description() {
    Native.cpu();
    dnnl_version_t version = dnnl.dnnl_version();
    String instructions =
        dnnl.get_effective_cpu_isa().intern().name().toLowerCase(Locale.ROOT).replace("isa_", "");
    return "oneDNN "
        + version.major()
        + "."
        + version.minor()
        + "."
        + version.patch()
        + ", "
        + instructions;
  }
}
