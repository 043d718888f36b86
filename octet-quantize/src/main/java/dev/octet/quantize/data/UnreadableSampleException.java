package dev.octet.quantize.data;

import org.jspecify.annotations.Nullable;

/** One sample is unreadable but those after it may be fine: the {@link SkipPolicy} decides. */
final class UnreadableSampleException extends DataException {

  private static final long serialVersionUID = 1L;

  UnreadableSampleException(String message) {
    super(message);
  }

  UnreadableSampleException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
