package dev.octet.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.quantize.report.QuantizationReport;
import dev.octet.testing.SharedFolder;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One call on a real model and real data. */
class RealModelIT {
  @Test
  void quantizesAResidualNetworkWithDefaults(@TempDir Path folder) {
    Path model = SharedFolder.require("models/resnet20-cifar10.onnx");
    Path data = SharedFolder.require("data/cifar10");

    Run run =
        Run.octet(
            "quantize",
            model,
            "--data",
            data,
            "-o",
            folder.resolve("resnet20.onnx"),
            "--evaluate-samples",
            1000,
            "--min-agreement",
            97,
            "--json",
            "-q");

    assertThat(run.code()).as(run.err()).isEqualTo(ExitCode.OK);
    QuantizationReport report = QuantizationReport.fromJson(run.out());
    assertThat(report.size().ratio()).isGreaterThan(3);
    assertThat(report.data().sameSetForBoth()).isFalse();
    assertThat(report.outputs().get(0).sqnrDb()).isGreaterThan(28.0);
  }
}
