package dev.octet.engine;

import dev.octet.engine.plan.Plan;
import java.util.Locale;

/** A plan as text. */
final class PlanTable {
  private PlanTable() {}

  static String of(Plan plan) {
    StringBuilder text = new StringBuilder();
    text.append(
        String.format(
            Locale.ROOT,
            "inputs %s, outputs %s, %d steps, arena %d bytes%n",
            plan.inputs(),
            plan.outputs(),
            plan.lines().size(),
            plan.arenaBytes()));
    for (Plan.Line line : plan.lines()) {
      text.append(
          String.format(
              Locale.ROOT,
              "%-40s %-28s %-32s %10d  %s -> %s%n",
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
