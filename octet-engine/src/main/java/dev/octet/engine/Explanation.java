package dev.octet.engine;

import dev.octet.engine.plan.Plan;
import java.util.List;
import java.util.Locale;

/**
 * What an engine does for one set of input shapes.
 *
 * @param inputs names, types and dimensions
 * @param outputs names, types and dimensions
 * @param steps what runs, in order
 * @param nanoseconds the median time of each step; empty where it was not profiled
 * @param arenaBytes activations and scratch memory that each run in flight takes
 * @param weightBytes packed constants of all shapes together
 * @param graph the steps, and what flows between them, in the language of Graphviz
 */
public record Explanation(
    List<Plan.Port> inputs,
    List<Plan.Port> outputs,
    List<Plan.Line> steps,
    List<Long> nanoseconds,
    long arenaBytes,
    long weightBytes,
    String graph) {

  public Explanation {
    inputs = List.copyOf(inputs);
    outputs = List.copyOf(outputs);
    steps = List.copyOf(steps);
    nanoseconds = List.copyOf(nanoseconds);
  }

  /** A table, one line a step. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    text.append(
        String.format(
            Locale.ROOT,
            "%s -> %s: %d steps, %.2f MiB of activations, %.2f MiB of weights%n",
            inputs,
            outputs,
            steps.size(),
            arenaBytes / 1048576.0,
            weightBytes / 1048576.0));
    for (int i = 0; i < steps.size(); i++) {
      Plan.Line line = steps.get(i);
      text.append(
          String.format(
              Locale.ROOT,
              "%s%-36s %-32s %-30s %9d B  %s -> %s%n",
              nanoseconds.isEmpty()
                  ? ""
                  : String.format(Locale.ROOT, "%9.1f us  ", nanoseconds.get(i) / 1e3),
              line.node(),
              line.what(),
              line.implementation(),
              line.bytes(),
              String.join(", ", line.reads()),
              String.join(", ", line.writes())));
    }
    return text.toString();
  }
}
