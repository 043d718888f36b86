package dev.octet.quantize.data;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Rows of arrays: the arrays of a sequence are read side by side, one sequence after the other. The
 * first row of a sequence starts it.
 */
final class ArraySamples implements Samples {

  private static final String LABELS = "labels";

  private final List<Sequence> sequences;
  private final String description;

  private ArraySamples(List<Sequence> sequences, String description) {
    this.sequences = sequences;
    this.description = description;
  }

  static ArraySamples ofFile(Path file) {
    return new ArraySamples(
        List.of(sequence(file.getFileName().toString(), Map.of(Sample.ONLY, ArrayFile.of(file)))),
        "rows of '" + file.getFileName() + "'");
  }

  static ArraySamples ofZip(Path file) {
    return named(file, ArrayFile.ofZip(file));
  }

  /** Arrays named after inputs, and perhaps labels, side by side. */
  static ArraySamples named(Path path, Map<String, ArrayFile> arrays) {
    return new ArraySamples(
        List.of(sequence(path.getFileName().toString(), arrays)),
        "arrays " + arrays.keySet() + " of '" + path.getFileName() + "'");
  }

  /** Recordings, each with its rows and perhaps a first state, by name. */
  static ArraySamples recordings(
      Path folder, Map<String, ArrayFile> inputs, Map<String, ArrayFile> states) {
    List<Sequence> sequences = new ArrayList<>();
    inputs.forEach(
        (name, rows) ->
            sequences.add(
                new Sequence(rows.where(), Map.of(Sample.ONLY, rows), null, states.get(name))));
    return new ArraySamples(
        sequences, sequences.size() + " sequences of '" + folder.getFileName() + "'");
  }

  private static Sequence sequence(String origin, Map<String, ArrayFile> arrays) {
    Map<String, ArrayFile> inputs = new TreeMap<>(arrays);
    ArrayFile labels = inputs.get(LABELS);
    if (labels != null && labels.rank() == 1 && labels.holdsIntegers() && inputs.size() > 1) {
      inputs.remove(LABELS);
    } else {
      labels = null;
    }
    return new Sequence(origin, inputs, labels, null);
  }

  /** Arrays that are read side by side. */
  private record Sequence(
      String origin,
      Map<String, ArrayFile> inputs,
      @Nullable ArrayFile labels,
      @Nullable ArrayFile state) {

    Sequence {
      int count = -1;
      String first = "";
      List<ArrayFile> all = new ArrayList<>(inputs.values());
      if (labels != null) {
        all.add(labels);
      }
      for (ArrayFile array : all) {
        if (count >= 0 && array.count() != count) {
          throw new DataException(
              "'"
                  + first
                  + "' has "
                  + count
                  + " rows, '"
                  + array.where()
                  + "' "
                  + array.count()
                  + "; give each input one row for each sample");
        }
        count = array.count();
        first = array.where();
      }
    }

    int count() {
      return inputs.values().iterator().next().count();
    }
  }

  @Override
  public SampleIterator iterator() {
    Iterator<Sequence> rest = sequences.iterator();
    return new ReadingIterator(SkipPolicy.strict()) {
      private @Nullable Pass pass;

      @Override
      @Nullable Sample read() {
        while (pass == null || pass.isOver()) {
          release();
          if (!rest.hasNext()) {
            return null;
          }
          pass = new Pass(rest.next());
        }
        return pass.next();
      }

      @Override
      void release() {
        if (pass != null) {
          pass.close();
        }
      }
    };
  }

  /** One reading of one sequence. */
  private static final class Pass {
    private final Sequence sequence;
    private final Map<String, ArrayFile.Rows> open = new LinkedHashMap<>();
    private ArrayFile.@Nullable Rows labels;
    private int index;

    Pass(Sequence sequence) {
      this.sequence = sequence;
      try {
        sequence.inputs().forEach((name, array) -> open.put(name, array.rows()));
        labels = sequence.labels() == null ? null : sequence.labels().rows();
      } catch (DataException e) {
        close();
        throw e;
      }
    }

    boolean isOver() {
      return index == sequence.count();
    }

    Sample next() {
      Map<String, HostTensor> inputs = new LinkedHashMap<>();
      open.forEach((name, rows) -> inputs.put(name, rows.next()));
      ArrayFile state = sequence.state();
      if (index == 0 && state != null) {
        inputs.put(Sample.STATE, state.whole());
      }
      OptionalInt label = OptionalInt.empty();
      if (labels != null) {
        label = OptionalInt.of(labels.next().to(ElementType.INT32).ints()[0]);
      }
      String origin = sequence.origin() + "[" + index + "]";
      return new Sample(inputs, label, origin, index++ == 0);
    }

    void close() {
      open.values().forEach(ArrayFile.Rows::close);
      DataFile.closeQuietly(labels);
    }
  }

  @Override
  public OptionalLong size() {
    return OptionalLong.of(sequences.stream().mapToLong(Sequence::count).sum());
  }

  @Override
  public String description() {
    return description;
  }
}
