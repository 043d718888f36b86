package dev.octet.engine;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.octet.engine.reference.ModelBuilder;
import dev.octet.graph.DataType;
import dev.octet.graph.Dimension;
import dev.octet.graph.Model;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import dev.octet.graph.ValueType.TensorType;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** What loading and compiling leave on the heap beside the model's own weights. */
class EngineMemoryTest {
  private static final EngineOptions ONE = EngineOptions.defaults().withThreads(1).withPlans(1);

  private static long inUse() {
    System.gc();
    return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
  }

  private static long allocated() {
    return ((ThreadMXBean) ManagementFactory.getThreadMXBean()).getCurrentThreadAllocatedBytes();
  }

  @Test
  void weightsArePackedOnceAlthoughTheirPlansGo() {
    AtomicInteger computed = new AtomicInteger();
    ModelBuilder net = new ModelBuilder(17, 1);
    Value x = net.input(4, 256);
    Tensor weights =
        Tensor.computed(
            values -> {
              computed.incrementAndGet();
              while (values.hasRemaining()) {
                values.put(values.position() % 7 - 3);
              }
            },
            256,
            512);
    net.node("MatMul", x, net.constant(weights));
    Model model = net.model();
    List<Dimension> open = List.of(new Dimension.Symbolic("n"), new Dimension.Fixed(256));
    model.graph().setType(x, new TensorType(DataType.FLOAT, open));
    try (Engine engine = Engine.load(model, ONE)) {
      Tensor four = net.normal(1, 4, 256);
      Tensor first = engine.run(Map.of(x.name(), four)).values().iterator().next();
      engine.run(Map.of(x.name(), net.normal(1, 9, 256)));
      int before = computed.get();
      Tensor again = engine.run(Map.of(x.name(), four)).values().iterator().next();
      engine.run(Map.of(x.name(), net.normal(1, 9, 256)));
      assertThat(computed).hasValue(before);
      assertThat(again).isEqualTo(first);
    }
  }

  @Test
  void integerWeightsDoNotBecomeFloatsOnTheWay() {
    compileIntegers(64); // loads the classes, which takes memory too
    long before = allocated();
    compileIntegers(2048);
    long weights = 2048L * 2048;
    assertThat(allocated() - before).isLessThan(3 * weights); // the test's own are two of them
  }

  private static void compileIntegers(int size) {
    ModelBuilder net = new ModelBuilder(17, 2);
    Value scale = net.floats(0.02);
    Value zero = net.constant(Tensor.ofRaw(DataType.UINT8, new byte[] {(byte) 128}));
    Value x = net.node("QuantizeLinear", net.input(2, size), scale, zero);
    byte[] weights = new byte[size * size];
    Value w =
        net.node(
            "DequantizeLinear",
            net.constant(Tensor.ofRaw(DataType.INT8, weights, size, size)),
            net.floats(0.01),
            net.constant(Tensor.ofRaw(DataType.INT8, new byte[1])));
    net.node("MatMul", net.node("DequantizeLinear", x, scale, zero), w);
    try (Engine engine = Engine.load(net.model(), ONE)) {
      engine.run(net.feeds());
    }
  }

  @Test
  void foldedWeightsAreNotKeptOnTheHeap() {
    ModelBuilder net = new ModelBuilder(17, 3);
    int channels = 1024;
    Value x = net.input(1, channels, 5, 5);
    Value w =
        net.constant(Tensor.ofFloats(new float[channels * channels * 9], channels, channels, 3, 3));
    Value conv = net.node("Conv", x, w);
    Value ones = net.constant(Tensor.ofFloats(new float[channels], channels));
    net.node("BatchNormalization", conv, ones, ones, ones, ones);
    Model model = net.model();
    long before = inUse();
    try (Engine engine = Engine.load(model, ONE)) {
      engine.run(net.feeds());
      assertThat(inUse() - before).isLessThan(9L * channels * channels); // a quarter of the weights
      assertThat(engine.run(net.feeds())).hasSize(1);
    }
  }
}
