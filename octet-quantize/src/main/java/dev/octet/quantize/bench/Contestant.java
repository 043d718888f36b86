package dev.octet.quantize.bench;

import dev.octet.graph.ModelException;
import dev.octet.quantize.data.DataException;
import dev.octet.quantize.data.HostTensor;
import dev.octet.quantize.data.NpyFile;
import dev.octet.quantize.run.Repeatable;
import dev.octet.quantize.run.RunException;
import dev.octet.quantize.run.Runner;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;

/**
 * One side of a benchmark: what runs in a child process. It loads one model once, and then does
 * what the parent says, line by line:
 *
 * <ul>
 *   <li>{@code warm N} runs N times and answers with the nanoseconds of the first;
 *   <li>{@code run N} runs N times and answers with the nanoseconds of each;
 *   <li>{@code outputs PREFIX} writes the outputs to {@code PREFIX0.npy}, {@code PREFIX1.npy} and
 *       so on and answers with their number, or with the reason why not;
 *   <li>{@code runtime} answers with the runtime's name and version;
 *   <li>{@code peak} answers with the most bytes the process had resident, or -1;
 *   <li>{@code quit}, or the end of the input, ends it.
 * </ul>
 *
 * <p>Every answer is one line and begins with {@value #MARK}; other lines come from native code and
 * mean nothing. The first answer, unasked, says how long loading took. An answer that begins with
 * {@value #REFUSED} is the last and says why. Answers to {@code warm} and {@code run} come when the
 * threads of the process have gone to sleep: those of ONNX Runtime and of OpenMP spin for up to
 * some hundred milliseconds after their work, and would take cores from the other side's turn.
 */
public final class Contestant {
  static final String MARK = "octet-bench";
  static final String REFUSED = "refused";

  private static final Duration NAP = Duration.ofMillis(40); // four ticks of Linux's CPU clock
  private static final int MOST_NAPS = 50;
  private static final Path STATUS = Path.of("/proc/self/status");

  private final PrintStream out;

  private Contestant(PrintStream out) {
    this.out = out;
  }

  /**
   * Serves until told to end.
   *
   * @param words the runner, the model's file, the number of threads, and {@code name=file.npy} for
   *     each input
   */
  public static void serve(String[] words, InputStream in, PrintStream out) throws IOException {
    new Contestant(out).serve(words, in);
  }

  private void serve(String[] words, InputStream in) throws IOException {
    Map<String, HostTensor> inputs = new LinkedHashMap<>();
    for (int i = 3; i < words.length; i++) {
      int equals = words[i].lastIndexOf('=');
      inputs.put(
          words[i].substring(0, equals), NpyFile.read(Path.of(words[i].substring(equals + 1))));
    }
    BufferedReader commands = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8));
    long start = System.nanoTime();
    try (Repeatable model =
        Runner.valueOf(words[0]).prepare(Path.of(words[1]), inputs, Integer.parseInt(words[2]))) {
      answer(Long.toString(System.nanoTime() - start));
      for (String line = commands.readLine();
          line != null && !line.equals("quit");
          line = commands.readLine()) {
        obey(line, model);
      }
    } catch (RunException | DataException | ModelException | IllegalArgumentException e) {
      answer(REFUSED + " " + String.valueOf(e.getMessage()).replaceAll("\\R", " "));
    }
  }

  private void obey(String line, Repeatable model) throws IOException {
    String[] words = line.split(" ", -1);
    switch (words[0]) {
      case "warm" -> {
        long[] times = time(model, Integer.parseInt(words[1]));
        answer(Long.toString(times[0]));
      }
      case "run" -> {
        StringJoiner text = new StringJoiner(" ");
        for (long time : time(model, Integer.parseInt(words[1]))) {
          text.add(Long.toString(time));
        }
        answer(text.toString());
      }
      case "outputs" -> answer(write(line.substring(words[0].length() + 1), model));
      case "runtime" -> answer(model.runtime());
      case "peak" -> answer(Long.toString(peakBytes()));
      default -> throw new IllegalArgumentException("there is no command '" + line + "'");
    }
  }

  private static String write(String prefix, Repeatable model) throws IOException {
    List<HostTensor> outputs;
    try {
      outputs = model.outputs();
    } catch (RunException e) {
      return String.valueOf(e.getMessage()).replaceAll("\\R", " ");
    }
    for (int i = 0; i < outputs.size(); i++) {
      NpyFile.write(Path.of(prefix + i + ".npy"), outputs.get(i));
    }
    return Integer.toString(outputs.size());
  }

  private static long[] time(Repeatable model, int runs) {
    long[] times = new long[runs];
    for (int i = 0; i < runs; i++) {
      long start = System.nanoTime();
      model.run();
      times[i] = System.nanoTime() - start;
    }
    fallAsleep();
    return times;
  }

  /** Waits until this process uses less than half a core. */
  private static void fallAsleep() {
    if (!(ManagementFactory.getOperatingSystemMXBean()
        instanceof com.sun.management.OperatingSystemMXBean process)) {
      return;
    }
    long before = process.getProcessCpuTime();
    for (int i = 0; i < MOST_NAPS; i++) {
      try {
        Thread.sleep(NAP.toMillis());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      }
      long now = process.getProcessCpuTime();
      if (now - before < NAP.toNanos() / 2) {
        return;
      }
      before = now;
    }
  }

  private static long peakBytes() throws IOException {
    if (!Files.exists(STATUS)) {
      return -1;
    }
    for (String line : Files.readAllLines(STATUS)) {
      if (line.startsWith("VmHWM:")) {
        return Long.parseLong(line.replaceAll("\\D", "")) << 10;
      }
    }
    return -1;
  }

  private void answer(String text) {
    out.println(MARK + " " + text);
    out.flush();
  }
}
