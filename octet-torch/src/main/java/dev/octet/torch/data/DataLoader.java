package dev.octet.torch.data;

import dev.octet.quantize.data.InputBinding;
import java.util.Arrays;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Gives a data set in batches, epoch by epoch, made ahead by threads of its own.
 *
 * <p>Order and content of the batches depend on the data set, the settings and the number of the
 * epoch alone: not on the number of threads, and not on what was loaded before. Immutable, and safe
 * for use by several threads.
 *
 * <pre>{@code
 * DataLoader loader =
 *     DataLoader.builder(data.training())
 *         .batchSize(128)
 *         .shuffle()
 *         .augment(Augmentation.cifar10())
 *         .seed(1)
 *         .build();
 * try (Epoch epoch = loader.epoch(0)) {
 *   while (epoch.hasNext()) {
 *     try (Batch batch = epoch.next()) {
 *       step(batch.input(), batch.labels());
 *     }
 *   }
 * }
 * }</pre>
 */
public final class DataLoader {

  private final Dataset dataset;
  private final int batchSize;
  private final boolean shuffle;
  private final boolean dropLast;
  private final int workers;
  private final int prefetch;
  private final long seed;
  private final Collator collator;

  private DataLoader(Builder from) {
    dataset = from.dataset;
    batchSize = from.batchSize;
    shuffle = from.shuffle;
    dropLast = from.dropLast;
    workers = from.workers;
    prefetch = from.prefetch > 0 ? from.prefetch : 2 * from.workers;
    seed = from.seed;
    collator = new Collator(dataset, from.augmentation, seed, from.binding, from.channelsLast);
  }

  /** A builder with batches of 32 in the data set's own order, as it is. */
  public static Builder builder(Dataset dataset) {
    return new Builder(dataset);
  }

  /** The data set. */
  public Dataset dataset() {
    return dataset;
  }

  /** The number of batches in an epoch. */
  public int batches() {
    return dataset.size() / batchSize + (dropLast || dataset.size() % batchSize == 0 ? 0 : 1);
  }

  /**
   * Starts the pass with this number; close it if not exhausted.
   *
   * @param epoch from 0; it decides the order and the augmentation
   */
  public Epoch epoch(int epoch) {
    return epoch(epoch, 0);
  }

  /**
   * Starts a pass at one of its batches: what follows is what followed there when the pass was made
   * whole.
   *
   * @param epoch from 0
   * @param firstBatch from 0 to {@link #batches()}
   */
  public Epoch epoch(int epoch, int firstBatch) {
    if (epoch < 0 || firstBatch < 0 || firstBatch > batches()) {
      throw new IllegalArgumentException(
          "epoch is "
              + epoch
              + " from batch "
              + firstBatch
              + "; choose 0 or more, and a batch up to "
              + batches());
    }
    int size = dataset.size();
    int[] order =
        shuffle
            ? Randomness.of(seed, Randomness.SHUFFLE, epoch).permutation(size)
            : IntStream.range(0, size).toArray();
    return new Epoch(
        (batch, stopped) ->
            collator.collate(
                epoch,
                Arrays.copyOfRange(
                    order, batch * batchSize, Math.min(size, (batch + 1) * batchSize)),
                stopped),
        firstBatch,
        batches(),
        workers,
        prefetch);
  }

  /** Collects settings; each keeps its default until it is set. */
  public static final class Builder {
    private final Dataset dataset;
    private int batchSize = 32;
    private boolean shuffle;
    private boolean dropLast;
    private int workers = Runtime.getRuntime().availableProcessors();
    private int prefetch;
    private long seed;
    private @Nullable Augmentation augmentation;
    private @Nullable InputBinding binding;
    private boolean channelsLast;

    private Builder(Dataset dataset) {
      this.dataset = dataset;
    }

    /** The number of samples in a batch; default 32. */
    public Builder batchSize(int value) {
      batchSize = value;
      return this;
    }

    /** Each epoch in a random order of its own; default: the data set's order. */
    public Builder shuffle() {
      shuffle = true;
      return this;
    }

    /** What the order and the augmentation of every epoch follow from; default 0. */
    public Builder seed(long value) {
      seed = value;
      return this;
    }

    /** Changes images at random; default: not at all. */
    public Builder augment(Augmentation value) {
      augmentation = value;
      return this;
    }

    /** Leaves out a last batch that is not full; default: it is given. */
    public Builder dropLast() {
      dropLast = true;
      return this;
    }

    /** The number of threads that make batches; default: one for each core. */
    public Builder workers(int count) {
      workers = count;
      return this;
    }

    /** How many batches are made ahead at most; default: two for each worker. */
    public Builder prefetch(int batches) {
      if (batches < 1) {
        throw new IllegalArgumentException("prefetch is " + batches + "; choose 1 or more");
      }
      prefetch = batches;
      return this;
    }

    /**
     * Binds samples to a model's inputs: their names, types and shapes. Default: images, and arrays
     * without a name, are {@code input}; other arrays keep their names.
     */
    public Builder inputs(InputBinding value) {
      binding = value;
      return this;
    }

    /** Images [N, C, H, W] lie in memory with their channels last; default: planes. */
    public Builder channelsLast() {
      channelsLast = true;
      return this;
    }

    /**
     * Checks the settings and makes the loader.
     *
     * @throws IllegalArgumentException if a number is not positive, no batch would be full while
     *     the last is left out, or the model has a state or fixes its batch to another size
     */
    public DataLoader build() {
      if (batchSize < 1 || workers < 1) {
        throw new IllegalArgumentException(
            "batch size is " + batchSize + " and workers " + workers + "; choose 1 or more");
      }
      if (dropLast && batchSize > dataset.size()) {
        throw new IllegalArgumentException(
            "batch size is "
                + batchSize
                + ", and "
                + dataset.description()
                + " has "
                + dataset.size()
                + " samples: dropping the last batch leaves none; choose smaller batches");
      }
      if (binding != null) {
        checkBinding(binding);
      }
      return new DataLoader(this);
    }

    private void checkBinding(InputBinding to) {
      if (!to.feedback().isEmpty()) {
        throw new IllegalArgumentException(
            "the model keeps a state between samples; samples in batches do not train that");
      }
      OptionalInt fixed = to.fixedBatch();
      if (fixed.isPresent() && fixed.getAsInt() != batchSize) {
        throw new IllegalArgumentException(
            "batch size is "
                + batchSize
                + ", and the model takes batches of "
                + fixed.getAsInt()
                + " only; choose that, or free the model's batch axis");
      }
      if (batchSize > 1 && fixed.isPresent() && dataset.size() % batchSize != 0 && !dropLast) {
        throw new IllegalArgumentException(
            "the model takes batches of "
                + batchSize
                + " only, and the last one would be smaller; drop the last batch");
      }
    }
  }
}
