package dev.octet.graph.onnx;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Writes the seeds of {@link OnnxReaderFuzz} anew; run it after {@link SampleModels} changed. */
final class SeedCorpus {
  private static final List<String> EXTERNAL =
      List.of(
          "d\n0\n1",
          "sub/d\n1\n1",
          "./d\n1",
          "../outside/o\n0\n1",
          "sub/../../outside/o\n0\n1",
          "/etc/hostname\n0\n1",
          "l\n0\n1",
          "p/o\n0\n1",
          "h\n0\n1",
          "sub\n0\n1",
          "\n0\n1",
          "d\n9223372036854775807\n1",
          "d\n-1\n1",
          "d\n2\n1",
          "d\n0\n2",
          "d\u0000x\n0\n1",
          "c:\\d\n0\n1",
          "missing\n0\n1");

  private SeedCorpus() {}

  /** Writes below the folder given as the only argument, the test resources of the package. */
  public static void main(String... arguments) throws IOException {
    Path folder = Path.of(arguments[0]).resolve("OnnxReaderFuzzInputs");
    Path models = Files.createDirectories(folder.resolve("readsOrRefusesAnyBytes"));
    for (Map.Entry<String, ai.onnx.proto.OnnxMl.ModelProto> sample :
        SampleModels.all().entrySet()) {
      Files.write(models.resolve(sample.getKey()), sample.getValue().toByteArray());
    }
    for (Map.Entry<String, byte[]> broken : BrokenModels.bytes().entrySet()) {
      Files.write(models.resolve("broken-" + broken.getKey()), broken.getValue());
    }
    Path external =
        Files.createDirectories(folder.resolve("readsExternalDataOnlyFromTheModelsFolder"));
    for (int i = 0; i < EXTERNAL.size(); i++) {
      Files.write(
          external.resolve("seed-" + i), EXTERNAL.get(i).getBytes(StandardCharsets.ISO_8859_1));
    }
  }
}
