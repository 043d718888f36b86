package dev.octet.workflows.distiller.schedule;

import dev.octet.core.yaml.Messages;
import org.jspecify.annotations.Nullable;

/**
 * Thrown when a schedule's text cannot be used. The message says where ({@code file:line:column}),
 * which key, what is wrong and what to do.
 */
public final class ScheduleException extends RuntimeException {
  private static final long serialVersionUID = 1L;
  private static final int LONGEST = 1000;

  ScheduleException(String message, @Nullable Throwable cause) {
    super(Messages.shorten(message, LONGEST), cause);
  }
}
