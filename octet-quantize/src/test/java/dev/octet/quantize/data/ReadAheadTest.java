package dev.octet.quantize.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class ReadAheadTest {
  private static final InputBinding BINDING =
      InputBinding.of(List.of(ModelInput.of("x", ElementType.FLOAT32, -1, 2)));

  private final CountDownLatch closed = new CountDownLatch(1);

  /** {@code count} samples, then, where {@code broken}, an exception in the place of an end. */
  private Samples samples(int count, boolean broken) {
    return new Samples() {
      @Override
      public SampleIterator iterator() {
        return new SampleIterator() {
          private int next;

          @Override
          public boolean hasNext() {
            if (next == count && broken) {
              throw new DataException("the disk is gone");
            }
            return next < count;
          }

          @Override
          public Sample next() {
            HostTensor row = HostTensor.ofFloats(new int[] {1, 2}, new float[] {next, -next});
            return Sample.of(row, OptionalInt.empty(), "sample " + next++);
          }

          @Override
          public void close() {
            closed.countDown();
          }
        };
      }

      @Override
      public OptionalLong size() {
        return OptionalLong.of(count);
      }

      @Override
      public String description() {
        return "numbers";
      }
    };
  }

  @Test
  void givesTheSameBatchesInTheSameOrder() throws InterruptedException {
    List<String> seen = new ArrayList<>();
    try (ReadAhead batches = new ReadAhead(Batches.of(samples(5, false), BINDING, 2))) {
      while (batches.hasNext()) {
        batches.next().samples().forEach(sample -> seen.add(sample.origin()));
      }
    }
    assertThat(seen).containsExactly("sample 0", "sample 1", "sample 2", "sample 3", "sample 4");
    assertThat(closed.await(10, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void passesOnWhatReadingThrowsAtItsPlace() {
    try (ReadAhead batches = new ReadAhead(Batches.of(samples(1, true), BINDING, 1))) {
      assertThat(batches.next().samples()).hasSize(1);
      assertThatThrownBy(batches::hasNext)
          .isInstanceOf(DataException.class)
          .hasMessage("the disk is gone");
    }
  }

  @Test
  void closesWhatIsUnderneathBeforeTheEndToo() throws InterruptedException {
    try (ReadAhead batches = new ReadAhead(Batches.of(samples(100, false), BINDING, 1))) {
      assertThat(batches.hasNext()).isTrue();
    }
    assertThat(closed.await(10, TimeUnit.SECONDS)).isTrue();
  }
}
