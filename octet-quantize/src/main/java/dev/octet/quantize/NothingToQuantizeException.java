package dev.octet.quantize;

/** A model in which the recipe finds nothing to quantize: there is no result to write. */
public final class NothingToQuantizeException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  NothingToQuantizeException(String message) {
    super(message);
  }
}
