package dev.octet.quantize.bench;

import dev.octet.quantize.Version;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * What timings were taken on.
 *
 * @param cpu its name, or its architecture where the system does not tell
 * @param cores hardware threads that this process may use
 * @param instructionSets those that matter here and that the system names; empty where it names
 *     none
 * @param system the operating system
 * @param java the JVM
 * @param octet the version of Octet
 * @param engine oneDNN, its version and the instruction set that it uses; empty if it ran nothing
 * @param onnxRuntime ONNX Runtime and its version; empty if it ran nothing
 */
public record Machine(
    String cpu,
    int cores,
    List<String> instructionSets,
    String system,
    String java,
    String octet,
    String engine,
    String onnxRuntime) {

  private static final Path CPU_INFO = Path.of("/proc/cpuinfo");
  private static final List<String> TOLD =
      List.of(
          "avx2",
          "avx_vnni",
          "avx512f",
          "avx512_vnni",
          "avx512_bf16",
          "avx512_fp16",
          "amx_int8",
          "amx_bf16",
          "amx_fp16",
          "asimd",
          "asimddp",
          "i8mm",
          "sve");

  public Machine {
    instructionSets = List.copyOf(instructionSets);
  }

  /** This machine, with these runtimes. */
  static Machine here(String engine, String onnxRuntime) {
    List<String> lines = cpuInfo();
    Set<String> flags =
        new HashSet<>(
            List.of((value(lines, "flags") + " " + value(lines, "Features")).split(" ", -1)));
    String cpu = value(lines, "model name");
    return new Machine(
        cpu.isEmpty() ? System.getProperty("os.arch", "unknown") : cpu,
        Runtime.getRuntime().availableProcessors(),
        TOLD.stream().filter(flags::contains).toList(),
        System.getProperty("os.name") + " " + System.getProperty("os.arch"),
        Runtime.version().toString(),
        Version.TEXT,
        engine,
        onnxRuntime);
  }

  private static List<String> cpuInfo() {
    try (Stream<String> lines = Files.lines(CPU_INFO)) {
      return lines.toList();
    } catch (IOException e) {
      return List.of(); // not Linux
    }
  }

  private static String value(List<String> lines, String key) {
    return lines.stream()
        .filter(line -> line.startsWith(key) && line.contains(":"))
        .map(line -> line.substring(line.indexOf(':') + 1).strip())
        .findFirst()
        .orElse("");
  }
}
