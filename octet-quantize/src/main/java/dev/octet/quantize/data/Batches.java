package dev.octet.quantize.data;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;

/**
 * One pass over samples in batches, in order. A batch ends when it is full or when the next sample
 * has another shape (a text of another length, say), so that samples are never padded by each
 * other's length.
 *
 * <p>A model with state, or one that fixes its batch axis to 1, gets batches of one sample whatever
 * size is asked for. One that fixes it to more gets exactly that many; what is left at the end or
 * before a change of shape is left out, and {@link #leftOut} counts it.
 */
public final class Batches implements Iterator<Batch>, AutoCloseable {

  private final SampleIterator samples;
  private final InputBinding binding;
  private final int size;
  private final boolean exact;
  private @Nullable Sample held;
  private @Nullable Map<String, HostTensor> heldFeeds;
  private @Nullable Batch next;
  private long leftOut;

  private Batches(SampleIterator samples, InputBinding binding, int size, boolean exact) {
    this.samples = samples;
    this.binding = binding;
    this.size = size;
    this.exact = exact;
  }

  /**
   * Starts a pass with up to {@code batchSize} samples in each batch; close it if not exhausted.
   */
  public static Batches of(Samples samples, InputBinding binding, int batchSize) {
    if (batchSize < 1) {
      throw new IllegalArgumentException("batch size is " + batchSize + "; choose 1 or more");
    }
    int fixed = binding.fixedBatch().orElse(0);
    int size = !binding.feedback().isEmpty() ? 1 : fixed > 0 ? fixed : batchSize;
    return new Batches(samples.iterator(), binding, size, fixed > 1);
  }

  /** How many samples so far did not fill a batch of the size that the model insists on. */
  public long leftOut() {
    return leftOut;
  }

  @Override
  public boolean hasNext() {
    while (next == null && advance()) {
      Batch batch = gather();
      if (exact && batch.size() < size) {
        leftOut += batch.size();
      } else {
        next = batch;
      }
    }
    return next != null;
  }

  @Override
  public Batch next() {
    if (!hasNext() || next == null) {
      throw new NoSuchElementException();
    }
    Batch batch = next;
    next = null;
    return batch;
  }

  @Override
  public void close() {
    samples.close();
  }

  /** Makes the next sample the held one; false after the last. */
  private boolean advance() {
    if (held == null && samples.hasNext()) {
      held = samples.next();
      heldFeeds = binding.bind(held);
    }
    return held != null;
  }

  private Batch gather() {
    List<Sample> members = new ArrayList<>();
    List<Map<String, HostTensor>> rows = new ArrayList<>();
    while (members.size() < size && advance()) {
      Map<String, HostTensor> feeds = heldFeeds;
      Sample sample = held;
      if (feeds == null || sample == null || (!rows.isEmpty() && !stacks(rows.get(0), feeds))) {
        break;
      }
      members.add(sample);
      rows.add(feeds);
      held = null;
      heldFeeds = null;
    }
    Map<String, HostTensor> stacked = new LinkedHashMap<>();
    for (String name : rows.get(0).keySet()) {
      stacked.put(
          name,
          rows.size() == 1
              ? rows.get(0).get(name)
              : HostTensor.concat(rows.stream().map(row -> row.get(name)).toList()));
    }
    return new Batch(stacked, members);
  }

  private static boolean stacks(Map<String, HostTensor> first, Map<String, HostTensor> other) {
    return first.entrySet().stream()
        .allMatch(
            entry -> {
              HostTensor partner = other.get(entry.getKey());
              return partner != null && entry.getValue().stacksWith(partner);
            });
  }
}
