package dev.octet.bench.models;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.engine.Engine;
import dev.octet.engine.EngineOptions;
import dev.octet.graph.onnx.OnnxReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the families' files are: small, and run by fast code. */
class FamiliesTest {
  private static Network network(String name) {
    return Families.networks().stream()
        .filter(network -> network.name().equals(name))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void writesIntegersThatTakeAQuarterAndRunOnFastCode(@TempDir Path folder) throws Exception {
    for (String name : new String[] {"mobilenet_v3_large", "shufflenet_v2_x1_0"}) {
      Path real = folder.resolve(name + ".onnx");
      Path quantized = folder.resolve(name + ".int8.onnx");
      WriteModels.write(network(name), real, quantized);
      assertThat((double) Files.size(quantized) / Files.size(real))
          .as(name)
          .isLessThanOrEqualTo(0.27);
      Map<String, long[]> shapes = Map.of("input", new long[] {1, 3, 224, 224});
      EngineOptions one = EngineOptions.defaults().withThreads(1);
      try (Engine engine = Engine.load(OnnxReader.read(quantized), one)) {
        assertThat(engine.explain(shapes).toString().lines())
            .as(name)
            .filteredOn(line -> line.contains(" convolution"))
            .hasSizeGreaterThan(50)
            .allSatisfy(line -> assertThat(line).doesNotContain(" ref"));
      }
    }
  }
}
