package dev.octet.engine.plan;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A plan in the language of Graphviz: a box a step, an arrow where one reads what another made. */
final class PlanGraph {
  private final StringBuilder text = new StringBuilder();
  private final Map<Buffer, String> makers = new HashMap<>();

  private PlanGraph() {}

  static String of(Plan plan) {
    PlanGraph graph = new PlanGraph();
    graph.text.append("digraph plan {\n  node [shape=box, fontname=\"sans-serif\"];\n");
    graph.write(plan);
    return graph.text.append("}\n").toString();
  }

  private void write(Plan plan) {
    for (int i = 0; i < plan.inputs().size(); i++) {
      String id = "input" + i;
      port(id, plan.inputs().get(i));
      makers.put(plan.inputBuffers.get(i).buffer(), id);
    }
    for (int i = 0; i < plan.steps.size(); i++) {
      Step step = plan.steps.get(i);
      String id = "step" + i;
      text.append("  ").append(id).append(" [label=");
      quote(List.of(step.label(), step.what(), step.implementation()));
      text.append("];\n");
      step.reads().forEach(read -> arrow(read, id));
      step.writes().forEach(write -> makers.put(write.buffer(), id));
    }
    for (int i = 0; i < plan.outputs().size(); i++) {
      String id = "output" + i;
      port(id, plan.outputs().get(i));
      arrow(plan.outputBuffers.get(i), id);
    }
  }

  private void port(String id, Plan.Port port) {
    text.append("  ").append(id).append(" [shape=ellipse, label=");
    quote(List.of(port.name(), port.type() + " " + port.dims()));
    text.append("];\n");
  }

  /** Constants have no maker and no arrow. */
  private void arrow(Stored stored, String reader) {
    String maker = makers.get(stored.buffer());
    if (maker != null) {
      text.append("  ").append(maker).append(" -> ").append(reader).append(" [label=");
      quote(List.of(stored.layout().toString()));
      text.append("];\n");
    }
  }

  /** Names come from files: nothing in them may end the quotes. */
  private void quote(List<String> lines) {
    text.append('"');
    for (int i = 0; i < lines.size(); i++) {
      text.append(i == 0 ? "" : "\\n");
      text.append(
          lines.get(i).replaceAll("\\p{Cntrl}", "?").replace("\\", "\\\\").replace("\"", "\\\""));
    }
    text.append('"');
  }
}
