package dev.octet.examples;

import dev.octet.torch.Scope;
import dev.octet.torch.nn.Module;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.bytedeco.pytorch.Tensor;

/** The forms of a model that a tutorial compares: how well, how large, how fast. */
final class FormTable implements AutoCloseable {
  private static final long WARM_UP_NANOS = 1_500_000_000; // what the JIT takes to be done
  private static final int TURNS = 12;
  private static final int RUNS = 10;

  private record Form(String name, String metric, long bytes, OnEngine engine) {}

  private final String metric;
  private final List<Form> forms = new ArrayList<>();

  /** A table whose second column is this. */
  FormTable(String metric) {
    this.metric = metric;
  }

  /**
   * Adds a row.
   *
   * @param file what the form takes on disk
   * @param engine what is timed; closed with the table
   */
  void add(String name, String value, Path file, OnEngine engine) throws IOException {
    forms.add(new Form(name, value, Files.size(file), engine));
    System.out.printf("%s: %s %s%n", name, metric, value);
  }

  /** The same, with a share of right answers in percent. */
  void add(String name, double accuracy, Path file, OnEngine engine) throws IOException {
    add(name, String.format(Locale.ROOT, "%.2f %%", 100 * accuracy), file, engine);
  }

  /**
   * Times the forms in turns on one input, so that what else the machine does meets all of them,
   * and prints the table: medians, and how many times smaller and faster than the first form.
   */
  void print(Tensor... input) {
    double[][] times = new double[forms.size()][TURNS * RUNS];
    for (Form form : forms) {
      long start = System.nanoTime();
      while (System.nanoTime() - start < WARM_UP_NANOS) {
        time(form.engine(), RUNS, input);
      }
    }
    for (int turn = 0; turn < TURNS; turn++) {
      for (int i = 0; i < times.length; i++) {
        double[] made = time(forms.get(i).engine(), RUNS, input);
        System.arraycopy(made, 0, times[i], turn * RUNS, RUNS);
      }
    }
    System.out.printf(
        "%n%-42s %12s %12s %7s %10s %7s%n", "form", metric, "bytes", "times", "latency", "times");
    double firstTime = 0;
    for (int i = 0; i < times.length; i++) {
      Arrays.sort(times[i]);
      double median = times[i][times[i].length / 2];
      firstTime = i == 0 ? median : firstTime;
      Form form = forms.get(i);
      System.out.printf(
          Locale.ROOT,
          "%-42s %12s %,12d %7.2f %7.3f ms %7.2f%n",
          form.name(),
          form.metric(),
          form.bytes(),
          (double) forms.get(0).bytes() / form.bytes(),
          median,
          firstTime / median);
    }
    System.out.printf(
        "Latency: median of %d runs of one input on one thread of Octet's engine.%n", TURNS * RUNS);
  }

  /** Milliseconds of each run. */
  private static double[] time(Module engine, int runs, Tensor... input) {
    double[] times = new double[runs];
    for (int i = 0; i < runs; i++) {
      long start = System.nanoTime();
      try (Scope scope = Scope.open()) {
        engine.call(input);
      }
      times[i] = (System.nanoTime() - start) / 1e6;
    }
    return times;
  }

  @Override
  public void close() {
    forms.forEach(form -> form.engine().close());
  }
}
