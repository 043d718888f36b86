package dev.octet.torch.script;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.graph.DataType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is said of files that hold no TorchScript module. */
class ScriptArchiveTest {
  @TempDir Path folder;

  private static AbstractThrowableAssert<?, ?> refused(Path file) {
    return assertThatThrownBy(
            () -> TorchScript.read(file, ExampleInput.of(DataType.FLOAT, 1, 3, 16, 16)))
        .isInstanceOf(TorchScriptException.class)
        .hasMessageStartingWith(file + ": ");
  }

  private Path written(byte[] content) throws IOException {
    return Files.write(folder.resolve("m.pt"), content);
  }

  @Test
  void missingFile() {
    refused(folder.resolve("none.pt")).hasMessageContaining("there is no file");
  }

  @Test
  void otherFiles() throws IOException {
    refused(written(new byte[] {1, 2, 3, 4, 5})).hasMessageContaining("not a zip archive");
    refused(written(new byte[0])).hasMessageContaining("not a zip archive");
    refused(written(new byte[] {(byte) 0x80, 2, '}', '.'})).hasMessageContaining("a pickle");
  }

  @Test
  void stateDictPointsAtItsReader() {
    refused(TorchScriptTest.FILES.resolve("state-dict.pt"))
        .hasMessageContaining("without code")
        .hasMessageContaining("dev.octet.torch.weights");
  }

  @Test
  void missingParts() throws IOException {
    Map<String, byte[]> entries = DamagedFileProperties.entries("resnet");
    entries.remove("resnet/constants.pkl");
    refused(written(DamagedFileProperties.zip(entries))).hasMessageContaining("constants.pkl");
  }

  @Test
  void wrongChecksum() throws IOException {
    byte[] content = Files.readAllBytes(TorchScriptTest.FILES.resolve("resnet.pt"));
    // The central directory repeats what an entry's own header says of its checksum.
    int directory = content.length - 22;
    while (content[directory] != 'P'
        || content[directory + 1] != 'K'
        || content[directory + 2] != 1) {
      directory--;
    }
    content[directory + 16] ^= 1;
    refused(written(content)).hasMessageContaining("damaged");
  }

  /** A weight's pickle promises more numbers than its entry has: reading them would end the JVM. */
  @Test
  void weightLongerThanItsStorage() throws IOException {
    Map<String, byte[]> entries = DamagedFileProperties.entries("resnet");
    byte[] weight = entries.get("resnet/data/0");
    entries.put("resnet/data/0", Arrays.copyOf(weight, 8));
    refused(written(DamagedFileProperties.zip(entries)))
        .hasMessageContaining("more than are stored");
  }

  @Test
  void codeThatNestsDeeperThanAParserCanFollow() throws IOException {
    Map<String, byte[]> entries = DamagedFileProperties.entries("resnet");
    String code = "def f(x):\n  return " + "(".repeat(100_000) + "x" + ")".repeat(100_000) + "\n";
    entries.put("resnet/code/__torch__.py", code.getBytes(java.nio.charset.StandardCharsets.UTF_8));
    refused(written(DamagedFileProperties.zip(entries))).hasMessageContaining("no code");
  }
}
