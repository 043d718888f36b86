package dev.octet.quantize.bench;

import dev.octet.quantize.run.Runner;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The parent's end of a {@link Contestant}. Closing it ends the process. */
final class Child implements AutoCloseable {
  private static final long SECONDS_TO_END = 10;

  private final Process process;
  private final Writer commands;
  private final BufferedReader answers;
  private final Path errors;
  private final long[] times;
  private final Duration limit;
  private final Thread atExit = new Thread(this::end);
  private Duration left;
  private volatile boolean late;
  private int timed;
  private long load;
  private long firstRun;
  private long peakBytes = -1;
  private @Nullable String refused;

  /**
   * Starts a process and waits until it has loaded the model.
   *
   * @param mainClass passes its words and standard streams to {@link Contestant#serve}
   * @param arrays {@code name=file.npy} for each input
   * @param errors where the process's standard error goes
   * @param runs how many runs will be timed in all
   * @param limit how long all its answers may take together
   */
  Child(
      String mainClass,
      Runner runner,
      Path model,
      int threads,
      List<String> arrays,
      Path errors,
      int runs,
      Duration limit)
      throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    for (String option : ManagementFactory.getRuntimeMXBean().getInputArguments()) {
      // An agent would slow both sides, or wait for the parent's port.
      if (!option.startsWith("-agent")
          && !option.startsWith("-javaagent")
          && !option.startsWith("-Xrunjdwp")) {
        command.add(option);
      }
    }
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), mainClass));
    command.addAll(List.of(runner.name(), model.toString(), Integer.toString(threads)));
    command.addAll(arrays);
    ProcessBuilder builder = new ProcessBuilder(command).redirectError(errors.toFile());
    builder.environment().put("OMP_NUM_THREADS", Integer.toString(threads));
    this.errors = errors;
    this.times = new long[runs];
    this.limit = limit;
    this.left = limit;
    this.process = builder.start();
    Runtime.getRuntime().addShutdownHook(atExit);
    this.commands = process.outputWriter(StandardCharsets.UTF_8);
    this.answers = process.inputReader(StandardCharsets.UTF_8);
    load = number(answer());
  }

  /** Runs {@code count} times untimed; the first such call times the first run. */
  void warm(int count) throws IOException {
    long first = number(ask("warm " + count));
    if (firstRun == 0) {
      firstRun = first;
    }
  }

  /** Times {@code count} runs. */
  void run(int count) throws IOException {
    String answer = ask("run " + count);
    if (answer != null) {
      for (String time : answer.split(" ", -1)) {
        times[timed++] = Long.parseLong(time);
      }
    }
  }

  /** What runs the model, with its version; empty if nothing does. */
  String runtime() throws IOException {
    String answer = ask("runtime");
    return answer == null ? "" : answer;
  }

  /**
   * The number of outputs written to files that begin with {@code prefix}, or why there is none.
   */
  @Nullable String outputs(String prefix) throws IOException {
    return ask("outputs " + prefix);
  }

  /** What came of it. */
  BenchRow.Side result() throws IOException {
    String peak = ask("peak");
    if (peak != null) {
      peakBytes = number(peak);
    }
    return refused != null
        ? new BenchRow.Side(null, refused)
        : new BenchRow.Side(
            Timing.of(Arrays.copyOf(times, timed), load, firstRun, peakBytes), null);
  }

  /** The answer to a command, or null once the child refused or died. */
  private @Nullable String ask(String command) throws IOException {
    if (refused != null) {
      return null;
    }
    try {
      commands.write(command + "\n");
      commands.flush();
    } catch (IOException e) { // it died; its last words are in the answers
      return answer();
    }
    return answer();
  }

  private @Nullable String answer() throws IOException {
    long start = System.nanoTime();
    CompletableFuture<Void> watch =
        CompletableFuture.runAsync(
            () -> {
              late = true;
              end();
            },
            CompletableFuture.delayedExecutor(left.toNanos(), TimeUnit.NANOSECONDS));
    try {
      return line();
    } finally {
      watch.cancel(false);
      left = left.minusNanos(System.nanoTime() - start);
    }
  }

  private void end() {
    process.descendants().forEach(ProcessHandle::destroyForcibly);
    process.destroyForcibly();
  }

  private @Nullable String line() throws IOException {
    for (String line = answers.readLine(); line != null; line = answers.readLine()) {
      if (line.startsWith(Contestant.MARK + " ")) {
        String text = line.substring(Contestant.MARK.length() + 1);
        if (!text.startsWith(Contestant.REFUSED + " ")) {
          return text;
        }
        refused = text.substring(Contestant.REFUSED.length() + 1);
        return null;
      }
    }
    refused =
        late
            ? "it was not done after " + limit.toSeconds() + " s, and its process was ended"
            : lastWords();
    return null;
  }

  private String lastWords() throws IOException {
    int code;
    try {
      code = process.waitFor();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return "interrupted";
    }
    // Native code may write bytes that are no text in any encoding.
    String first =
        new String(Files.readAllBytes(errors), StandardCharsets.ISO_8859_1)
            .lines()
            .filter(line -> !line.isBlank())
            .findFirst()
            .map(line -> ": " + line)
            .orElse("");
    return "its process ended with code " + code + first;
  }

  private static long number(@Nullable String answer) {
    return answer == null ? 0 : Long.parseLong(answer);
  }

  @Override
  public void close() {
    try (commands;
        answers) {
      if (process.isAlive()) {
        commands.write("quit\n");
      }
    } catch (IOException e) {
      // It is gone already.
    }
    try {
      if (!process.waitFor(SECONDS_TO_END, TimeUnit.SECONDS)) {
        end();
      }
    } catch (InterruptedException e) {
      end();
      Thread.currentThread().interrupt();
    }
    try {
      Runtime.getRuntime().removeShutdownHook(atExit);
    } catch (IllegalStateException e) {
      // The JVM is ending, and the hook is running.
    }
  }
}
