package dev.octet.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.engine.plan.UnsupportedNodeException;
import dev.octet.engine.reference.Closeness;
import dev.octet.engine.reference.ModelBuilder;
import dev.octet.engine.reference.OrtReference;
import dev.octet.graph.DataType;
import dev.octet.graph.Dimension;
import dev.octet.graph.Model;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import dev.octet.graph.ValueType.TensorType;
import dev.octet.graph.onnx.OnnxReader;
import dev.octet.testing.SharedFolder;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EngineTest {
  private static final EngineOptions ONE = EngineOptions.defaults().withThreads(1);

  private static void check(ModelBuilder net) {
    Model model = net.model();
    Map<String, Tensor> wanted = OrtReference.outputs(model, net.feeds());
    try (Engine engine = Engine.load(model, ONE)) {
      engine
          .run(net.feeds())
          .forEach(
              (name, tensor) -> {
                Tensor other = wanted.get(name);
                assertThat(other).as(name).isNotNull();
                Closeness.check(name, tensor, other, 1e-4);
              });
    }
  }

  private static Tensor normal(long seed, long... shape) {
    return new ModelBuilder(17, seed).normal(1, shape);
  }

  @Test
  void floatLayersAgreeWithOnnxRuntime() {
    ModelBuilder net = new ModelBuilder(17, 1);
    Value x = net.input(2, 8, 13, 11);
    Map<String, ?> padded = Map.of("pads", new long[] {1, 0, 1, 2}, "strides", new long[] {2, 1});
    Value a = net.node("Conv", padded, x, net.weight(0.2, 24, 8, 3, 3), net.weight(1, 24));
    Value b = net.node("Relu", a);
    net.node("MaxPool", Map.of("kernel_shape", new long[] {3, 3}, "ceil_mode", 1), b);
    Value c = net.node("Conv", Map.of("group", 24), b, net.weight(0.2, 24, 1, 3, 2));
    Value d = net.node("Clip", c, net.floats(-0.5), net.floats(1));
    Value e = net.node("Flatten", net.node("GlobalAveragePool", d));
    Value f = net.node("Gemm", Map.of("transB", 1), e, net.weight(1, 10, 24), net.weight(1, 10));
    net.node("Sigmoid", f);
    net.node("Mul", d, net.weight(1, 24, 1, 1));
    check(net);
  }

  @Test
  void residualsAreFusedWhicheverBranchComesLast() {
    ModelBuilder net = new ModelBuilder(17, 2);
    Value x = net.input(1, 16, 8, 8);
    Value main = net.node("Conv", x, net.weight(0.2, 32, 16, 1, 1));
    Value shortcut = net.node("Conv", x, net.weight(0.2, 32, 16, 1, 1));
    Value sum = net.node("Relu", net.node("Add", main, shortcut));
    Value next = net.node("Conv", sum, net.weight(0.2, 32, 32, 1, 1));
    net.node("Add", next, sum);
    check(net);
  }

  @Test
  void swishWhoseInputHasTwoReaders() {
    ModelBuilder net = new ModelBuilder(17, 3);
    Value y = net.node("Conv", net.input(1, 8, 6, 6), net.weight(0.5, 16, 8, 1, 1));
    net.node("Mul", y, net.node("Sigmoid", y));
    check(net);
  }

  @Test
  void aValueThatIsAlsoAnOutputKeepsItsNumbers() {
    ModelBuilder net = new ModelBuilder(17, 4);
    Value x = net.input(1, 4, 5, 5);
    Value y = net.node("Relu", x);
    Value z = net.node("Sigmoid", y);
    net.node("Add", y, z);
    Model model = net.model();
    model.graph().addOutput(y);
    Map<String, Tensor> wanted = OrtReference.outputs(model, net.feeds());
    try (Engine engine = Engine.load(model, ONE)) {
      Tensor kept = engine.run(net.feeds()).get(y.name());
      assertThat(kept).isEqualTo(wanted.get(y.name()));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "mobilenetv2-cifar10.onnx, 32, 2",
    "squeezenet1_1-imagenet.onnx, 227, 1",
  })
  void modelsOfTheSharedFolder(String file, int size, int batch) {
    Model model = OnnxReader.read(SharedFolder.require("models/" + file));
    Tensor image = normal(5, batch, 3, size, size);
    Map<String, Tensor> inputs = Map.of(model.graph().inputs().iterator().next().name(), image);
    Map<String, Tensor> wanted = OrtReference.outputs(model, inputs);
    try (Engine engine = Engine.load(model, ONE)) {
      engine
          .run(inputs)
          .forEach(
              (name, tensor) -> {
                Tensor other = wanted.get(name);
                assertThat(other).isNotNull();
                Closeness.check(name, tensor, other, 1e-4);
              });
    }
  }

  private static Model openBatch() {
    ModelBuilder net = new ModelBuilder(17, 6);
    Value x = net.input(1, 4, 6, 6);
    Value y = net.node("Conv", x, net.weight(0.3, 8, 4, 3, 3), net.weight(1, 8));
    net.node("Flatten", net.node("Relu", y));
    Model model = net.model();
    model
        .graph()
        .setType(
            x,
            new TensorType(
                DataType.FLOAT,
                List.of(
                    new Dimension.Symbolic("n"),
                    new Dimension.Fixed(4),
                    new Dimension.Symbolic("h"),
                    new Dimension.Unknown())));
    return model;
  }

  private static String inputName(Model model) {
    return model.graph().inputs().iterator().next().name();
  }

  @Test
  void shapesChangeFromRunToRunAndOldPlansGo() {
    Model model = openBatch();
    String name = inputName(model);
    try (Engine engine = Engine.load(model, ONE.withPlans(2))) {
      for (int round = 0; round < 2; round++) {
        for (int n = 1; n <= 4; n++) {
          Map<String, Tensor> inputs = Map.of(name, normal(n, n, 4, 5 + n, 6));
          Tensor wanted = OrtReference.outputs(model, inputs).values().iterator().next();
          Closeness.check("y", engine.run(inputs).values().iterator().next(), wanted, 1e-4);
        }
      }
    }
  }

  @Test
  void manyThreadsGetTheBitsOfOne() throws Exception {
    Model model = openBatch();
    String name = inputName(model);
    try (Engine engine = Engine.load(model, ONE.withPlans(2))) {
      List<Tensor> images = new ArrayList<>();
      List<Tensor> alone = new ArrayList<>();
      for (int i = 0; i < 6; i++) {
        images.add(normal(i, 1 + i % 3, 4, 7, 7));
        alone.add(engine.run(Map.of(name, images.get(i))).values().iterator().next());
      }
      ExecutorService pool = Executors.newFixedThreadPool(4);
      try {
        List<Future<Boolean>> same = new ArrayList<>();
        for (int t = 0; t < 4; t++) {
          Random order = new Random(t);
          same.add(
              pool.submit(
                  () -> {
                    boolean all = true;
                    for (int run = 0; run < 100; run++) {
                      int i = order.nextInt(6);
                      Tensor made =
                          engine.run(Map.of(name, images.get(i))).values().iterator().next();
                      all &= made.equals(alone.get(i));
                    }
                    return all;
                  }));
        }
        for (Future<Boolean> one : same) {
          assertThat(one.get()).isTrue();
        }
      } finally {
        pool.shutdownNow();
      }
    }
  }

  @Test
  void badInputsAreNamed() {
    Model model = openBatch();
    String name = inputName(model);
    try (Engine engine = Engine.load(model, ONE)) {
      assertThatThrownBy(() -> engine.run(Map.of()))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("'" + name + "' is missing");
      assertThatThrownBy(() -> engine.run(Map.of(name, normal(1, 1, 4, 6, 6), "y", normal(1, 1))))
          .hasMessageContaining("no input [y]");
      assertThatThrownBy(() -> engine.run(Map.of(name, Tensor.ofLongs(new long[144], 1, 4, 6, 6))))
          .hasMessageContaining("is INT64; the model declares FLOAT");
      assertThatThrownBy(() -> engine.run(Map.of(name, normal(1, 1, 5, 6, 6))))
          .hasMessageContaining("[1, 5, 6, 6]");
      assertThatThrownBy(() -> engine.run(Map.of(name, normal(1, 4, 6, 6))))
          .hasMessageContaining("[4, 6, 6]");
      assertThatThrownBy(() -> engine.run(Map.of(name, normal(1, 0, 4, 6, 6))))
          .hasMessageContaining("has no elements");
      assertThatThrownBy(() -> engine.run(Map.of(name, normal(1, 1, 4, 2, 6))))
          .isInstanceOf(UnsupportedNodeException.class)
          .hasMessageContaining("does not fit its padded input");
      assertThat(engine.run(Map.of(name, normal(1, 1, 4, 6, 6)))).hasSize(1);
    }
  }

  @Test
  void anOperatorWithoutCodeIsNamedBeforeAnythingRuns() {
    ModelBuilder net = new ModelBuilder(17, 7);
    net.node("MaxRoiPool", net.input(1, 1, 3, 3), net.input(1, 5));
    Model model = net.model();
    assertThatThrownBy(() -> Engine.load(model, ONE))
        .isInstanceOf(UnsupportedNodeException.class)
        .hasMessageContaining("(MaxRoiPool) cannot run on the engine");
  }

  @Test
  void nothingRunsAfterClose() {
    Model model = openBatch();
    Engine engine = Engine.load(model, ONE);
    Map<String, Tensor> inputs = Map.of(inputName(model), normal(1, 1, 4, 6, 6));
    engine.run(inputs);
    engine.close();
    engine.close();
    assertThatThrownBy(() -> engine.run(inputs))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
  }

  @Test
  void closingWhileOthersRunLetsThemEnd() throws Exception {
    Model model = openBatch();
    Engine engine = Engine.load(model, ONE);
    Map<String, Tensor> inputs = Map.of(inputName(model), normal(1, 1, 4, 6, 6));
    Map<String, Tensor> wanted = engine.run(inputs);
    ExecutorService pool = Executors.newFixedThreadPool(3);
    try {
      List<Future<Integer>> runs = new ArrayList<>();
      for (int t = 0; t < 3; t++) {
        runs.add(
            pool.submit(
                () -> {
                  int done = 0;
                  while (true) {
                    try {
                      assertThat(engine.run(inputs)).isEqualTo(wanted);
                      done++;
                    } catch (IllegalStateException closed) {
                      return done;
                    }
                  }
                }));
      }
      engine.run(inputs);
      engine.close();
      for (Future<Integer> run : runs) {
        assertThat(run.get()).isNotNegative();
      }
    } finally {
      pool.shutdownNow();
    }
  }

  @Test
  void aShapeThatManyAskForAtOnceIsCompiledOnce() throws Exception {
    Model model = openBatch();
    String name = inputName(model);
    Tensor image = normal(1, 2, 4, 6, 6);
    try (Engine engine = Engine.load(model, ONE.withPlans(1))) {
      CyclicBarrier together = new CyclicBarrier(4);
      ExecutorService pool = Executors.newFixedThreadPool(4);
      try {
        List<Future<Map<String, Tensor>>> runs = new ArrayList<>();
        for (int t = 0; t < 4; t++) {
          runs.add(
              pool.submit(
                  () -> {
                    together.await();
                    return engine.run(Map.of(name, image));
                  }));
        }
        for (Future<Map<String, Tensor>> run : runs) {
          assertThat(run.get()).isEqualTo(runs.get(0).get());
        }
      } finally {
        pool.shutdownNow();
      }
      assertThatThrownBy(() -> engine.run(Map.of(name, normal(1, 1, 4, 2, 6))))
          .isInstanceOf(UnsupportedNodeException.class);
      assertThat(engine.run(Map.of(name, image))).hasSize(1);
    }
  }

  @Test
  void anInterruptDoesNotEndARunAndIsKept() {
    Model model = openBatch();
    Map<String, Tensor> inputs = Map.of(inputName(model), normal(1, 1, 4, 6, 6));
    try (Engine engine = Engine.load(model, ONE)) {
      Thread.currentThread().interrupt();
      Map<String, Tensor> first = engine.run(inputs);
      assertThat(Thread.interrupted()).isTrue();
      assertThat(engine.run(inputs)).isEqualTo(first);
    }
  }

  @Test
  void resultsBeyondTwoGibibytesAreRefusedWithTheNode() {
    ModelBuilder net = new ModelBuilder(17, 8);
    Value x = net.input(1, 1, 8, 8);
    long[] pads = {60000, 60000, 0, 0};
    net.node("Conv", Map.of("pads", pads), x, net.weight(1, 1, 1, 3, 3));
    try (Engine engine = Engine.load(net.model(), ONE)) {
      assertThatThrownBy(() -> engine.run(net.feeds()))
          .isInstanceOf(UnsupportedNodeException.class)
          .hasMessageContaining("(Conv)")
          .hasMessageContaining("more than 2 GiB");
    }
  }

  @Test
  void sessionsShareWeightsAndCopyNothing() {
    Model model = openBatch();
    String name = inputName(model);
    Tensor image = normal(1, 2, 4, 6, 6);
    Engine engine = Engine.load(model, ONE);
    Tensor wanted = engine.run(Map.of(name, image)).values().iterator().next();
    Map<String, long[]> shapes = Map.of(name, new long[] {2, 4, 6, 6});
    long weights = engine.explain(shapes).weightBytes();
    Session session = engine.session(shapes);
    Session other = engine.session(shapes);
    assertThat(engine.explain(shapes).weightBytes()).isEqualTo(weights);
    assertThat(session.inputs().get(0).name()).isEqualTo(name);
    assertThatThrownBy(() -> session.input("absent")).hasMessageContaining("no 'absent'");
    engine.close();
    for (Session each : List.of(session, other)) {
      each.input(name).put(image.data());
      each.run();
      String output = each.outputs().get(0).name();
      Tensor made = Tensor.wrap(DataType.FLOAT, wanted.shape(), each.output(output));
      assertThat(made).isEqualTo(wanted);
    }
    session.close();
    session.close();
    assertThatThrownBy(session::run).hasMessageContaining("the session is closed");
    session.input(name).putFloat(0, 1); // still memory, though nobody reads it
    other.run();
    other.close();
  }

  @Test
  void aProfileHasATimeForEachStepAndATable() {
    Model model = openBatch();
    try (Engine engine = Engine.load(model, ONE)) {
      Explanation explained = engine.profile(Map.of(inputName(model), normal(1, 1, 4, 6, 6)), 3);
      assertThat(explained.nanoseconds()).hasSameSizeAs(explained.steps());
      assertThat(explained.toString()).contains("convolution+relu").contains(" us ");
      assertThatThrownBy(() -> engine.explain(Map.of(inputName(model), new long[] {1, 4, 6})))
          .hasMessageContaining("the model declares");
    }
  }

  @Test
  void aRunOfASessionAllocatesNothing() {
    Model model = openBatch();
    try (Engine engine = Engine.load(model, ONE);
        Session session = engine.session(Map.of(inputName(model), new long[] {1, 4, 6, 6}))) {
      var bean = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
      long thread = Thread.currentThread().getId();
      for (int i = 0; i < 3000; i++) { // until the JVM has linked and compiled all of it
        session.run();
        bean.getThreadAllocatedBytes(thread);
      }
      long before = bean.getThreadAllocatedBytes(thread);
      for (int i = 0; i < 1000; i++) {
        session.run();
      }
      assertThat(bean.getThreadAllocatedBytes(thread) - before)
          .isLessThan(1000); // under a byte each
    }
  }

  @Test
  void aScaleThatIsNotPositiveIsNamed() {
    for (double scale : new double[] {0, -1, Double.NaN, Double.POSITIVE_INFINITY}) {
      QuantizedNet q = new QuantizedNet(1);
      q.quantize(q.net.input(2, 2), scale, DataType.UINT8, 0);
      Model model = q.net.model();
      try (Engine engine = Engine.load(model, ONE)) {
        assertThatThrownBy(() -> engine.run(q.net.feeds()))
            .isInstanceOf(UnsupportedNodeException.class)
            .hasMessageContaining("is not positive and finite");
      }
    }
  }

  @Test
  void numbersThatAreNoneDoNoHarm() {
    QuantizedNet q = new QuantizedNet(2);
    Value x =
        q.grid(
            q.net.input(
                Tensor.ofFloats(
                    new float[] {Float.NaN, Float.POSITIVE_INFINITY, -1e30f, 0}, 1, 1, 2, 2)),
            0.1,
            DataType.UINT8,
            3);
    q.convolution(x, Map.of(), 4, 1, 1, 1);
    try (Engine engine = Engine.load(q.net.model(), ONE)) {
      assertThat(engine.run(q.net.feeds()).values().iterator().next().toFloats())
          .doesNotContain(Float.NaN);
    }
  }
}
