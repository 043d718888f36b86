package dev.octet.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.core.range.Range;
import dev.octet.torch.nn.Activation;
import dev.octet.torch.nn.BatchNorm2d;
import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.nn.Flatten;
import dev.octet.torch.nn.GRU;
import dev.octet.torch.nn.LSTM;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.Losses;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.MultiheadAttention;
import dev.octet.torch.nn.Sequential;
import dev.octet.torch.quant.TensorQuantizer;
import dev.octet.torch.quant.nn.QuantModules;
import dev.octet.torch.train.Optimizer;
import dev.octet.torch.train.ParameterGroup;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Native memory stays flat over 10,000 steps of training, without the garbage collector's help.
 *
 * <p>The work runs in a JVM of its own, whose heap is touched from the start: what its resident
 * memory grows by is native. There JavaCPP never frees what became garbage, so that whatever nobody
 * closes stays.
 */
final class SoakTest {
  private static final int STEPS = 10_000;
  private static final int WARM_UP = 2_000;
  private static final long PAGE = 4096;
  private static final long FLAT = 6L << 20;

  /** Pointers that are open, and bytes of resident memory, 0 where nothing tells. */
  private record Memory(long pointers, long resident) {
    static Memory now() {
      return new Memory(Pointer.totalCount(), residentBytes());
    }

    private static long residentBytes() {
      try {
        String text = Files.readString(Path.of("/proc/self/statm"), StandardCharsets.US_ASCII);
        return Long.parseLong(text.split(" ", -1)[1]) * PAGE;
      } catch (IOException e) {
        return 0;
      }
    }
  }

  private record Growth(Memory before, Memory after) {}

  private static final Map<String, Growth> GROWTHS = new LinkedHashMap<>();

  @BeforeAll
  static void soak() throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of(
            "-Xms64m",
            "-Xmx64m",
            "-XX:+AlwaysPreTouch",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-Dorg.bytedeco.javacpp.noPointerGC=true",
            "-cp",
            System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
            SoakTest.class.getName()));
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().put("OMP_NUM_THREADS", "1");
    Process process = builder.start();
    StringBuilder output = new StringBuilder();
    try (var lines = process.inputReader(StandardCharsets.UTF_8)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        output.append(line).append('\n');
        String[] words = line.split(" ", -1);
        if (words[0].equals("soaked")) {
          GROWTHS.put(
              words[1],
              new Growth(
                  new Memory(Long.parseLong(words[2]), Long.parseLong(words[3])),
                  new Memory(Long.parseLong(words[4]), Long.parseLong(words[5]))));
        }
      }
    }
    assertThat(process.waitFor()).as(output.toString()).isZero();
  }

  @ParameterizedTest
  @ValueSource(strings = {"static-sgd", "learned-adamw", "eval", "models"})
  void pointersStayAsManyAsTheyAre(String kind) {
    Growth growth = GROWTHS.get(kind);
    assertThat(growth.after().pointers()).isEqualTo(growth.before().pointers());
  }

  @ParameterizedTest
  @ValueSource(strings = {"static-sgd", "learned-adamw", "eval", "models"})
  void residentMemoryStaysFlat(String kind) {
    Growth growth = GROWTHS.get(kind);
    assumeTrue(growth.before().resident() > 0, "no /proc tells how much memory is resident");
    assertThat(growth.after().resident() - growth.before().resident()).isLessThan(FLAT);
  }

  /** What soaks: prints for each kind the pointers and bytes before and after. */
  public static void main(String[] args) {
    Torch.seed(1);
    Torch.threads(1);
    try (Module net = cnn(false);
        Optimizer optimizer = Optimizer.sgd(groups(net), 0.9, true)) {
      soak("static-sgd", STEPS, WARM_UP, () -> train(net, optimizer));
    }
    try (Module net = cnn(true);
        Optimizer optimizer = Optimizer.adamW(groups(net), 0.9, 0.999)) {
      soak("learned-adamw", STEPS, WARM_UP, () -> train(net, optimizer));
    }
    try (Module net = cnn(false)) {
      net.eval();
      soak("eval", 3_000, 1_000, () -> evaluate(net));
    }
    soak("models", 100, 20, SoakTest::openAndClose);
  }

  private static void soak(String kind, int steps, int warmUp, Runnable step) {
    Memory before = Memory.now();
    for (int i = 0; i < steps; i++) {
      if (i == warmUp) {
        before = Memory.now();
      }
      step.run();
    }
    Memory after = Memory.now();
    System.out.println(
        String.join(
            " ",
            "soaked",
            kind,
            Long.toString(before.pointers()),
            Long.toString(before.resident()),
            Long.toString(after.pointers()),
            Long.toString(after.resident())));
  }

  private static Module cnn(boolean learned) {
    Module net;
    try (QuantModules quantized = QuantModules.initialize()) {
      net =
          new Sequential(
              Conv2d.builder(1, 4, 3).padding(1).bias(false).build(),
              BatchNorm2d.builder(4).build(),
              Activation.relu(),
              new Flatten(),
              Linear.builder(64, 3).build());
    }
    boolean step = false;
    for (Module module : net.modules().values()) {
      if (module instanceof TensorQuantizer quantizer) {
        quantizer.setRanges(List.of(Range.symmetric(1)));
        if (learned && quantizer.ranges().size() == 1) {
          if (step) {
            quantizer.learnScale();
          } else {
            quantizer.learnAmax();
          }
          step = !step;
        }
      }
    }
    return net;
  }

  private static List<ParameterGroup> groups(Module net) {
    return List.of(ParameterGroup.of(net.parameters().values(), 1e-3, 1e-4));
  }

  private static void train(Module net, Optimizer optimizer) {
    try (Scope scope = Scope.open()) {
      Tensor images = torch.rand(4, 1, 4, 4);
      Tensor labels = Tensors.of(new long[] {0, 1, 2, 0}, 4);
      optimizer.zeroGrad();
      Losses.crossEntropy(net.call(images), labels).backward();
      optimizer.step();
    }
  }

  /** Without a scope: the caller closes what it makes and what it gets. */
  private static void evaluate(Module net) {
    try (Tensor images = Tensors.of(new float[64], 4, 1, 4, 4);
        Tensor output = net.call(images)) {
      Tensors.toFloats(output);
    }
  }

  private static void openAndClose() {
    cnn(false).close();
    cnn(true).close();
    try (LSTM lstm = LSTM.builder(4, 8).numLayers(2).build();
        GRU gru = GRU.builder(4, 8).build();
        MultiheadAttention attention = MultiheadAttention.builder(4, 2).build();
        TensorQuantizer quantizer = new TensorQuantizer(QuantDescriptor.int8Activation());
        Tensor input = Tensors.of(new float[24], 3, 2, 4)) {
      for (Module module : List.of(lstm, gru, attention, quantizer)) {
        module.call(input).close();
      }
    }
  }
}
