package dev.octet.quantize.bench;

import dev.octet.graph.Model;
import dev.octet.graph.ModelException;
import dev.octet.graph.onnx.OnnxReader;
import dev.octet.quantize.data.DataException;
import dev.octet.quantize.data.HostTensor;
import dev.octet.quantize.data.NpyFile;
import dev.octet.quantize.run.RunException;
import dev.octet.quantize.run.Runner;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Times models on the engine and on ONNX Runtime. For every row each side gets a fresh process,
 * which loads the model once; the two then take turns, so that only one computes at a time and a
 * change in the machine's speed meets both.
 *
 * @param childMain the name of a class whose {@code main} passes its words, its input and its
 *     output to {@link Contestant#serve}
 * @param batches batch sizes, where a model leaves that open
 * @param threads numbers of threads inside an operator
 * @param runs timed runs of each side in each row
 * @param rounds turns of each side, among which the runs are shared out
 * @param limit how long each side may take in each row, loading included; then its process is ended
 */
public record Benchmark(
    String childMain,
    List<Integer> batches,
    List<Integer> threads,
    int runs,
    int rounds,
    Duration limit) {
  /** Long enough for large models, short enough to notice one that hangs. */
  public static final Duration LIMIT = Duration.ofMinutes(10);

  private static final int WARM_RUNS = 20;
  private static final int CACHE_WARM_RUNS = 2; // the other side's turn emptied the caches

  public Benchmark {
    batches = List.copyOf(batches);
    threads = List.copyOf(threads);
    if (rounds < 1 || runs < rounds) {
      throw new IllegalArgumentException(
          "runs is " + runs + " and rounds " + rounds + "; choose 1 round or more, and a run each");
    }
  }

  /** Gives a model its inputs. */
  @FunctionalInterface
  public interface Inputs {
    /**
     * Tensors for every input that callers must supply.
     *
     * @throws DataException if there are none of this batch size
     */
    Map<String, HostTensor> of(Model model, int batch);
  }

  /**
   * Times every model in every setting. What a side refuses, and what ends a side's process,
   * becomes a row that says so.
   *
   * @param listener told of every row as it is done
   * @throws IOException if no process can be started, or temporary files cannot be written
   */
  public BenchReport run(List<Path> models, Inputs inputs, Consumer<BenchRow> listener)
      throws IOException {
    List<BenchRow> rows = new ArrayList<>();
    Map<Runner, String> runtimes = new EnumMap<>(Runner.class);
    for (Path model : models) {
      for (int batch : batches) {
        for (int count : threads) {
          BenchRow row = row(model, inputs, batch, count, runtimes);
          listener.accept(row);
          rows.add(row);
        }
      }
    }
    Machine machine =
        Machine.here(
            runtimes.getOrDefault(Runner.ENGINE, ""),
            runtimes.getOrDefault(Runner.ONNXRUNTIME, ""));
    return BenchReport.now(machine, runs, rounds, rows);
  }

  private BenchRow row(Path file, Inputs inputs, int batch, int count, Map<Runner, String> runtimes)
      throws IOException {
    String name = String.valueOf(file.getFileName());
    Path folder = Files.createTempDirectory("octet-bench");
    try {
      Map<String, HostTensor> tensors;
      try {
        tensors = inputs.of(OnnxReader.read(file), batch);
      } catch (ModelException | DataException | RunException e) {
        BenchRow.Side neither = new BenchRow.Side(null, String.valueOf(e.getMessage()));
        return new BenchRow(name, batch, count, List.of(), neither, neither, null);
      }
      List<String> words = new ArrayList<>();
      List<String> described = new ArrayList<>();
      for (Map.Entry<String, HostTensor> tensor : tensors.entrySet()) {
        Path array = folder.resolve(words.size() + ".npy");
        NpyFile.write(array, tensor.getValue());
        words.add(tensor.getKey() + "=" + array);
        described.add(tensor.getKey() + " " + tensor.getValue());
      }
      return takeTurns(file, batch, count, folder, words, described, runtimes);
    } finally {
      delete(folder);
    }
  }

  private BenchRow takeTurns(
      Path file,
      int batch,
      int count,
      Path folder,
      List<String> words,
      List<String> described,
      Map<Runner, String> runtimes)
      throws IOException {
    try (Child engine = child(Runner.ENGINE, file, count, folder, words);
        Child other = child(Runner.ONNXRUNTIME, file, count, folder, words)) {
      List<Child> sides = List.of(engine, other);
      for (Child side : sides) {
        side.warm(WARM_RUNS);
      }
      for (int round = 0; round < rounds; round++) {
        int turn = runs / rounds + (round < runs % rounds ? 1 : 0);
        for (int i = 0; i < sides.size(); i++) {
          // Who begins changes, for the sake of whatever the one before leaves behind.
          Child side = sides.get((i + round) % sides.size());
          side.warm(CACHE_WARM_RUNS);
          side.run(turn);
        }
      }
      Likeness outputs = compare(engine, other, folder);
      runtimes.merge(Runner.ENGINE, engine.runtime(), Benchmark::known);
      runtimes.merge(Runner.ONNXRUNTIME, other.runtime(), Benchmark::known);
      return new BenchRow(
          String.valueOf(file.getFileName()),
          batch,
          count,
          described,
          engine.result(),
          other.result(),
          outputs);
    }
  }

  private static @Nullable Likeness compare(Child engine, Child other, Path folder)
      throws IOException {
    List<List<HostTensor>> outputs = new ArrayList<>();
    for (Child side : List.of(engine, other)) {
      String prefix = folder.resolve("outputs-" + outputs.size() + "-").toString();
      String answer = side.outputs(prefix);
      if (answer == null) {
        return null;
      }
      if (!answer.matches("\\d+")) {
        return Likeness.none(answer);
      }
      outputs.add(
          IntStream.range(0, Integer.parseInt(answer))
              .mapToObj(i -> NpyFile.read(Path.of(prefix + i + ".npy")))
              .toList());
    }
    return Likeness.of(outputs.get(0), outputs.get(1));
  }

  private static String known(String before, String now) {
    return before.isEmpty() ? now : before;
  }

  private Child child(Runner runner, Path file, int count, Path folder, List<String> words)
      throws IOException {
    return new Child(
        childMain, runner, file, count, words, folder.resolve(runner.name() + ".log"), runs, limit);
  }

  private static void delete(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
    Files.delete(folder);
  }
}
