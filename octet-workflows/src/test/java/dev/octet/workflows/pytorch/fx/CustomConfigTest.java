package dev.octet.workflows.pytorch.fx;

import static dev.octet.workflows.pytorch.fx.Fixtures.op;
import static dev.octet.workflows.pytorch.fx.Fixtures.values;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.core.affine.Affine;
import dev.octet.core.affine.QuantParams;
import dev.octet.core.range.Range;
import dev.octet.graph.DataType;
import dev.octet.graph.Model;
import dev.octet.graph.Value;
import dev.octet.graph.ValueType;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.quant.nn.QuantConv2d;
import dev.octet.workflows.pytorch.Backend;
import dev.octet.workflows.pytorch.QConfigMapping;
import dev.octet.workflows.pytorch.fx.PrepareCustomConfig.Standalone;
import java.util.Collections;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;

final class CustomConfigTest {
  private static GraphModule prepare(PrepareCustomConfig custom) {
    try (Fixtures.Cnn net = Fixtures.cnn()) {
      GraphModule prepared =
          QuantizeFx.prepareFx(net, FxConfig.of(Backend.X86).custom(custom), Fixtures.images(2));
      Fixtures.calibrate(prepared, Fixtures.images(16));
      return prepared;
    }
  }

  @Test
  void nonTraceableModulesStayFloat() {
    for (PrepareCustomConfig custom :
        List.of(
            new PrepareCustomConfig().setNonTraceableModuleNames("block"),
            new PrepareCustomConfig().setNonTraceableModuleClasses(Fixtures.Block.class))) {
      try (GraphModule prepared = prepare(custom)) {
        assertThat(prepared.report().leftInFloat())
            .extracting(PreparedOp::module)
            .contains("block.conv", "block.relu")
            .doesNotContain("conv1", "branch");
        assertThat(op(prepared.report(), "block.conv/Conv").reason()).contains("not traceable");
        Fixtures.checkConverted(prepared, Fixtures.images(3));
      }
    }
    assertThatThrownBy(() -> prepare(new PrepareCustomConfig().setNonTraceableModuleNames("neck")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("'neck'");
  }

  @Test
  void standaloneModulesHaveTheirOwnRulesAndFloatBorders() {
    Standalone alone =
        new Standalone(
            new QConfigMapping().setGlobal(Backend.QNNPACK.qconfig()).setModuleName("relu", null),
            new PrepareCustomConfig(),
            BackendConfig.forBackend("qnnpack"));
    try (GraphModule plain = prepare(new PrepareCustomConfig());
        GraphModule prepared =
            prepare(new PrepareCustomConfig().setStandaloneModuleName("block", alone))) {
      // The input of the block, and what it returns, are rounded anew.
      assertThat(prepared.activationModules()).hasSize(plain.activationModules().size() + 2);
      Model model = Fixtures.checkConverted(prepared, Fixtures.images(3));
      assertThat(model.graph().nodes().stream().filter(node -> node.is("QuantizeLinear")))
          .hasSizeGreaterThan(7);
    }
    Standalone asIntegers =
        new Standalone(
            new QConfigMapping().setGlobal(Backend.X86.qconfig()),
            new PrepareCustomConfig().setInputQuantizedIndexes(0).setOutputQuantizedIndexes(0),
            BackendConfig.forBackend("x86"));
    try (GraphModule plain = prepare(new PrepareCustomConfig());
        GraphModule prepared =
            prepare(
                new PrepareCustomConfig()
                    .setStandaloneModuleClass(Fixtures.Block.class, asIntegers))) {
      assertThat(prepared.activationModules()).hasSameSizeAs(plain.activationModules());
      Fixtures.checkConverted(prepared, Fixtures.images(3));
    }
  }

  @Test
  void inputsAndOutputsAreHandedOverAsIntegers() {
    Tensor x = Fixtures.images(3);
    try (Fixtures.Cnn net = Fixtures.cnn();
        GraphModule prepared =
            prepare(
                new PrepareCustomConfig()
                    .setInputQuantizedIndexes(0)
                    .setOutputQuantizedIndexes(0));
        ConvertedModule converted = QuantizeFx.convertFx(prepared);
        Scope scope = Scope.open()) {
      assertThat(type(converted.model().graph().inputs().iterator().next()))
          .isEqualTo(DataType.UINT8);
      assertThat(type(converted.model().graph().outputs().get(0))).isEqualTo(DataType.UINT8);
      QuantParams in = converted.inputQuantization(0);
      QuantParams out = converted.outputQuantization(0);
      int[] shape = {3, 3, 8, 8};
      int[] codes = Affine.quantize(Tensors.toFloats(x), shape, in);
      long[] wide = new long[codes.length];
      for (int i = 0; i < wide.length; i++) {
        wide[i] = codes[i];
      }
      Tensor integers =
          Tensors.of(wide, 3, 3, 8, 8).to(org.bytedeco.pytorch.global.torch.ScalarType.Byte);
      long[] given = Tensors.toLongs(converted.call(integers));
      float[] real = new float[given.length];
      for (int i = 0; i < real.length; i++) {
        real[i] = out.scale(0) * (given[i] - out.zeroPoint(0));
      }
      assertThat(Fixtures.sqnr(values(net, x), real)).isGreaterThan(15);
    }
    try (GraphModule prepared = prepare(new PrepareCustomConfig().setInputQuantizedIndexes(1))) {
      assertThatThrownBy(() -> QuantizeFx.convertFx(prepared))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("no input 1");
    }
  }

  private static DataType type(Value value) {
    return ((ValueType.TensorType) value.type()).elementType();
  }

  @Test
  void preservedAttributesAreFoundOnWhatWasMade() {
    try (GraphModule prepared =
            prepare(new PrepareCustomConfig().setPreservedAttributes("classes", "version"));
        ConvertedModule converted =
            QuantizeFx.convertFx(prepared, ConvertCustomConfig.none().preserving("classes"))) {
      assertThat(((dev.octet.graph.Tensor) prepared.attribute("classes")).toFloats())
          .containsExactly(3, 1, 4);
      assertThat(converted.attribute("classes")).isEqualTo(prepared.attribute("classes"));
      assertThat(prepared.attribute("version")).isEqualTo("cnn-1");
      assertThatThrownBy(() -> converted.attribute("version"))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("not preserved");
    }
    assertThatThrownBy(() -> prepare(new PrepareCustomConfig().setPreservedAttributes("colour")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("'colour'");
  }

  @Test
  void observedModulesStandInForFloatOnesWhileTracing() {
    PrepareCustomConfig custom =
        new PrepareCustomConfig()
            .setFloatToObservedMapping(
                Conv2d.class,
                conv -> {
                  QuantConv2d observed = QuantConv2d.from(conv);
                  observed.inputQuantizers().forEach(q -> q.setRanges(List.of(new Range(-4, 4))));
                  int channels = (int) conv.outChannels();
                  observed
                      .quantizedWeights()
                      .get(0)
                      .quantizer()
                      .setRanges(
                          Collections.nCopies(channels, new Range(-1, 1)),
                          new long[] {channels, 1, 1, 1});
                  return observed;
                });
    try (GraphModule prepared = prepare(custom)) {
      assertThat(op(prepared.report(), "fc/Gemm").mode()).isEqualTo(Mode.STATIC);
      assertThat(prepared.report().leftInFloat())
          .anyMatch(left -> left.reason().contains("quantizes itself"));
    }
  }
}
