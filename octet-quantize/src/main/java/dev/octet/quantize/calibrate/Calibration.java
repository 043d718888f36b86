package dev.octet.quantize.calibrate;

import dev.octet.core.descriptor.Granularity;
import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.core.descriptor.RangeMethod;
import dev.octet.core.range.MergeableRangeCollector;
import dev.octet.core.range.RangeCollector;
import dev.octet.core.range.RangeCollectors;
import dev.octet.graph.Model;
import dev.octet.graph.onnx.AtomicFile;
import dev.octet.quantize.Progress;
import dev.octet.quantize.data.Batch;
import dev.octet.quantize.data.Batches;
import dev.octet.quantize.data.DataException;
import dev.octet.quantize.data.ElementType;
import dev.octet.quantize.data.HostTensor;
import dev.octet.quantize.data.ReadAhead;
import dev.octet.quantize.data.Samples;
import dev.octet.quantize.evaluate.ModelRun;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.ForkJoinTask;
import org.jspecify.annotations.Nullable;

/**
 * One pass of samples through a float model, watching tensors.
 *
 * <p>What is kept is the collectors' state, never a tensor, so memory does not grow with the number
 * of samples. A pass can save that state as it goes and carry on from it later with the same result
 * as if it had not stopped, bit for bit.
 */
public final class Calibration {
  /** A state is saved after this many samples at the earliest. */
  private static final int SAMPLES_BETWEEN_SAVES = 64;

  private final Model model;
  private final Map<String, RangeCollector> collectors = new LinkedHashMap<>();
  private final Map<String, ChannelMeans> means = new LinkedHashMap<>();
  private final Set<String> byFeature = new HashSet<>();
  private int batchSize = 1;
  private @Nullable Path stateFile;
  private String fingerprint = "";
  private Progress progress = Progress.SILENT;

  private Calibration(Model model) {
    this.model = model;
  }

  /** A calibration of {@code model} that watches nothing yet. */
  public static Calibration of(Model model) {
    return new Calibration(model);
  }

  /** Learns the range of the value {@code name}, as {@code descriptor} says. */
  public Calibration watch(String name, QuantDescriptor descriptor) {
    collectors.put(name, RangeCollectors.create(name, descriptor, 1));
    return this;
  }

  /**
   * Learns the smallest and the largest of each of the {@code features} of the value {@code name},
   * which lie along its last axis.
   */
  public Calibration watchFeatures(String name, int features) {
    QuantDescriptor extremes =
        QuantDescriptor.int8Activation().toBuilder()
            .granularity(Granularity.perAxis(1))
            .method(new RangeMethod.MinMax())
            .build();
    collectors.put(name, RangeCollectors.create(name, extremes, features));
    byFeature.add(name);
    return this;
  }

  /**
   * Learns the mean of the value {@code name} for each index of {@code axis}; the first axis asked
   * for wins.
   */
  public Calibration watchMeans(String name, int axis) {
    means.putIfAbsent(name, new ChannelMeans(axis));
    return this;
  }

  /** Sets the samples in a batch, where the model leaves that open; 1 unless set. */
  public Calibration batchSize(int samples) {
    batchSize = samples;
    return this;
  }

  /**
   * Saves the state to {@code file} as the pass goes, and carries on from it if it is there.
   *
   * @param inputFingerprint of everything that decides the result; a file with another one is
   *     refused
   */
  public Calibration resumable(Path file, String inputFingerprint) {
    stateFile = file;
    fingerprint = inputFingerprint;
    return this;
  }

  /** Tells {@code listener} how far it is. */
  public Calibration progress(Progress listener) {
    progress = listener;
    return this;
  }

  /**
   * What was learned.
   *
   * @param samples how many samples were taken in
   * @param collectors by tensor name
   * @param means by tensor name
   */
  public record Result(
      long samples, Map<String, RangeCollector> collectors, Map<String, ChannelMeans> means) {
    /** Nothing was watched. */
    public static final Result NOTHING = new Result(0, Map.of(), Map.of());

    public Result {
      collectors = Map.copyOf(collectors);
      means = Map.copyOf(means);
    }

    /** Writes everything, to be read back by {@link #read}. */
    public void writeTo(OutputStream out) throws IOException {
      new CalibrationState("", samples, collectors, means).writeTo(out);
    }

    /**
     * Reads what {@link #writeTo} wrote.
     *
     * @throws IOException if the bytes are something else or damaged
     */
    public static Result read(InputStream in) throws IOException {
      CalibrationState state = CalibrationState.read(in);
      return new Result(state.samples(), state.collectors(), state.means());
    }
  }

  /** Whether there is anything to learn. */
  public boolean watchesAnything() {
    return !collectors.isEmpty() || !means.isEmpty();
  }

  /**
   * Checks that {@code earlier} can stand in for a run of this calibration, which must not have run
   * yet.
   *
   * @throws DataException if it lacks a watched tensor or learned it in another way
   */
  public void checkCoveredBy(Result earlier) {
    collectors.forEach(
        (name, wanted) -> {
          RangeCollector found = earlier.collectors().get(name);
          if (found == null || !learnsAlike(wanted, found)) {
            throw new DataException(
                "tensor '"
                    + name
                    + (found == null ? "' is not among them" : "' was learned with other settings")
                    + "; calibrate again with this model and recipe");
          }
        });
    means.forEach(
        (name, wanted) -> {
          ChannelMeans found = earlier.means().get(name);
          if (found == null || found.axis() != wanted.axis()) {
            throw new DataException(
                "the channel means of tensor '"
                    + name
                    + "', which bias correction needs, are not among them; calibrate again with"
                    + " this model and recipe, or turn bias correction off");
          }
        });
  }

  /** Only collectors of the same settings merge; the result is not wanted. */
  private static boolean learnsAlike(RangeCollector fresh, RangeCollector other) {
    if (!(fresh instanceof MergeableRangeCollector mine)
        || !(other instanceof MergeableRangeCollector its)) {
      return fresh.getClass() == other.getClass();
    }
    try {
      mine.merge(its);
      return true;
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  /**
   * Runs all samples.
   *
   * @throws DataException if there are none, or the saved state belongs to another calibration
   */
  public Result run(Samples samples) {
    long done = resume();
    long saved = done;
    Set<String> watched = new LinkedHashSet<>(collectors.keySet());
    watched.addAll(means.keySet());
    progress.begin("calibrating", samples.size());
    progress.advance(done);
    try (ModelRun run = ModelRun.open(model, watched);
        ReadAhead batches =
            new ReadAhead(Batches.of(samples.skip(done), run.binding(), batchSize))) {
      // The batch before is collected while the model runs on the next.
      Collecting collecting = Collecting.nothing();
      try {
        while (batches.hasNext()) {
          Batch batch = batches.next();
          boolean fresh = batch.samples().get(0).startsSequence();
          if (stateFile != null && fresh && done - saved >= SAMPLES_BETWEEN_SAVES) {
            collecting.finish();
            save(done);
            saved = done;
          }
          Map<String, HostTensor> values = run.run(batch);
          collecting.finish();
          collecting = Collecting.start(work(values, batch.size()));
          done += batch.size();
          progress.advance(batch.size());
        }
      } finally {
        collecting.finish();
      }
    }
    progress.end();
    if (done == 0) {
      throw new DataException(
          "no sample could be read from " + samples.description() + "; calibration needs some");
    }
    return new Result(done, collectors, means);
  }

  /** Collecting one batch: a task for each collector, which no other task touches. */
  private record Collecting(ForkJoinTask<?> task) {
    static Collecting nothing() {
      return start(List.of());
    }

    static Collecting start(List<Runnable> work) {
      return new Collecting(
          ForkJoinPool.commonPool().submit(() -> work.parallelStream().forEach(Runnable::run)));
    }

    void finish() {
      task.join();
    }
  }

  /** What there is to collect, the most expensive first. */
  private List<Runnable> work(Map<String, HostTensor> values, int samples) {
    List<Map.Entry<String, HostTensor>> bySize = new ArrayList<>(values.entrySet());
    bySize.sort(Comparator.comparingLong(entry -> -entry.getValue().elementCount()));
    List<Runnable> work = new ArrayList<>();
    bySize.forEach(
        entry -> {
          String name = entry.getKey();
          HostTensor value = entry.getValue();
          RangeCollector collector = collectors.get(name);
          if (collector != null) {
            int[] shape = byFeature.contains(name) ? rows(value.shape()) : value.shape();
            work.add(() -> collector.collect(value.to(ElementType.FLOAT32).floatBuffer(), shape));
          }
          ChannelMeans mean = means.get(name);
          if (mean != null) {
            work.add(() -> mean.collect(value, samples));
          }
        });
    return work;
  }

  /** The shape of the same elements with all axes but the last made one. */
  private static int[] rows(int[] shape) {
    int rows = 1;
    for (int i = 0; i < shape.length - 1; i++) {
      rows *= shape[i];
    }
    return new int[] {rows, shape.length == 0 ? 1 : shape[shape.length - 1]};
  }

  private long resume() {
    Path file = stateFile;
    if (file == null || !Files.exists(file)) {
      return 0;
    }
    CalibrationState state;
    try (InputStream in = new BufferedInputStream(Files.newInputStream(file))) {
      state = CalibrationState.read(in);
    } catch (IOException e) {
      throw new DataException(
          "calibration state '" + file + "' cannot be read: " + e.getMessage() + "; delete it", e);
    }
    if (!state.fingerprint().equals(fingerprint)
        || !state.collectors().keySet().equals(collectors.keySet())
        || !state.means().keySet().equals(means.keySet())) {
      throw new DataException(
          "calibration state '"
              + file
              + "' was made with another model, recipe or data; delete it or name another file");
    }
    collectors.putAll(new HashMap<>(state.collectors()));
    means.putAll(new HashMap<>(state.means()));
    return state.samples();
  }

  private void save(long samples) {
    Path file = stateFile;
    if (file != null) {
      CalibrationState state = new CalibrationState(fingerprint, samples, collectors, means);
      try {
        AtomicFile.write(file, state::writeTo);
      } catch (IOException e) {
        throw new DataException(
            "calibration state '" + file + "' cannot be written: " + e.getMessage(), e);
      }
    }
  }
}
