package dev.octet.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.core.range.Range;
import dev.octet.graph.Model;
import dev.octet.torch.graph.TorchGraph;
import dev.octet.torch.nn.Activation;
import dev.octet.torch.nn.BatchNorm2d;
import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.nn.Flatten;
import dev.octet.torch.nn.LSTM;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.ModuleException;
import dev.octet.torch.nn.Sequential;
import dev.octet.torch.quant.TensorQuantizer;
import dev.octet.torch.quant.nn.QuantModules;
import dev.octet.torch.trace.Trace;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

final class ThreadsTest {
  private static final int THREADS = 4;
  private static final int CALLS = 10;

  private static int threadsBefore;

  @BeforeAll
  static void oneThreadForEachOperation() {
    threadsBefore = Torch.threads();
    Torch.threads(1);
  }

  @AfterAll
  static void threadsAsBefore() {
    Torch.threads(threadsBefore);
  }

  /** A module, and the shape that it takes. */
  @SuppressWarnings("ArrayRecordComponent") // Never compared.
  private record Sample(Module module, long... shape) {}

  static Module cnn() {
    Torch.seed(7);
    Module net =
        new Sequential(
            Conv2d.builder(3, 8, 3).padding(1).bias(false).build(),
            BatchNorm2d.builder(8).build(),
            Activation.relu(),
            Conv2d.builder(8, 4, 3).build(),
            new Flatten(),
            Linear.builder(4 * 36, 10).build());
    net.eval();
    return net;
  }

  static Module quantizedCnn() {
    Module net;
    try (QuantModules quantized = QuantModules.initialize()) {
      net = cnn();
    }
    for (Module module : net.modules().values()) {
      if (module instanceof TensorQuantizer quantizer) {
        quantizer.clearRange();
        if (quantizer.config().descriptor().symmetric()) {
          quantizer.setRanges(List.of(Range.symmetric(1.5f)));
        }
      }
    }
    return net;
  }

  private static Module traced() {
    try (Module net = cnn();
        Scope scope = Scope.open()) {
      Model model = Trace.of(net).graph(torch.rand(2, 3, 8, 8));
      TorchGraph graph = TorchGraph.of(model);
      graph.eval();
      return graph;
    }
  }

  private static Module lstm() {
    Torch.seed(3);
    LSTM lstm = LSTM.builder(5, 6).numLayers(2).bidirectional(true).batchFirst(true).build();
    lstm.eval();
    return lstm;
  }

  static Stream<Named<Supplier<Sample>>> modules() {
    return Stream.of(
        Named.of("float CNN", () -> new Sample(cnn(), 2, 3, 8, 8)),
        Named.of("quantized CNN", () -> new Sample(quantizedCnn(), 2, 3, 8, 8)),
        Named.of("LSTM", () -> new Sample(lstm(), 2, 9, 5)),
        Named.of("TorchGraph", () -> new Sample(traced(), 2, 3, 8, 8)));
  }

  @ParameterizedTest
  @MethodSource("modules")
  void severalThreadsComputeTheSameBitsAsOne(Supplier<Sample> make) throws Exception {
    Sample sample = make.get();
    try (Module module = sample.module();
        Scope scope = Scope.open()) {
      List<Tensor> inputs = new ArrayList<>();
      List<float[]> alone = new ArrayList<>();
      for (int i = 0; i < THREADS; i++) {
        Tensor input = torch.rand(sample.shape());
        inputs.add(input);
        alone.add(compute(module, input));
      }
      everywhere(
          thread -> {
            for (int i = 0; i < CALLS; i++) {
              assertThat(compute(module, inputs.get(thread))).isEqualTo(alone.get(thread));
            }
          });
    }
  }

  @ParameterizedTest
  @MethodSource("modules")
  void closingWaitsForThoseWhoCompute(Supplier<Sample> make) throws Exception {
    for (int round = 0; round < 5; round++) {
      Sample sample = make.get();
      Module module = sample.module();
      float[] right;
      Tensor input;
      try (Scope scope = Scope.open()) {
        input = Scope.keep(torch.rand(sample.shape()));
        right = compute(module, input);
      }
      CountDownLatch started = new CountDownLatch(THREADS - 1);
      everywhere(
          thread -> {
            if (thread == 0) {
              started.await();
              module.close();
              return;
            }
            try {
              for (boolean first = true; ; first = false) {
                assertThat(compute(module, input)).isEqualTo(right);
                if (first) {
                  started.countDown();
                }
              }
            } catch (IllegalStateException | ModuleException e) {
              assertThat(e).hasMessageContaining("closed");
            }
          });
      input.close();
    }
  }

  @Test
  void aCallKeepsItsInputAliveWhenAnotherThreadClosesIt() throws Exception {
    CountDownLatch inside = new CountDownLatch(1);
    CountDownLatch gone = new CountDownLatch(1);
    Module module =
        new Module() {
          @Override
          protected Tensor forward(Tensor x) {
            inside.countDown();
            try {
              gone.await();
            } catch (InterruptedException e) {
              throw new AssertionError(e);
            }
            return x.clone();
          }
        };
    Tensor input = Tensors.of(new float[] {1, 2}, 2);
    everywhere(
        thread -> {
          if (thread == 0) {
            assertThat(compute(module, input)).containsExactly(1, 2);
          } else if (thread == 1) {
            inside.await();
            input.close();
            gone.countDown();
          }
        });
    assertThat(input.isNull()).isTrue();
  }

  @Test
  void aTensorMadeOutsideAnyScopeOutlivesTheCallsThatUseIt() {
    Tensor raw = torch.ones(2);
    try (Module module = Activation.relu()) {
      compute(module, raw);
      compute(module, raw);
      assertThat(Tensors.toFloats(raw)).containsExactly(1, 1);
    }
    raw.close();
    assertThat(raw.isNull()).isTrue();
  }

  @Test
  void aModuleCannotBeClosedByItsOwnCall() {
    class Closing extends Module {
      private final Child<Linear> fc = child("fc", Linear.builder(2, 2).build());

      @Override
      protected Tensor forward(Tensor x) {
        close();
        return fc.call(x);
      }
    }

    try (Scope scope = Scope.open();
        Closing module = new Closing()) {
      assertThatThrownBy(() -> module.call(torch.ones(1, 2)))
          .isInstanceOf(ModuleException.class)
          .hasMessageContaining("close it when its call has ended");
      assertThat(module.fc.get().weight().isNull()).isFalse();
    }
  }

  @Test
  void aQuantizerMayBeUsedWhileItsRangeChanges() throws Exception {
    try (TensorQuantizer quantizer = new TensorQuantizer(QuantDescriptor.int8Activation());
        Scope scope = Scope.open()) {
      quantizer.amax(1);
      Tensor input = torch.rand(64, 64);
      float[] one = compute(quantizer, input);
      quantizer.amax(2);
      float[] two = compute(quantizer, input);
      everywhere(
          thread -> {
            for (int i = 0; i < 200; i++) {
              if (thread == 0) {
                quantizer.amax(1 + i % 2);
              } else {
                assertThat(compute(quantizer, input)).isIn(one, two);
              }
            }
          });
    }
  }

  @Test
  void aQuantizersRangeMayBeForgottenWhileOthersUseIt() throws Exception {
    try (TensorQuantizer quantizer = new TensorQuantizer(QuantDescriptor.int8Activation());
        Scope scope = Scope.open()) {
      Tensor input = torch.rand(64, 64);
      float[] dynamic = compute(quantizer, input);
      quantizer.amax(2);
      float[] fixed = compute(quantizer, input);
      everywhere(
          thread -> {
            for (int i = 0; i < 200; i++) {
              if (thread == 0 && i % 2 == 0) {
                quantizer.clearRange();
              } else if (thread == 0) {
                quantizer.amax(2);
              } else {
                assertThat(compute(quantizer, input)).isIn(dynamic, fixed);
              }
            }
          });
    }
  }

  @Test
  void onlyTheThreadThatOpenedAScopeClosesIt() throws Exception {
    try (Scope scope = Scope.open()) {
      Tensor made = torch.ones(3);
      AtomicReference<Throwable> refused = new AtomicReference<>();
      Thread other =
          new Thread(
              () -> {
                try {
                  scope.close();
                } catch (IllegalStateException e) {
                  refused.set(e);
                }
              },
              "other");
      other.start();
      other.join();
      assertThat(refused.get()).hasMessageContaining("not by 'other'");
      assertThat(Tensors.toFloats(made)).containsExactly(1, 1, 1);
    }
  }

  private static float[] compute(Module module, Tensor input) {
    try (Scope scope = Scope.open();
        Torch.Switched noGrad = Torch.noGrad()) {
      return Tensors.toFloats(module.call(input));
    }
  }

  private interface Work {
    void on(int thread) throws Exception;
  }

  /** Fails as the first thread fails that does. */
  private static void everywhere(Work work) throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(THREADS);
    try {
      List<Callable<Void>> all = new ArrayList<>();
      for (int i = 0; i < THREADS; i++) {
        int thread = i;
        all.add(
            () -> {
              work.on(thread);
              return null;
            });
      }
      for (Future<Void> each : pool.invokeAll(all)) {
        each.get();
      }
    } finally {
      pool.shutdownNow();
    }
  }
}
