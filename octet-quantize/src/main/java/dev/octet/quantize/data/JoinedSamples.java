package dev.octet.quantize.data;

import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/** Several sets, one after the other. */
final class JoinedSamples implements Samples {

  private final List<Samples> parts;

  private JoinedSamples(List<Samples> parts) {
    this.parts = parts;
  }

  static Samples of(List<Samples> parts) {
    return parts.size() == 1 ? parts.get(0) : new JoinedSamples(List.copyOf(parts));
  }

  @Override
  public SampleIterator iterator() {
    Iterator<Samples> rest = parts.iterator();
    return new ReadingIterator(SkipPolicy.strict()) {
      private @Nullable SampleIterator current;

      @Override
      @Nullable Sample read() {
        while (current == null || !current.hasNext()) {
          if (!rest.hasNext()) {
            return null;
          }
          current = rest.next().iterator();
        }
        return current.next();
      }

      @Override
      void release() {
        if (current != null) {
          current.close();
        }
      }
    };
  }

  @Override
  public Optional<Pictures> pictures() {
    return ArrangedPictures.joined(parts);
  }

  @Override
  public OptionalLong size() {
    return parts.stream().allMatch(part -> part.size().isPresent())
        ? OptionalLong.of(parts.stream().mapToLong(part -> part.size().orElse(0)).sum())
        : OptionalLong.empty();
  }

  @Override
  public String description() {
    return parts.get(0).description() + " and " + (parts.size() - 1) + " more files";
  }
}
