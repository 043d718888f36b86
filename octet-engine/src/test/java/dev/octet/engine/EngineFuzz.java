package dev.octet.engine;

import dev.octet.engine.plan.UnsupportedNodeException;
import dev.octet.graph.ModelException;
import dev.octet.graph.Tensor;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Runs the engine on damaged models and inputs. Whatever they are, a run returns a result or throws
 * an {@link IllegalArgumentException}, {@link ModelException} or {@link UnsupportedNodeException};
 * it neither ends the JVM nor goes on for ever.
 *
 * <p>The work is done in a child JVM, which names the seed of each trial before it begins, so that
 * the one that killed it is known.
 */
public final class EngineFuzz {
  private static final long SECONDS_A_TRIAL = 30;
  private static final int KILLED = 3;

  /** Results larger than the heap are nobody's fault. */
  private static final String HEAP = "Java heap space";

  private static volatile @Nullable DamagedModel current;

  private EngineFuzz() {}

  /** What a child JVM did. */
  record Outcome(int exit, long trials, String lastSeed, List<String> faults) {
    boolean isClean() {
      return exit == 0 && faults.isEmpty();
    }

    @Override
    public String toString() {
      return trials
          + " trials, exit code "
          + exit
          + (exit == 0 ? "" : ", last seed " + lastSeed)
          + String.join("", faults.stream().map(fault -> "\n" + fault).toList());
    }
  }

  /**
   * Searches for {@code fuzz.seconds} (600), from a seed that the clock gives or {@code fuzz.seed};
   * ends with 1 where something was found.
   */
  public static void main(String[] args) throws Exception {
    if (args.length > 0) {
      child(Long.parseLong(args[0]), Long.parseLong(args[1]), Long.parseLong(args[2]));
      return;
    }
    long seconds = Long.getLong("fuzz.seconds", 600);
    long seed = Long.getLong("fuzz.seed", System.nanoTime() >>> 8);
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
    boolean clean = true;
    while (System.nanoTime() < end) {
      long left = Math.max(1, TimeUnit.NANOSECONDS.toSeconds(end - System.nanoTime()));
      Outcome outcome = search(seed, Long.MAX_VALUE, left);
      System.out.println("from seed " + seed + ": " + outcome);
      clean &= outcome.isClean();
      seed += outcome.trials() + 1;
    }
    System.exit(clean ? 0 : 1);
  }

  /**
   * Tries {@code trials} seeds from {@code seed} on in a child JVM, for {@code seconds} at most.
   */
  static Outcome search(long seed, long trials, long seconds) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of(
            "-Xmx512m",
            "-cp",
            System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
            EngineFuzz.class.getName(),
            Long.toString(seed),
            Long.toString(trials),
            Long.toString(seconds)));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    long done = 0;
    String last = "";
    List<String> faults = new ArrayList<>();
    try (var lines = process.inputReader(StandardCharsets.UTF_8)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (line.startsWith("seed ")) {
          last = line.substring(5);
          done++;
        } else if (!line.isBlank() && faults.size() < 100) {
          faults.add(line);
        }
      }
    }
    return new Outcome(process.waitFor(), done, last, faults);
  }

  private static void child(long seed, long trials, long seconds) {
    AtomicLong began = new AtomicLong(System.nanoTime());
    Thread watch =
        new Thread(
            () -> {
              while (true) {
                long left =
                    began.get() + TimeUnit.SECONDS.toNanos(SECONDS_A_TRIAL) - System.nanoTime();
                if (left <= 0) {
                  System.out.println("it does not end: " + current);
                  Thread.getAllStackTraces()
                      .forEach((thread, trace) -> print(thread.toString(), trace));
                  Runtime.getRuntime().halt(KILLED);
                }
                try {
                  TimeUnit.NANOSECONDS.sleep(left);
                } catch (InterruptedException e) {
                  return;
                }
              }
            });
    watch.setDaemon(true);
    watch.start();
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
    for (long i = 0; i < trials && System.nanoTime() < end; i++) {
      System.out.println("seed " + (seed + i));
      began.set(System.nanoTime());
      try {
        trial(seed + i);
      } catch (OutOfMemoryError tooLarge) {
        if (!HEAP.equals(tooLarge.getMessage())) {
          fault(seed + i, tooLarge);
        }
      } catch (RuntimeException | Error wrong) {
        fault(seed + i, wrong);
      }
    }
  }

  private static void fault(long seed, Throwable wrong) {
    System.out.println("seed: " + seed + ": " + wrong);
    print("", wrong.getStackTrace());
  }

  private static void print(String title, StackTraceElement[] trace) {
    System.out.println(title);
    for (int i = 0; i < Math.min(12, trace.length); i++) {
      System.out.println("    at " + trace[i]);
    }
  }

  /** One damaged model on whole and damaged inputs. */
  static void trial(long seed) {
    DamagedModel damaged = DamagedModel.of(seed);
    current = damaged;
    EngineOptions options = EngineOptions.defaults().withThreads(1).withPlans(2);
    try (Engine engine = Engine.load(damaged.model(), options)) {
      for (Map<String, Tensor> inputs : damaged.inputs()) {
        try {
          engine.run(inputs);
        } catch (IllegalArgumentException | ModelException | UnsupportedNodeException refused) {
          // That is how it should be.
        } catch (dev.octet.engine.dnnl.DnnlException refused) {
          if (!String.valueOf(refused.getMessage()).contains("bytes of native memory")) {
            throw refused;
          }
        }
      }
    } catch (IllegalArgumentException | ModelException | UnsupportedNodeException refused) {
      // As good.
    }
  }
}
