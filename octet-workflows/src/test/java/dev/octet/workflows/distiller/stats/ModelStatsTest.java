package dev.octet.workflows.distiller.stats;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ModelStatsTest {
  private static final String TEXT =
      """
      conv1:
        inputs:
          0:
            min: -2.5
            max: 1e-05
            avg_min: -1.0
            avg_max: .5
            mean: 0
            std: 1.0e+00
            b: 0.75
            shape: (256, 3, 224, 224)
            total_numel: 38535168000
        output:
          min: 1.7976931348623157e+308
          max: -1.7976931348623157e+308
          unknown_key: 3
      add:
        inputs:
          0: {min: 0, max: 1}
          1: {min: -1, max: 1}
        output:
      """;

  @Test
  void readsDistillersFiles() {
    ModelStats stats = ModelStats.parse(TEXT, "stats.yaml");
    assertThat(stats.layers().keySet()).containsExactly("conv1", "add");
    TensorStats input = stats.layers().get("conv1").inputs().get(0);
    assertThat(input)
        .isEqualTo(
            new TensorStats(
                -2.5, 1e-5, -1, 0.5, 0, 1, 0.75, "(256, 3, 224, 224)", 38_535_168_000L));
    assertThat(stats.layers().get("conv1").output().isSeen()).isFalse();
    assertThat(stats.layers().get("add").inputs()).hasSize(2);
    assertThat(stats.layers().get("add").inputs().get(1).b()).isNaN();
    assertThat(stats.layers().get("add").output()).isNull();
  }

  @Test
  void writesWhatItReads(@TempDir Path folder) {
    ModelStats stats = ModelStats.parse(TEXT, "stats.yaml");
    Path file = folder.resolve("stats.yaml");
    stats.write(file);
    assertThat(ModelStats.read(file)).isEqualTo(stats);
  }

  @Test
  void saysWhereAFileIsWrong() {
    assertThatThrownBy(() -> ModelStats.parse("a:\n  inputs: {x: {min: 1, max: 2}}", "s.yaml"))
        .hasMessageContaining("s.yaml: layer 'a', input x");
    assertThatThrownBy(() -> ModelStats.parse("a:\n  output: {min: 1}", "s.yaml"))
        .hasMessageContaining("layer 'a', output, has no min and max");
    assertThatThrownBy(() -> ModelStats.parse("a:\n  output: {min: low, max: 2}", "s.yaml"))
        .hasMessageContaining("is 'low'; give a number");
    assertThatThrownBy(() -> ModelStats.parse("a: [1]", "s.yaml"))
        .hasMessageContaining("is a list");
  }
}
