package dev.octet.workflows.pytorch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.core.affine.QuantParams;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Activation;
import dev.octet.torch.nn.Add;
import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.Concat;
import dev.octet.torch.nn.GRU;
import dev.octet.torch.nn.Identity;
import dev.octet.torch.nn.LSTM;
import dev.octet.torch.nn.LSTMCell;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.LstmOutput;
import dev.octet.torch.nn.LstmState;
import dev.octet.torch.nn.MatMul;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.ModuleException;
import dev.octet.torch.nn.Mul;
import dev.octet.torch.nn.MultiheadAttention;
import dev.octet.torch.nn.Sequential;
import dev.octet.torch.op.Ops;
import dev.octet.workflows.pytorch.quantized.DynamicLinear;
import dev.octet.workflows.pytorch.quantized.EngineModel;
import dev.octet.workflows.pytorch.quantized.Functional;
import dev.octet.workflows.pytorch.quantized.QFunctional;
import dev.octet.workflows.pytorch.quantized.QuantizableLSTM;
import dev.octet.workflows.pytorch.quantized.QuantizedConv;
import dev.octet.workflows.pytorch.quantized.QuantizedLayer;
import dev.octet.workflows.pytorch.quantized.QuantizedLinear;
import dev.octet.workflows.pytorch.quantized.QuantizedModules;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Modules that eager mode takes apart, or that are a user's own. */
final class PartsTest {
  @BeforeEach
  void seed() {
    Torch.seed(11);
  }

  /** A module of one input around a part, between the stubs. */
  private static final class Around extends Module {
    private final Child<QuantStub> quant = child("quant", new QuantStub());
    private final Child<Module> part;
    private final Child<DeQuantStub> dequant = child("dequant", new DeQuantStub());
    private final Function<Module, Function<Tensor, Tensor>> use;

    Around(Module part, Function<Module, Function<Tensor, Tensor>> use) {
      this.part = child("part", part);
      this.use = use;
    }

    @Override
    protected Tensor forward(Tensor x) {
      return dequant.call(use.apply(part.get()).apply(quant.call(x)));
    }
  }

  private static Around around(Module part) {
    return new Around(part, module -> x -> module.call(x));
  }

  // --- Operations between tensors ----------------------------------------------------------------

  static Stream<Supplier<Module>> operations() {
    return Stream.of(
        Add::of,
        Mul::of,
        MatMul::of,
        () -> Concat.of(-1),
        () -> new FloatFunctional(new Functional.Call(Functional.Operation.ADD_RELU, 0)),
        () -> {
          try (Module sum = Add.of()) {
            return new FloatFunctional(Functional.Call.of(sum));
          }
        });
  }

  @ParameterizedTest
  @MethodSource("operations")
  void anOperationIsObservedAndConverted(Supplier<Module> operation, @TempDir Path folder) {
    Function<Module, Function<Tensor, Tensor>> use =
        module -> x -> module.call(x, Ops.transpose(x, 1, 2));
    try (Around net = new Around(operation.get(), use);
        Around fresh = new Around(operation.get(), use)) {
      net.eval();
      Tensor x = Nets.noise(5, 3, 4, 4);
      float[] exact = Nets.run(net, x);
      Conversion made =
          Quantization.quantize(net, Backend.OCTET.qconfigMapping(), m -> Nets.run(m, x));
      assertThat(made.remarks()).isEmpty();
      assertThat(net.get("part")).isInstanceOf(QFunctional.class);
      float[] whole = Nets.run(net, x);
      assertThat(Nets.sqnr(exact, whole)).isGreaterThan(28);
      QuantizedModules.save(net, folder.resolve("net.safetensors"));
      QuantizedModules.load(fresh, folder.resolve("net.safetensors"));
      assertThat(Nets.run(fresh, x)).isEqualTo(whole);
      x.close();
    }
  }

  @Test
  void aFunctionalIsCalledAsItsOperationOrByName() {
    try (Scope scope = Scope.open();
        Module named = new FloatFunctional();
        Module sum = new FloatFunctional(new Functional.Call(Functional.Operation.ADD, 0))) {
      Tensor x = Nets.noise(1, 2, 2);
      assertThat(Tensors.toFloats(sum.call(x, x))).isEqualTo(Tensors.toFloats(x.add(x)));
      assertThatThrownBy(() -> sum.call(x))
          .isInstanceOf(ModuleException.class)
          .hasMessageContaining("1 inputs");
      assertThatThrownBy(() -> named.call(x, x))
          .isInstanceOf(ModuleException.class)
          .hasMessageContaining("addRelu");
      assertThatThrownBy(() -> new Functional.Call(Functional.Operation.ADD_SCALAR, 0))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  // --- Layers that are taken apart ---------------------------------------------------------------

  /** An LSTM with all there is to it, used by its own method. */
  private static Around lstm() {
    LSTM layer = LSTM.builder(6, 8).numLayers(2).bidirectional(true).batchFirst(true).build();
    return new Around(layer, module -> x -> ((LSTM) module).run(x, null).output());
  }

  private static Around cell() {
    return new Around(
        LSTMCell.builder(6, 8).build(),
        module ->
            x -> {
              LstmState state = null;
              for (Tensor step : Ops.chunk(x, 5, 1)) {
                state = ((LSTMCell) module).run(Ops.squeeze(step, 1), state);
              }
              return java.util.Objects.requireNonNull(state).hidden();
            });
  }

  private static Around attention() {
    return around(MultiheadAttention.builder(6, 2).batchFirst(true).build());
  }

  static Stream<Supplier<Around>> layers() {
    return Stream.of(PartsTest::lstm, PartsTest::cell, PartsTest::attention);
  }

  @ParameterizedTest
  @MethodSource("layers")
  void aLayerIsTakenApartAndComputesWithIntegers(Supplier<Around> make, @TempDir Path folder) {
    try (Around net = make.get();
        Around fresh = make.get()) {
      net.eval();
      Tensor x = Nets.noise(5, 4, 5, 6);
      float[] exact = Nets.run(net, x);
      try (Prepared prepared = Quantization.prepare(net, Backend.OCTET.qconfigMapping())) {
        assertThat(prepared.remarks()).isEmpty();
        assertThat(Nets.sqnr(exact, Nets.run(net, x))).isGreaterThan(80);
        Conversion made = Quantization.convert(prepared);
        assertThat(made.remarks()).isEmpty();
        assertThat(made.report().leftFloat()).isEmpty();
      }
      assertThat(net.modules().values()).noneMatch(each -> each.getClass() == Linear.class);
      assertThat(net.modules().values()).filteredOn(QuantizedLinear.class::isInstance).isNotEmpty();
      assertThat(net.modules().values()).filteredOn(QFunctional.class::isInstance).isNotEmpty();
      assertThat(net.modules().values()).filteredOn(QuantizedLayer.class::isInstance).isNotEmpty();
      float[] alone = Nets.run(net, x);
      assertThat(Nets.sqnr(exact, alone)).isGreaterThan(22);
      try (Scope scope = Scope.open();
          EngineModel fast = EngineModel.compile(net, x)) {
        assertThat(Nets.sqnr(alone, Tensors.toFloats(fast.run(x)))).isGreaterThan(30);
        assertThat(fast.graph().graph().nodes())
            .filteredOn(node -> node.is("QuantizeLinear"))
            .hasSizeGreaterThan(8);
      }
      QuantizedModules.save(net, folder.resolve("net.safetensors"));
      QuantizedModules.load(fresh, folder.resolve("net.safetensors"));
      assertThat(Nets.run(fresh, x)).isEqualTo(alone);
      QuantizedModules.load(fresh, folder.resolve("net.safetensors"));
      assertThat(Nets.run(fresh, x)).isEqualTo(alone);
      x.close();
    }
  }

  @ParameterizedTest
  @MethodSource("layers")
  void aLayerThatIsTakenApartTrains(Supplier<Around> make) {
    try (Around net = make.get()) {
      Tensor x = Nets.noise(5, 4, 5, 6);
      try (Prepared prepared = Quantization.prepareQat(net, Backend.OCTET.qatQConfigMapping())) {
        assertThat(net.modules().values()).anyMatch(QatLayer.class::isInstance);
        Nets.run(net, x);
        net.eval();
        float[] trained = Nets.run(net, x);
        Conversion made = Quantization.convert(prepared);
        assertThat(made.remarks()).isEmpty();
        assertThat(Nets.sqnr(trained, Nets.run(net, x))).isGreaterThan(22);
      }
      x.close();
    }
  }

  @Test
  void aTypesRuleReachesPartsAndAnotherStateStartsTheLayer() {
    LSTM layer = LSTM.builder(6, 8).build();
    Tensor state = Nets.noise(8, 1, 4, 8);
    try (Around net =
        new Around(
            layer,
            module ->
                x -> {
                  LstmOutput<Tensor> made = ((LSTM) module).run(x, new LstmState(state, state));
                  return made.output();
                })) {
      net.eval();
      Tensor x = Nets.noise(5, 3, 4, 6);
      float[] exact = Nets.run(net, x);
      QConfigMapping mapping =
          new QConfigMapping()
              .setObjectType(LSTM.class, Backend.OCTET.qconfig())
              .setObjectType(QuantStub.class, Backend.OCTET.qconfig())
              .setModuleName("part.cell_l0.tanh_cy", null);
      Conversion made = Quantization.quantize(net, mapping, m -> Nets.run(m, x));
      assertThat(net.get("part")).isInstanceOf(QuantizableLSTM.class);
      assertThat(net.get("part.cell_l0.hgates")).isInstanceOf(QuantizedLinear.class);
      assertThat(net.get("part.cell_l0.tanh_cy")).isInstanceOf(Activation.class);
      assertThat(made.remarks()).extracting(Remark::path).contains("part.cell_l0.tanh_cy");
      assertThat(Nets.sqnr(exact, Nets.run(net, x))).isGreaterThan(22);
      x.close();
      state.close();
    }
  }

  @Test
  void whatCannotBeTakenApartIsRemarked() {
    try (Module net =
        new Sequential(
            LSTM.builder(4, 6).projSize(4).build(),
            LSTM.builder(4, 4).build(),
            MultiheadAttention.builder(4, 2).kdim(3).build(),
            GRU.builder(4, 4).build())) {
      net.eval();
      QConfigMapping mapping =
          Backend.OCTET.qconfigMapping().setModuleName("1", QConfigs.DEFAULT_DYNAMIC_QCONFIG);
      try (Prepared prepared = Quantization.prepare(net, mapping)) {
        assertThat(prepared.remarks())
            .extracting(Remark::toString)
            .satisfiesExactly(
                proj -> assertThat(proj).contains("'0' not_supported").contains("projection"),
                dynamic -> assertThat(dynamic).contains("'1' left_float").contains("dynamic"),
                keys -> assertThat(keys).contains("'2' not_supported").contains("of their own"),
                gru -> assertThat(gru).contains("'3' not_supported").contains("GRU"));
      }
    }
  }

  // --- Training for a dynamic conversion ---------------------------------------------------------

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void dynamicLayersTrainAndBecomeDynamic(boolean precomputed) {
    try (Module net = new Sequential(Linear.builder(6, 5).build(), Activation.relu())) {
      Tensor x = Nets.noise(2, 9, 6);
      try (Prepared prepared = Quantization.prepareQat(net, QConfigs.DEFAULT_DYNAMIC_QAT_QCONFIG)) {
        assertThat(net.get("0")).isInstanceOf(QatLayer.class);
        Nets.run(net, x);
        float[] trained = Nets.run(net, x);
        ConvertOptions options = ConvertOptions.defaults();
        Conversion made =
            Quantization.convert(
                prepared, precomputed ? options.withPrecomputedFakeQuant() : options);
        assertThat(made.remarks()).isEmpty();
        assertThat(net.get("0")).isInstanceOf(DynamicLinear.class);
        assertThat(made.report().leftFloat()).isEmpty();
        // Trained and converted with the same integers of 8 bits.
        assertThat(Nets.sqnr(trained, Nets.run(net, x))).isGreaterThan(50);
      }
      x.close();
    }
  }

  @Test
  void convolutionsTrainForADynamicConversionToo() {
    try (Nets.Net net = Nets.warm()) {
      Quantization.fuseModulesQat(net, Nets.GROUPS);
      QConfigMapping mapping =
          new QConfigMapping().setModuleName("conv1", QConfigs.DEFAULT_DYNAMIC_QAT_QCONFIG);
      try (Prepared prepared = Quantization.prepareQat(net, mapping)) {
        Nets.run(net, Nets.images(8, 1));
        net.eval();
        float[] trained = Nets.run(net, Nets.images(8, 99));
        Quantization.convert(prepared);
        assertThat(net.get("conv1")).isInstanceOf(QuantizedConv.class);
        assertThat(net.get("conv1").toString()).contains("dynamic=True");
        assertThat(Nets.sqnr(trained, Nets.run(net, Nets.images(8, 99)))).isGreaterThan(35);
      }
    }
  }

  // --- Classes of one's own ----------------------------------------------------------------------

  /** A gate that no one else knows: x · σ(linear(x)). */
  private static class Gate extends Module {
    final Child<Module> linear;

    Gate(Module linear) {
      this.linear = child("linear", linear);
    }

    @Override
    protected Tensor forward(Tensor x) {
      return Ops.mul(x, Ops.sigmoid(linear.call(x)));
    }
  }

  /** Its observed form, which prepares what is inside on its own. */
  private static final class ObservedGate extends Gate {
    private final Prepared inside;

    ObservedGate(Gate from, QConfig qconfig) {
      super(from.linear.get());
      inside = Quantization.prepare(linear.get(), qconfig);
    }
  }

  /** Its quantized form. */
  private static final class QuantizedGate extends Gate {
    private final QuantParams output;

    QuantizedGate(ObservedGate from, QuantParams output) {
      super(Quantization.convert(from.inside).model());
      from.replace("linear", new Identity());
      this.output = output;
    }
  }

  @Test
  void modulesOfOnesOwnClassAreObservedAndConvertedByTheirOwnFunctions() {
    CustomModule gate =
        CustomModule.of(
            Gate.class,
            ObservedGate::new,
            (observed, output) -> new QuantizedGate((ObservedGate) observed, output));
    try (Around net = around(new Gate(Linear.builder(6, 6).build()))) {
      net.eval();
      Tensor x = Nets.noise(3, 16, 6);
      float[] exact = Nets.run(net, x);
      Prepared prepared = Quantization.prepare(net, Backend.OCTET.qconfigMapping(), List.of(gate));
      assertThat(prepared.remarks()).isEmpty();
      assertThat(net.get("part")).isInstanceOf(ObservedGate.class);
      assertThat(net.get("part").children()).containsKey(Quantization.POST_PROCESS);
      Nets.run(net, x);
      Quantization.convert(prepared);
      assertThat(net.get("part")).isInstanceOf(QuantizedGate.class);
      assertThat(((QuantizedGate) net.get("part")).output.count()).isEqualTo(1);
      assertThat(net.get("part.linear")).isInstanceOf(QuantizedLinear.class);
      assertThat(Nets.sqnr(exact, Nets.run(net, x))).isGreaterThan(30);
      x.close();
    }
  }

  @Test
  void modulesOfAClassCanBeLeftAsTheyAre() {
    try (Around net = around(new Gate(Linear.builder(6, 6).build()))) {
      net.eval();
      List<CustomModule> leave = List.of(CustomModule.leave(Gate.class));
      try (Prepared prepared = Quantization.prepare(net, Backend.OCTET.qconfigMapping(), leave)) {
        assertThat(net.get("part.linear").children()).isEmpty();
        assertThat(prepared.remarks())
            .singleElement()
            .extracting(Remark::kind)
            .isEqualTo(Remark.Kind.LEFT_FLOAT);
      }
      assertThatThrownBy(
              () ->
                  Quantization.prepare(
                      net, Backend.OCTET.qconfigMapping(), List.of(leave.get(0), leave.get(0))))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("Gate");
      assertThatThrownBy(() -> new CustomModule(Gate.class, (m, q) -> m, null))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void groupsOfOnesOwnFuse(boolean training) {
    Fuser twice =
        new Fuser(
            List.of("Linear", "GELU"),
            modules -> new Sequential(modules.get(0), modules.get(1), Activation.tanh()));
    try (Module net =
        new Sequential(
            Linear.builder(4, 4).build(),
            Activation.gelu(),
            Linear.builder(4, 4).build(),
            Activation.relu())) {
      net.train(training);
      List<List<String>> groups = List.of(List.of("0", "1"), List.of("2", "3"));
      if (training) {
        Quantization.fuseModulesQat(net, groups, List.of(twice));
      } else {
        Quantization.fuseModules(net, groups, List.of(twice));
      }
      assertThat(net.get("0")).isInstanceOf(Sequential.class);
      assertThat(net.get("0").isTraining()).isEqualTo(training);
      assertThat(net.get("0").children()).hasSize(3);
      assertThat(net.get("1")).isInstanceOf(Identity.class);
      assertThat(net.get("2")).isInstanceOf(FusedModule.class);
    }
    assertThatThrownBy(() -> new Fuser(List.of("Linear"), modules -> modules.get(0)))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
