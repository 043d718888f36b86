package dev.octet.cli;

import dev.octet.quantize.inspect.Inspection;
import dev.octet.quantize.inspect.Inspection.IntegerTensor;
import dev.octet.quantize.inspect.Inspection.Layer;
import dev.octet.quantize.inspect.Inspection.Port;
import dev.octet.quantize.report.TextTable;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** An inspection for a terminal. */
final class InspectionText {
  private InspectionText() {}

  static String of(Inspection it) {
    StringBuilder text = new StringBuilder();
    text.append(it.file()).append('\n');
    TextTable facts = TextTable.ofWords();
    facts.row("  size", String.format(Locale.ROOT, "%,d bytes", it.bytes()));
    facts.row("  parameters", String.format(Locale.ROOT, "%,d", it.parameters()));
    facts.row("  format", "ONNX IR " + it.irVersion() + ", " + opsets(it.opsets()));
    it.inputs().forEach(port -> facts.row("  input", port(port)));
    it.outputs().forEach(port -> facts.row("  output", port(port)));
    facts.row(
        "  operators",
        it.operators().entrySet().stream()
            .map(entry -> entry.getValue() + " " + entry.getKey())
            .collect(Collectors.joining(", ")));
    text.append(facts.print());
    long quantized = it.layers().stream().filter(Layer::quantized).count();
    text.append(
        it.quantized()
            ? "\nquantized: %d of %d layers%n".formatted(quantized, it.layers().size())
            : "\na float model; recipe '%s' would quantize %d of %d layers, after folding%n"
                .formatted(it.recipe(), quantized, it.layers().size()));
    text.append(layers(it.layers()));
    text.append(floats(it.layers()));
    text.append(tensors(it.tensors()));
    it.warnings().forEach(warning -> text.append("\nwarning: ").append(warning).append('\n'));
    return text.toString();
  }

  private static String opsets(Map<String, Long> opsets) {
    return opsets.entrySet().stream()
        .map(
            entry -> (entry.getKey().isEmpty() ? "opset" : entry.getKey()) + " " + entry.getValue())
        .collect(Collectors.joining(", "));
  }

  private static String port(Port port) {
    return port.name() + " " + port.type();
  }

  private static String layers(List<Layer> layers) {
    TextTable table = TextTable.ofWords();
    layers.stream()
        .filter(Layer::quantized)
        .forEach(layer -> table.row("  " + layer.node(), layer.operator()));
    return table.print();
  }

  private static String floats(List<Layer> layers) {
    Map<String, TextTable> byReason = new LinkedHashMap<>();
    for (Layer layer : layers) {
      if (layer.reason() != null) {
        byReason
            .computeIfAbsent(layer.reason(), reason -> TextTable.ofWords())
            .row("    " + layer.node(), layer.operator());
      }
    }
    if (byReason.isEmpty()) {
      return "";
    }
    StringBuilder text = new StringBuilder("\nfloat\n");
    byReason.forEach(
        (reason, nodes) -> text.append("  ").append(reason).append(":\n").append(nodes.print()));
    return text.toString();
  }

  private static String tensors(List<IntegerTensor> tensors) {
    if (tensors.isEmpty()) {
      return "";
    }
    TextTable table = TextTable.ofWords();
    for (IntegerTensor tensor : tensors) {
      String scales = tensor.scales();
      table.row("  " + tensor.name(), tensor.role(), tensor.format(), scales == null ? "" : scales);
    }
    return "\nintegers\n" + table.print();
  }
}
