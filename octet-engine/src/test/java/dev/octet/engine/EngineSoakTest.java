package dev.octet.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.octet.engine.reference.ModelBuilder;
import dev.octet.graph.DataType;
import dev.octet.graph.Dimension;
import dev.octet.graph.Model;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import dev.octet.graph.ValueType.TensorType;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Native memory stays flat over {@code soak.runs} (4,000) runs of changing shapes on several
 * threads, over sessions and over engines, and every run gives the bits of the first.
 *
 * <p>The work runs in a JVM of its own, whose heap is touched from the start: what its resident
 * memory grows by is native.
 */
final class EngineSoakTest {
  private static final int RUNS = Integer.getInteger("soak.runs", 4_000);
  private static final int THREADS = 4;
  private static final int SHAPES = 6;
  private static final long PAGE = 4096;
  private static final long FLAT = 10L << 20;

  /** Bytes of resident memory before and after, 0 where nothing tells. */
  private record Growth(long before, long after) {}

  private static final Map<String, Growth> GROWTHS = new LinkedHashMap<>();

  @BeforeAll
  static void soak() throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of(
            "-Xms128m",
            "-Xmx128m",
            "-XX:+AlwaysPreTouch",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-Dsoak.runs=" + RUNS,
            "-cp",
            System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
            EngineSoakTest.class.getName()));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    StringBuilder output = new StringBuilder();
    try (var lines = process.inputReader(StandardCharsets.UTF_8)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        output.append(line).append('\n');
        String[] words = line.split(" ", -1);
        if (words[0].equals("soaked")) {
          GROWTHS.put(words[1], new Growth(Long.parseLong(words[2]), Long.parseLong(words[3])));
        }
      }
    }
    assertThat(process.waitFor()).as(output.toString()).isZero();
  }

  @ParameterizedTest
  @ValueSource(strings = {"shapes", "sessions", "engines"})
  void residentMemoryStaysFlat(String kind) {
    Growth growth = GROWTHS.get(kind);
    assumeTrue(growth.before > 0, "no /proc tells how much memory is resident");
    assertThat(growth.after - growth.before).isLessThan(FLAT);
  }

  // ---- the child ----

  /** What soaks: prints for each kind the pointers and bytes before and after. */
  public static void main(String[] args) throws Exception {
    Net net = new Net();
    ExecutorService pool = Executors.newFixedThreadPool(THREADS);
    try (Engine engine = net.load(SHAPES - 2)) {
      net.learn(engine);
      changeShapes(net, engine, pool, RUNS / 4);
      long before = settled(net, engine, pool);
      changeShapes(net, engine, pool, RUNS);
      print("shapes", before, settled(net, engine, pool));
      openSessions(net, engine, 100);
      before = resident();
      openSessions(net, engine, RUNS / 10);
      print("sessions", before, resident());
    } finally {
      pool.shutdown();
    }
    openEngines(net, 20);
    long before = resident();
    openEngines(net, 50);
    print("engines", before, resident());
  }

  private static void print(String kind, long before, long after) {
    System.out.println("soaked " + kind + " " + before + " " + after);
  }

  /** Resident bytes once the descriptors of layouts, which are garbage, have been freed. */
  private static long resident() {
    System.gc();
    try {
      String text = Files.readString(Path.of("/proc/self/statm"), StandardCharsets.US_ASCII);
      return Long.parseLong(text.split(" ", -1)[1]) * PAGE;
    } catch (IOException e) {
      return 0;
    }
  }

  /** Memory with the same shapes compiled and one frame for each: what is kept is known. */
  private static long settled(Net net, Engine engine, ExecutorService pool) throws Exception {
    for (int round = 0; round < 2; round++) {
      for (int shape = 0; shape < SHAPES; shape++) {
        int n = shape;
        pool.submit(() -> net.run(engine, n)).get();
      }
    }
    return resident();
  }

  private static void changeShapes(Net net, Engine engine, ExecutorService pool, int runs)
      throws InterruptedException, ExecutionException {
    List<Future<?>> all = new ArrayList<>();
    for (int t = 0; t < THREADS; t++) {
      Random random = new Random(t);
      all.add(
          pool.submit(
              () -> {
                for (int i = 0; i < runs / THREADS; i++) {
                  // Shapes that must be compiled again come up now and then.
                  net.run(engine, random.nextInt(random.nextInt(20) == 0 ? SHAPES : 2));
                }
              }));
    }
    for (Future<?> one : all) {
      one.get();
    }
  }

  private static void openSessions(Net net, Engine engine, int count) {
    for (int i = 0; i < count; i++) {
      try (Session session = engine.session(Map.of(net.name, net.images.get(0).shape()))) {
        session.input(net.name).put(net.images.get(0).data());
        session.run();
      }
    }
  }

  private static void openEngines(Net net, int count) {
    for (int i = 0; i < count; i++) {
      try (Engine engine = net.load(2)) {
        net.run(engine, i % SHAPES);
      }
    }
  }

  /** A network of floats and integers whose inputs have any batch and size. */
  private static final class Net {
    final Model model;
    final String name;
    final List<Tensor> images = new ArrayList<>();
    private final List<Map<String, Tensor>> results = new ArrayList<>();

    Net() {
      QuantizedNet q = new QuantizedNet(1);
      Value x = q.net.input(1, 8, 12, 12);
      Value y = q.grid(x, 0.03, DataType.UINT8, 100);
      y = q.convolution(y, Map.of("pads", new long[] {1, 1, 1, 1}), 16, 8, 3, 3);
      y = q.grid(q.net.node("Relu", y), 0.05, DataType.UINT8, 0);
      y = q.net.node("Concat", Map.of("axis", 1), y, y);
      y = q.net.node("ConvTranspose", y, q.net.weight(0.1, 32, 8, 2, 2));
      y = q.net.node("Flatten", q.net.node("GlobalAveragePool", q.net.node("Sigmoid", y)));
      q.net.node("Gemm", y, q.net.weight(1, 8, 10), q.net.weight(1, 10));
      model = q.net.model();
      name = x.name();
      List<Dimension> dims =
          List.of(
              new Dimension.Symbolic("n"),
              new Dimension.Fixed(8),
              new Dimension.Symbolic("h"),
              new Dimension.Symbolic("w"));
      model.graph().setType(x, new TensorType(DataType.FLOAT, dims));
      ModelBuilder numbers = new ModelBuilder(17, 2);
      for (int i = 0; i < SHAPES; i++) {
        images.add(numbers.normal(1, 1 + i % 2, 8, 10 + 3 * i, 16 - i));
      }
    }

    Engine load(int plans) {
      return Engine.load(model, EngineOptions.defaults().withThreads(1).withPlans(plans));
    }

    void learn(Engine engine) {
      for (Tensor image : images) {
        results.add(engine.run(Map.of(name, image)));
      }
    }

    void run(Engine engine, int shape) {
      Map<String, Tensor> made = engine.run(Map.of(name, images.get(shape)));
      if (!made.equals(results.get(shape))) {
        throw new AssertionError("shape " + shape + " gave other bits");
      }
    }
  }
}
