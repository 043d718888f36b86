package dev.octet.quantize.data;

import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/**
 * Batches read one ahead on a thread of their own, so that decoding goes on while the batch before
 * is worked on. Order, content and exceptions are those of the {@link Batches} underneath, which it
 * owns and closes. To be used by one thread.
 */
public final class ReadAhead implements Iterator<Batch>, AutoCloseable {
  private final Batches batches;
  private final ExecutorService reader =
      Executors.newSingleThreadExecutor(
          work -> {
            Thread thread = new Thread(work, "octet-read-ahead");
            thread.setDaemon(true);
            return thread;
          });
  private @Nullable Future<Optional<Batch>> ahead;

  /** Starts reading at once. */
  public ReadAhead(Batches batches) {
    this.batches = batches;
    this.ahead = start();
  }

  private Future<Optional<Batch>> start() {
    return reader.submit(() -> batches.hasNext() ? Optional.of(batches.next()) : Optional.empty());
  }

  @Override
  public boolean hasNext() {
    return waiting().isPresent();
  }

  @Override
  public Batch next() {
    Batch batch = waiting().orElseThrow(NoSuchElementException::new);
    ahead = start();
    return batch;
  }

  private Optional<Batch> waiting() {
    Future<Optional<Batch>> future = ahead;
    if (future == null) {
      throw new IllegalStateException("these batches are closed");
    }
    try {
      return future.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      if (e.getCause() instanceof Error cause) {
        throw cause;
      }
      throw new IllegalStateException(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new DataException("reading samples was interrupted", e);
    }
  }

  /** Lets the read in progress end, whatever it ends with, and closes what is underneath. */
  @Override
  public void close() {
    ahead = null;
    // Closing comes after the read in progress, on its thread: an iterator bears no two threads.
    reader.execute(batches::close);
    reader.shutdown();
  }
}
