package dev.octet.bench.models;

import dev.octet.quantize.data.Sample;
import dev.octet.quantize.data.SampleIterator;
import dev.octet.quantize.data.Samples;
import java.util.NoSuchElementException;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Random;

/** Made-up samples of a network, the same in every pass. */
final class RandomSamples implements Samples {
  private static final long SEED = 4;

  private final Network network;
  private final int count;

  RandomSamples(Network network, int count) {
    this.network = network;
    this.count = count;
  }

  @Override
  public SampleIterator iterator() {
    Random random = new Random(SEED);
    return new SampleIterator() {
      private int made;

      @Override
      public boolean hasNext() {
        return made < count;
      }

      @Override
      public Sample next() {
        if (!hasNext()) {
          throw new NoSuchElementException();
        }
        String origin = "random sample " + made++;
        return Sample.of(network.sample().apply(random), OptionalInt.empty(), origin);
      }

      @Override
      public void close() {}
    };
  }

  @Override
  public OptionalLong size() {
    return OptionalLong.of(count);
  }

  @Override
  public String description() {
    return count + " random samples";
  }
}
