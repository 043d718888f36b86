package dev.octet.quantize.data;

import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;

/** A pass that reads one sample ahead, leaves out unreadable ones, and closes itself at the end. */
abstract class ReadingIterator implements SampleIterator {

  private static final int LISTED = 5;

  private final SkipPolicy policy;
  private final List<String> skipped = new ArrayList<>();
  private int skippedCount;
  private @Nullable Sample next;
  private boolean ended;

  ReadingIterator(SkipPolicy policy) {
    this.policy = policy;
  }

  /**
   * The next sample, or null after the last. After an {@link UnreadableSampleException} it is asked
   * for the one after that.
   */
  abstract @Nullable Sample read();

  /** Closes what the pass holds open; may be called more than once. */
  abstract void release();

  @Override
  public final boolean hasNext() {
    while (next == null && !ended) {
      try {
        next = read();
        ended = next == null;
      } catch (UnreadableSampleException e) {
        skip(e);
      } catch (RuntimeException e) {
        close();
        throw e;
      }
    }
    if (ended) {
      release();
    }
    return next != null;
  }

  @Override
  public final Sample next() {
    if (!hasNext() || next == null) {
      throw new NoSuchElementException();
    }
    Sample sample = next;
    next = null;
    return sample;
  }

  @Override
  public final void close() {
    ended = true;
    next = null;
    release();
  }

  private void skip(UnreadableSampleException e) {
    String message = String.valueOf(e.getMessage());
    skippedCount++;
    if (skipped.size() < LISTED) {
      skipped.add(message);
    }
    if (skippedCount > policy.limit()) {
      close();
      throw new DataException(
          skippedCount == 1
              ? message
              : skippedCount
                  + " samples cannot be read and at most "
                  + policy.limit()
                  + " may be skipped; the first: "
                  + String.join("; ", skipped),
          e);
    }
    policy.listener().accept("skipped: " + message);
  }
}
