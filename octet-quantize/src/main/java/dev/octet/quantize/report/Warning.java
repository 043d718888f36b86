package dev.octet.quantize.report;

import java.util.Objects;

/**
 * Something the user should know although the run succeeded.
 *
 * @param where the node, tensor, rule, file or option concerned; empty when it is the whole run
 * @param text what happened, and what to do about it
 */
public record Warning(String where, String text) {
  /** Refuses missing parts. */
  public Warning {
    Objects.requireNonNull(where, "where");
    Objects.requireNonNull(text, "text");
  }
}
