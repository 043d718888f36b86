package dev.octet.quantize.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.graph.Value;
import dev.octet.graph.onnx.OnnxWriter;
import dev.octet.quantize.data.HostTensor;
import dev.octet.quantize.fixture.Net;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BenchmarkTest {
  @TempDir private Path folder;

  private Path model;

  @BeforeEach
  void writeModel() throws IOException {
    Net net = Net.create();
    Value x = net.input("x", -1, 3);
    model = folder.resolve("model.onnx");
    Files.write(model, OnnxWriter.toBytes(net.returns(2, net.node("Neg", "y", x)).model()));
  }

  /** What a side is when native code ends it before it answers. */
  static final class Dying {
    public static void main(String[] words) {
      System.err.println("boom");
      System.exit(3);
    }
  }

  /** A side that answers twice and is gone in the midst of the work. */
  static final class Leaving {
    public static void main(String[] words) throws IOException {
      System.out.println("noise from native code");
      System.out.println(Contestant.MARK + " 7");
      System.out.println(Contestant.MARK + " 8");
      while (System.in.read() != '\n') {}
    }
  }

  @Test
  void aProcessThatDiesIsARowWithItsLastWords() throws IOException {
    List<BenchRow> told = new ArrayList<>();
    BenchReport report = run(Dying.class, told);

    assertThat(report.rows()).isEqualTo(told).hasSize(2);
    assertThat(report.rows())
        .allSatisfy(
            row -> {
              assertThat(row.engine().refused())
                  .startsWith("its process ended with code 3")
                  .contains("boom");
              assertThat(row.onnxRuntime().timing()).isNull();
              assertThat(row.ratio()).isNull();
            });
    assertThat(report.machine().engine()).isEmpty();
  }

  @Test
  void soIsOneThatEndsInTheMidst() throws IOException {
    BenchReport report = run(Leaving.class, new ArrayList<>());

    assertThat(report.rows().get(0).engine().refused()).isEqualTo("its process ended with code 0");
  }

  /** A side that says nothing and does not end. */
  static final class Hanging {
    public static void main(String[] words) throws InterruptedException {
      new CountDownLatch(1).await();
    }
  }

  @Test
  void aSideThatHangsIsEndedAndTheRowSaysSo() throws IOException {
    BenchReport report = run(Hanging.class, new ArrayList<>(), Duration.ofSeconds(1));

    assertThat(report.rows().get(1).engine().refused())
        .isEqualTo("it was not done after 1 s, and its process was ended");
    assertThat(ProcessHandle.current().children().filter(ProcessHandle::isAlive)).isEmpty();
  }

  @Test
  void aModelThatCannotBeReadIsARow() throws IOException {
    Files.writeString(model, "no model");
    BenchReport report = run(Dying.class, new ArrayList<>());

    assertThat(report.rows().get(0).engine().refused()).contains("model.onnx");
  }

  @Test
  void refusesRoundsWithoutARun() {
    assertThatThrownBy(() -> new Benchmark("main", List.of(1), List.of(1), 2, 3, Benchmark.LIMIT))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("runs is 2 and rounds 3");
  }

  private BenchReport run(Class<?> main, List<BenchRow> told) throws IOException {
    return run(main, told, Benchmark.LIMIT);
  }

  private BenchReport run(Class<?> main, List<BenchRow> told, Duration limit) throws IOException {
    return new Benchmark(main.getName(), List.of(1, 2), List.of(1), 2, 1, limit)
        .run(
            List.of(model),
            (read, batch) ->
                Map.of("x", HostTensor.ofFloats(new int[] {batch, 3}, new float[3 * batch])),
            told::add);
  }
}
