package dev.octet.quantize.data;

import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/** Every {@code step}-th sample of another set, from one on, up to a count. */
final class SelectedSamples implements Samples {

  private final Samples all;
  private final long from;
  private final long step;
  private final long count;

  SelectedSamples(Samples all, long from, long step, long count) {
    if (from < 0 || step < 1 || count < 0) {
      throw new IllegalArgumentException(
          "selection from " + from + ", step " + step + ", count " + count + "; give 0 or more");
    }
    this.all = all;
    this.from = from;
    this.step = step;
    this.count = count;
  }

  @Override
  public SampleIterator iterator() {
    SampleIterator source = all.iterator();
    return new ReadingIterator(SkipPolicy.strict()) {
      private long at;
      private long given;

      @Override
      @Nullable Sample read() {
        while (given < count && source.hasNext()) {
          Sample sample = source.next();
          long index = at++;
          if (index >= from && (index - from) % step == 0) {
            given++;
            return sample;
          }
        }
        return null;
      }

      @Override
      void release() {
        source.close();
      }
    };
  }

  @Override
  public Optional<Pictures> pictures() {
    return all.pictures().map(set -> ArrangedPictures.selected(set, from, step, count));
  }

  @Override
  public OptionalLong size() {
    if (all.size().isEmpty()) {
      return OptionalLong.empty();
    }
    long rest = Math.max(0, all.size().getAsLong() - from);
    return OptionalLong.of(Math.min(count, rest / step + (rest % step == 0 ? 0 : 1)));
  }

  @Override
  public String description() {
    return all.description()
        + (from > 0 ? ", from sample " + from : "")
        + (step > 1 ? ", one in " + step : "")
        + (count < Long.MAX_VALUE ? ", at most " + count : "");
  }
}
