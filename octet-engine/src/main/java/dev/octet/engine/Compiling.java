package dev.octet.engine;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/** The compilation of one set of shapes, done once by the thread that began it. Thread-safe. */
final class Compiling {
  private final CompletableFuture<CompiledShapes> result = new CompletableFuture<>();

  void complete(CompiledShapes made) {
    result.complete(made);
  }

  void fail(Throwable failure) {
    result.completeExceptionally(failure);
  }

  boolean isDone() {
    return result.isDone();
  }

  /** Waits for the result, whatever interrupts; throws what the compilation threw. */
  CompiledShapes join() {
    try {
      return result.join();
    } catch (CompletionException failed) {
      if (failed.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      if (failed.getCause() instanceof Error cause) {
        throw cause;
      }
      throw failed;
    }
  }
}
