package dev.octet.quantize.place;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.core.descriptor.Granularity;
import dev.octet.core.range.Range;
import dev.octet.core.recipe.Recipe;
import dev.octet.core.rules.Rule;
import dev.octet.core.rules.Rules;
import dev.octet.core.rules.Settings;
import dev.octet.graph.DataType;
import dev.octet.graph.Model;
import dev.octet.graph.Value;
import dev.octet.quantize.fixture.Net;
import dev.octet.quantize.fixture.Quantized;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What a recipe's rules and its target change. */
class RulesAndTargetsTest {
  private static final double SANE_DB = 20;

  @Test
  void aRuleByNameKeepsOneNodeInFloat() {
    Quantized q = Quantized.of(residual(), with(Rule.keepFloat("c2/node", null)));

    assertThat(q.maker("c2").input(1).constant().type()).isEqualTo(DataType.FLOAT);
    assertThat(q.reason("c2")).isEqualTo("the recipe's rule 'c2/node' keeps it in float");
    assertThat(q.layer("c1").quantized()).isTrue();
    assertThat(q.sqnr()).isGreaterThan(SANE_DB);
  }

  @Test
  void aRuleByOperatorKeepsAllOfItInFloat() {
    Quantized q = Quantized.of(residual(), with(Rule.keepFloat(null, "Conv")));

    assertThat(List.of("x", "a", "sum", "y")).noneMatch(q::quantizes);
    assertThat(q.layer("logits").quantized()).isTrue();
    assertThat(q.reason("sum")).isNotBlank();
  }

  @Test
  void aRuleForAValueKeepsItFloatForItsReaders() {
    Quantized q = Quantized.of(residual(), with(Rule.keepFloat("a", null)));

    assertThat(q.quantizes("a")).isFalse();
    assertThat(q.quantizes("x")).isTrue();
    assertThat(q.sqnr()).isGreaterThan(SANE_DB);
  }

  @Test
  void aRuleGivesOneLayerFewerBits() {
    Settings four = new Settings(4, null, null, null, null, null, null);
    Quantized q =
        Quantized.of(residual(), with(new Rule("c2/node", null, false, four, Settings.NONE)));

    assertThat(weightType(q, "c2")).isEqualTo(DataType.INT4);
    assertThat(weightType(q, "c1")).isEqualTo(DataType.INT8);
    assertThat(q.model().opset()).isGreaterThanOrEqualTo(21);
    assertThat(q.model().irVersion()).isGreaterThanOrEqualTo(10);
    assertThat(q.layer("c2").weightBits()).isEqualTo(4);
  }

  @Test
  void aRuleGivesOneActivationMoreBits() {
    Settings wide = new Settings(16, null, null, null, null, null, null);
    Quantized q = Quantized.of(residual(), with(new Rule("a", null, false, Settings.NONE, wide)));

    assertThat(q.quantizer("a").input(2).constant().type()).isEqualTo(DataType.UINT16);
    assertThat(q.quantizer("x").input(2).constant().type()).isEqualTo(DataType.UINT8);
    assertThat(q.model().opset()).isGreaterThanOrEqualTo(21);
    assertThat(q.sqnr()).isGreaterThan(SANE_DB);
  }

  @Test
  void aRuleTakesOneScaleForAllChannels() {
    Settings whole = new Settings(null, null, null, null, Granularity.perTensor(), null, null);
    Quantized q =
        Quantized.of(residual(), with(new Rule(null, "Conv", false, whole, Settings.NONE)));

    assertThat(q.maker("c1").input(1).producer().input(1).constant().elementCount()).isEqualTo(1);
    assertThat(q.maker("logits").input(1).producer().input(1).constant().elementCount())
        .isEqualTo(5);
    assertThat(q.sqnr()).isGreaterThan(SANE_DB);
  }

  @Test
  void aRuleFixesARange() {
    Settings fixed = new Settings(null, null, null, null, null, null, new Range(-4, 4));
    Quantized q = Quantized.of(residual(), with(new Rule("x", null, false, Settings.NONE, fixed)));

    assertThat(q.scale("x")).isEqualTo(8f / 255);
  }

  @Test
  void aRuleThatNamesNothingIsReported() {
    Quantized q = Quantized.of(residual(), with(Rule.keepFloat("nosuch", null)));

    assertThat(q.warnings()).contains("'nosuch' matched nothing");
  }

  @Test
  void onlyTheListedOperatorsAreQuantized() {
    Recipe recipe = Recipe.int8().toBuilder().operators(Set.of("Gemm")).build();
    Quantized q = Quantized.of(residual(), recipe);

    assertThat(q.layer("logits").quantized()).isTrue();
    assertThat(q.reason("c1")).isEqualTo("the recipe quantizes Gemm only");
  }

  @Test
  void tensorRtGetsSymmetricIntegersFloatBiasesAndAFloatResidualBranch() {
    Quantized q = Quantized.of(residual(), Recipe.preset("tensorrt-int8"));

    assertThat(q.model().graph().nodes())
        .filteredOn(node -> node.is("QuantizeLinear"))
        .allSatisfy(
            node -> {
              assertThat(node.input(2).constant().type()).isEqualTo(DataType.INT8);
              assertThat(node.input(2).constant().toLongs()).containsOnly(0);
            });
    assertThat(q.maker("c1").input(2).constant().type()).isEqualTo(DataType.FLOAT);
    assertThat(q.quantizes("c2")).isFalse();
    assertThat(List.of("x", "a", "y")).allMatch(q::quantizes);
    assertThat(q.sqnr()).isGreaterThan(SANE_DB);
  }

  @Test
  void openVinoGetsUnsignedActivationsAndFloatBiases() {
    Quantized q = Quantized.of(residual(), Recipe.preset("openvino-int8"));

    assertThat(q.quantizer("x").input(2).constant().type()).isEqualTo(DataType.UINT8);
    assertThat(q.maker("c1").input(2).constant().type()).isEqualTo(DataType.FLOAT);
    assertThat(q.sqnr()).isGreaterThan(SANE_DB);
  }

  @Test
  void octetGetsIntegerBiases() {
    Quantized q = Quantized.of(residual(), Recipe.preset("octet-int8"));

    assertThat(q.maker("c1").input(2).producer().op()).isEqualTo("DequantizeLinear");
    assertThat(q.sqnr()).isGreaterThan(SANE_DB);
  }

  @Test
  void everyNodeThatStaysFloatHasAReason() {
    for (String preset : List.of("int8", "tensorrt-int8", "openvino-int8", "octet-int8")) {
      Quantized q = Quantized.of(residual(), Recipe.preset(preset));

      assertThat(q.report().layers())
          .as(preset)
          .hasSize(9)
          .allSatisfy(
              layer ->
                  assertThat(layer.quantized() || !layer.floatReason().isBlank())
                      .as(layer.node())
                      .isTrue());
      assertThat(q.reason("probabilities")).as(preset).contains("softmax");
    }
  }

  private static DataType weightType(Quantized q, String node) {
    return q.maker(node).input(1).producer().input(0).constant().type();
  }

  private static Recipe with(Rule rule) {
    return Recipe.int8().toBuilder().rules(Rules.of(rule)).build();
  }

  /** Two convolutions around a residual sum, a pool, a layer that classifies, and a Softmax. */
  private static Model residual() {
    Net net = Net.create();
    Value x = net.input("x", -1, 4, 8, 8);
    Value a = net.node("Relu", "a", net.conv("c1", x, 4, 8));
    Value y = net.node("Relu", "y", net.node("Add", "sum", net.conv("c2", a, 8, 8), a));
    Value flat = net.node("Flatten", "flat", net.node("GlobalAveragePool", "mean", y));
    Value p = net.node("Softmax", "probabilities", net.gemm("logits", flat, 8, 5));
    return net.returns(2, p).model();
  }
}
