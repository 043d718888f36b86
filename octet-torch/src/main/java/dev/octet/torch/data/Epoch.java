package dev.octet.torch.data;

import dev.octet.quantize.data.DataException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * One pass over a data set, in batches that threads of its own make ahead. Whoever takes a batch
 * closes it.
 *
 * <p>To be used by one thread. It ends its threads after the last batch, after an exception and
 * when closed; no thread is left when {@link #close} returns.
 */
public final class Epoch implements Iterator<Batch>, AutoCloseable {

  /** Makes the batch of a number; null if stopped half-way. */
  interface Maker {
    @Nullable Batch make(int number, BooleanSupplier stopped);
  }

  private final Maker maker;
  private final int last;
  private final int prefetch;
  private final ExecutorService pool;
  private final List<Thread> threads = new ArrayList<>();
  private final Deque<Future<@Nullable Batch>> ahead = new ArrayDeque<>();
  private int started;
  private volatile boolean closed;

  Epoch(Maker maker, int first, int last, int workers, int prefetch) {
    this.maker = maker;
    this.last = last;
    this.prefetch = prefetch;
    this.started = first;
    this.pool = Executors.newFixedThreadPool(workers, this::thread);
    fill();
  }

  private Thread thread(Runnable work) {
    // Called by the thread that uses this, as all of the pool's tasks are handed in by it.
    Thread thread = new Thread(work, "octet-loader-" + threads.size());
    thread.setDaemon(true);
    threads.add(thread);
    return thread;
  }

  private void fill() {
    while (ahead.size() < prefetch && started < last) {
      int number = started++;
      ahead.add(pool.submit(() -> closed ? null : maker.make(number, () -> closed)));
    }
  }

  /** Whether there is another batch; false once closed. */
  @Override
  public boolean hasNext() {
    return !ahead.isEmpty();
  }

  /**
   * The next batch, which the caller closes.
   *
   * @throws DataException if a sample cannot be read or does not fit, naming it; the pass is closed
   *     then
   * @throws NoSuchElementException after the last batch
   */
  @Override
  public Batch next() {
    Future<@Nullable Batch> first = ahead.peek();
    if (first == null) {
      throw new NoSuchElementException("the pass is over or closed; start another epoch");
    }
    try {
      Batch batch = first.get();
      ahead.remove();
      if (batch == null) {
        throw new NoSuchElementException("the pass is closed; start another epoch");
      }
      fill();
      if (ahead.isEmpty()) {
        close();
      }
      return batch;
    } catch (ExecutionException e) {
      close();
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      if (e.getCause() instanceof Error cause) {
        throw cause;
      }
      throw new IllegalStateException(e.getCause());
    } catch (InterruptedException e) {
      close();
      Thread.currentThread().interrupt();
      throw new DataException("waiting for a batch was interrupted", e);
    }
  }

  /** Stops after the samples in the making, frees batches not taken, and ends the threads. */
  @Override
  public void close() {
    closed = true;
    pool.shutdown();
    boolean interrupted = false;
    for (Thread thread : threads) {
      while (thread.isAlive()) {
        try {
          thread.join();
        } catch (InterruptedException e) {
          interrupted = true; // an orderly end first: a thread left behind would leak its batch
        }
      }
    }
    threads.clear();
    while (!ahead.isEmpty()) {
      free(ahead.remove());
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private static void free(Future<@Nullable Batch> made) {
    try {
      Batch batch = made.get();
      if (batch != null) {
        batch.close();
      }
    } catch (ExecutionException | InterruptedException e) {
      // It failed, so there is no batch; every thread has ended, so nothing waits.
    }
  }
}
