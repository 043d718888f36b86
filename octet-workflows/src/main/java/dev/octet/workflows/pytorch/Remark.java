package dev.octet.workflows.pytorch;

import java.util.Locale;

/**
 * Something that a model's owner should know: a module that is not what the qconfigs asked for.
 *
 * @param path of the module
 * @param kind what was not done
 * @param reason why not, and what would help
 */
public record Remark(String path, Kind kind, String reason) {
  /** What was not done. */
  public enum Kind {
    /** No values passed its observer. */
    NOT_OBSERVED,
    /** It follows a layer that it could have been fused with. */
    NOT_FUSED,
    /** There is no quantized form of it. */
    NOT_SUPPORTED,
    /** It could be quantized and was not. */
    LEFT_FLOAT
  }

  @Override
  public String toString() {
    return "'" + path + "' " + kind.name().toLowerCase(Locale.ROOT) + ": " + reason;
  }
}
