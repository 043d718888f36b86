package dev.octet.torch.script;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.graph.DataType;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

/** A damaged file is refused or read; nothing else happens, least of all in native code. */
class DamagedFileProperties {
  private static final Map<String, ExampleInput> FILES =
      Map.of(
          "resnet", ExampleInput.of(DataType.FLOAT, 1, 3, 16, 16),
          "control", ExampleInput.of(DataType.FLOAT, 2, 3, 6),
          "recurrent", ExampleInput.of(DataType.INT64, 2, 4),
          "data-dependent", ExampleInput.of(DataType.FLOAT, 3));
  private static final List<String> NAMES = FILES.keySet().stream().sorted().toList();

  /** Damage anywhere in the archive: its checksums are wrong then. */
  @Property(tries = 150)
  void damagedArchive(@ForAll long seed, @ForAll @IntRange(min = 1, max = 4) int flips)
      throws IOException {
    Random random = new Random(seed);
    String name = NAMES.get(random.nextInt(NAMES.size()));
    byte[] content = Files.readAllBytes(TorchScriptTest.FILES.resolve(name + ".pt"));
    if (random.nextInt(4) == 0) {
      content = java.util.Arrays.copyOf(content, random.nextInt(content.length));
    } else {
      damage(content, flips, random);
    }
    read(content, FILES.get(name));
  }

  /** Damage inside an entry, packed again with the right checksum. */
  @Property(tries = 300)
  void damagedEntry(@ForAll long seed, @ForAll @IntRange(min = 1, max = 4) int flips)
      throws IOException {
    Random random = new Random(seed);
    String name = NAMES.get(random.nextInt(NAMES.size()));
    Map<String, byte[]> entries = entries(name);
    List<String> worth =
        entries.keySet().stream().filter(e -> e.matches(".*(pkl|py|version|/data/\\d+)")).toList();
    String chosen = worth.get(random.nextInt(worth.size()));
    if (random.nextBoolean()) { // mostly the pickle: it is what native code trusts most
      chosen = name + "/data.pkl";
    }
    byte[] content = entries.get(chosen);
    if (random.nextInt(8) == 0) {
      entries.put(chosen, java.util.Arrays.copyOf(content, random.nextInt(content.length)));
    } else if (random.nextInt(8) == 0) {
      entries.remove(chosen);
    } else {
      damage(content, flips, random);
    }
    read(zip(entries), FILES.get(name));
  }

  private static void damage(byte[] content, int flips, Random random) {
    for (int i = 0; i < flips; i++) {
      int at = random.nextInt(content.length);
      switch (random.nextInt(3)) {
        case 0 -> content[at] ^= (byte) (1 << random.nextInt(8));
        case 1 -> content[at] = (byte) random.nextInt(256);
        default -> content[at] = content[random.nextInt(content.length)];
      }
    }
  }

  private static void read(byte[] content, ExampleInput input) throws IOException {
    Path file = Files.createTempFile("damaged", ".pt");
    try {
      Files.write(file, content);
      assertThat(TorchScript.read(file, input).graph().outputs()).isNotEmpty();
    } catch (TorchScriptException refused) {
      assertThat(refused).hasMessageContaining(file.toString());
    } catch (IllegalArgumentException renamed) { // an argument of forward has another name or type
      assertThat(renamed).hasMessageContaining("forward");
    } finally {
      Files.delete(file);
    }
  }

  static Map<String, byte[]> entries(String name) throws IOException {
    Map<String, byte[]> entries = new LinkedHashMap<>();
    try (ZipFile zip = new ZipFile(TorchScriptTest.FILES.resolve(name + ".pt").toFile())) {
      for (ZipEntry entry : java.util.Collections.list(zip.entries())) {
        entries.put(entry.getName(), zip.getInputStream(entry).readAllBytes());
      }
    }
    return entries;
  }

  static byte[] zip(Map<String, byte[]> entries) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(out)) {
      for (Map.Entry<String, byte[]> entry : entries.entrySet()) {
        zip.putNextEntry(new ZipEntry(entry.getKey()));
        zip.write(entry.getValue());
      }
    }
    return out.toByteArray();
  }
}
