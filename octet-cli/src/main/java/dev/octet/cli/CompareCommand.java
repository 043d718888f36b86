package dev.octet.cli;

import dev.octet.graph.Model;
import dev.octet.graph.onnx.OnnxReader;
import dev.octet.graph.pass.Passes;
import dev.octet.quantize.ModelComparison;
import dev.octet.quantize.data.Samples;
import dev.octet.quantize.report.QuantizationReport;
import dev.octet.quantize.run.ModelInputs;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code octet compare}: two forms of one model side by side, layer by layer. */
@Command(
    name = "compare",
    description = "Run two forms of a model side by side, and say which layer is to blame.",
    footer = {
      "",
      "Example:",
      "  octet compare model.onnx model.int8.onnx --data photos/ --report compare.html",
    })
final class CompareCommand extends OctetCommand {
  @Parameters(index = "0", paramLabel = "FLOAT", description = "The model to compare with.")
  private Path reference;

  @Parameters(index = "1", paramLabel = "QUANTIZED", description = "Its other form.")
  private Path model;

  @Option(
      names = "--layer-samples",
      paramLabel = "N",
      description = "Compare layers on so many samples (default: 16).")
  private long layerSamples = 16;

  @Option(
      names = "--batch",
      paramLabel = "N",
      description = "Samples in a batch, where the model leaves that open (default: 8).")
  private int batch = 8;

  @Mixin private SampleOptions data;

  @ArgGroup(validate = false, heading = "%nReport:%n")
  private ReportOptions reports = new ReportOptions();

  @ArgGroup(validate = false, heading = "%nFloors:%n")
  private FloorOptions floors = new FloorOptions();

  @Mixin private RunnerOption runner;

  @Mixin private CommonOptions common;

  @Override
  public Integer call() throws IOException {
    Console console = common.console();
    runner.apply();
    CountOption.check("--layer-samples", layerSamples);
    CountOption.check("--batch", batch);
    List<Path> files = reports.files(List.of());
    Path path = data.path();
    Samples samples =
        data.open(path, ModelInputs.of(OnnxReader.read(reference).graph()), null, console)
            .evaluation();
    QuantizationReport report =
        console.withWarnings(
            ModelComparison.of(reference, model)
                .batchSize(batch)
                .layerSamples(layerSamples)
                .progress(console.progress())
                .run(samples));
    reports.deliver(report, files, console);
    if (!reports.json()) {
      Model exact = OnnxReader.read(reference);
      Passes.simplify(exact); // as the comparison does, so that layers have the same names
      console.print(new Blame(report.layers(), exact.graph()).text());
    }
    return floors.judge(report, console);
  }
}
