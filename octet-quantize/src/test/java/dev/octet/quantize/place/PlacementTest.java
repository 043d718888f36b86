package dev.octet.quantize.place;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.graph.DataType;
import dev.octet.graph.Graph;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import dev.octet.quantize.fixture.Net;
import dev.octet.quantize.fixture.Quantized;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What becomes integers and what stays float, seen in the files that come out, which run. */
class PlacementTest {
  /** Eight bits on small random networks; a wrong result is far below. */
  private static final double SANE_DB = 22;

  private final Net net = Net.create();

  @Test
  void aResidualSumRunsOnIntegersAndItsReluBelongsToIt() {
    Value x = net.input("x", -1, 4, 8, 8);
    Value a = net.node("Relu", "a", net.conv("c1", x, 4, 8));
    Value b = net.conv("c2", a, 8, 8);
    Value y = net.node("Relu", "y", net.node("Add", "sum", b, a));
    Value z = net.conv("c3", y, 8, 4);
    Quantized q = Quantized.of(net.returns(4, net.node("Sigmoid", "p", z)).model());

    assertThat(List.of("x", "a", "c2", "y", "c3")).allMatch(q::quantizes);
    assertThat(List.of("c1", "sum")).noneMatch(q::quantizes);
    assertThat(q.layer("sum").quantized()).isTrue();
    assertThat(q.zeroPoint("a")).isZero();
    assertThat(q.zeroPoint("y")).isZero();
    assertThat(q.sqnr()).isGreaterThan(SANE_DB);
  }

  @Test
  void concatAndWhatItJoinsShareParameters() {
    Value x = net.input("x", -1, 4, 8, 8);
    Value a = net.conv("a", x, 4, 4);
    Value b = net.conv("b", x, 4, 6);
    Value c = net.conv("c", x, 4, 2);
    Value inner = net.node("Concat", "inner", Map.of("axis", 1L), a, b);
    Value turned = net.node("Transpose", "turned", Map.of("perm", new long[] {0, 1, 3, 2}), inner);
    Value outer = net.node("Concat", "outer", Map.of("axis", 1L), turned, c);
    Quantized q = Quantized.of(net.returns(4, net.conv("y", outer, 12, 4)).model());

    for (String member : List.of("a", "b", "c", "inner", "turned", "outer")) {
      assertThat(q.scale(member)).as(member).isEqualTo(q.scale("a"));
      assertThat(q.zeroPoint(member)).as(member).isEqualTo(q.zeroPoint("a"));
    }
    assertThat(q.sqnr()).isGreaterThan(SANE_DB);
  }

  @Test
  void movesOfValuesPassParametersOn() {
    Value x = net.input("x", -1, 8, 8, 8);
    Value a = net.node("Relu", "a", net.conv("c1", x, 8, 8));
    Value pooled =
        net.node(
            "MaxPool",
            "pooled",
            Map.of("kernel_shape", new long[] {2, 2}, "strides", new long[] {2, 2}),
            a);
    Value padded = net.node("Pad", "padded", pooled, net.longs("pads", 0, 0, 1, 1, 0, 0, 1, 1));
    Value cut =
        net.node(
            "Slice",
            "cut",
            padded,
            net.longs("from", 0),
            net.longs("to", 6),
            net.longs("along", 1));
    Value deep = net.node("SpaceToDepth", "deep", Map.of("blocksize", 2L), cut);
    Value turned = net.node("Transpose", "turned", Map.of("perm", new long[] {0, 2, 3, 1}), deep);
    Value flat = net.node("Reshape", "flat", turned, net.longs("shape", 0, 216));
    Quantized q = Quantized.of(net.returns(2, net.gemm("y", flat, 216, 5)).model());

    for (String member : List.of("pooled", "padded", "cut", "deep", "turned", "flat")) {
      assertThat(q.scale(member)).as(member).isEqualTo(q.scale("a"));
    }
    assertThat(q.quantizes("y")).isFalse();
    assertThat(q.sqnr()).isGreaterThan(SANE_DB);
  }

  @Test
  void oneOutputOfASplitMayBeWantedAndTheOthersNot() {
    Value x = net.input("x", -1, 4, 8, 8);
    Value a = net.conv("a", x, 4, 8);
    List<Value> parts =
        net.nodes(
            "Split", List.of("left", "right"), Map.of("axis", 1L), a, net.longs("sizes", 6, 2));
    Value y = net.conv("y", parts.get(0), 6, 3);
    Value z = net.node("Tanh", "z", parts.get(1));
    Quantized q = Quantized.of(net.returns(4, y, z).model());

    assertThat(q.scale("left")).isEqualTo(q.scale("a"));
    assertThat(q.quantizes("right")).isFalse();
    assertThat(q.reason("z")).contains("Tanh");
    assertThat(q.sqnr()).isGreaterThan(SANE_DB);
  }

  @Test
  void averagesKeepParametersOfTheirOwn() {
    Value x = net.input("x", -1, 4, 8, 8);
    Value a = net.node("Relu", "a", net.conv("c", x, 4, 16));
    Value mean = net.node("GlobalAveragePool", "mean", a);
    Value flat = net.node("Flatten", "flat", mean);
    Quantized q = Quantized.of(net.returns(2, net.gemm("y", flat, 16, 5)).model());

    assertThat(q.scale("mean")).isLessThan(q.scale("a"));
    assertThat(q.scale("flat")).isEqualTo(q.scale("mean"));
    assertThat(q.sqnr()).isGreaterThan(SANE_DB);
  }

  @Test
  void aClipWithConstantLimitsEndsTheUnit() {
    Value x = net.input("x", -1, 4, 8, 8);
    Value six =
        net.node(
            "Clip",
            "six",
            net.conv("c", x, 4, 8),
            net.constant("low", Tensor.ofFloats(new float[] {0})),
            net.constant("high", Tensor.ofFloats(new float[] {0.5f})));
    Quantized q = Quantized.of(net.returns(4, net.conv("y", six, 8, 4)).model());

    assertThat(q.quantizes("c")).isFalse();
    assertThat(q.zeroPoint("six")).isZero();
    assertThat(q.scale("six")).isLessThanOrEqualTo(0.5f / 255 * 1.0001f);
    assertThat(q.sqnr()).isGreaterThan(SANE_DB);
  }

  @Test
  void aClipWhoseLimitsAreComputedGivesTheSameResult() {
    Value x = net.input("x", -1, 4, 8, 8);
    Value peak = net.node("ReduceMax", "peak", Map.of("keepdims", 0L), x);
    Value half =
        net.node("Mul", "half", peak, net.constant("h", Tensor.ofFloats(new float[] {.1f})));
    Value clipped = net.node("Clip", "clipped", net.conv("c", x, 4, 8), null, half);
    Quantized q = Quantized.of(net.returns(4, net.conv("y", clipped, 8, 4)).model());

    assertThat(q.quantizes("clipped")).isTrue();
    assertThat(q.sqnr()).isGreaterThan(20);
  }

  @Test
  void aReluOfFloatsIsNotQuantizedTwice() {
    Value x = net.input("x", -1, 4, 8, 8);
    Value e = net.node("Exp", "e", net.node("Tanh", "t", x));
    Value r = net.node("Relu", "r", net.node("Sub", "s", e, net.floats("one", new float[] {1}, 1)));
    Quantized q = Quantized.of(net.returns(4, net.conv("y", r, 4, 4)).model());

    assertThat(q.quantizes("r")).isTrue();
    assertThat(q.quantizes("s")).isFalse();
    assertThat(q.layer("r").quantized()).isFalse();
    assertThat(q.zeroPoint("r")).isZero();
  }

  @Test
  void aReluOfWhatOthersReadTooLeavesThemTheirValue() {
    Value x = net.input("x", -1, 4, 8, 8);
    Value c = net.conv("c", x, 4, 4);
    Value r = net.node("Relu", "r", c);
    Value y = net.conv("y", r, 4, 4);
    Value s = net.node("Sigmoid", "s", c);
    Value z = net.conv("z", c, 4, 4);
    Quantized q = Quantized.of(net.returns(4, y, s, z).model());

    assertThat(q.zeroPoint("c")).isPositive();
    assertThat(q.zeroPoint("r")).isZero();
    assertThat(q.sqnr()).isGreaterThan(SANE_DB);
  }

  @Test
  void theMaskSoftmaxAndNormalizationOfAnAttentionStayFloat() {
    Value x = net.input("x", -1, 5, 16);
    Value mask = net.input("mask", DataType.INT64, -1, 5);
    Value real = net.node("Cast", "real", Map.of("to", 1L), mask);
    Value off = net.node("Sub", "off", net.floats("one", new float[] {1}, 1), real);
    Value low = net.node("Mul", "low", off, net.floats("far", new float[] {-10000}, 1));
    Value wide = net.node("Unsqueeze", "wide", low, net.longs("axis", 1));
    Value query = net.node("MatMul", "query", x, net.weight("wq", 16, 16));
    Value key = net.node("MatMul", "key", x, net.weight("wk", 16, 16));
    Value values = net.node("MatMul", "values", x, net.weight("wv", 16, 16));
    Value turned = net.node("Transpose", "turned", Map.of("perm", new long[] {0, 2, 1}), key);
    Value scores = net.node("MatMul", "scores", query, turned);
    Value masked = net.node("Add", "masked", scores, wide);
    Value attention = net.node("Softmax", "attention", Map.of("axis", -1L), masked);
    Value context = net.node("MatMul", "context", attention, values);
    Value sum = net.node("Add", "sum", context, x);
    Value normal =
        net.node(
            "LayerNormalization",
            "normal",
            sum,
            net.floats("g", ones(16), 16),
            net.floats("b", new float[16], 16));
    Value y = net.node("MatMul", "y", normal, net.weight("wo", 16, 4));
    Quantized q = Quantized.of(net.returns(3, y).model());

    assertThat(List.of("real", "off", "low", "wide", "scores", "masked", "context", "sum"))
        .noneMatch(q::quantizes);
    assertThat(List.of("x", "query", "turned", "values", "attention", "normal"))
        .allMatch(q::quantizes);
    assertThat(q.layer("scores").quantized()).isTrue();
    for (String name : List.of("off", "low", "masked", "attention", "sum", "normal")) {
      assertThat(q.reason(name)).as(name).isNotBlank();
    }
    assertThat(q.sqnr()).isGreaterThan(SANE_DB);
  }

  @Test
  void weightsThatTwoNodesReadAreStoredOnce() {
    Value x = net.input("x", -1, 8);
    Value w = net.weight("w", 8, 8);
    Value a = net.node("Tanh", "a", net.node("MatMul", "m1", x, w));
    Value b = net.node("MatMul", "m2", a, w);
    Quantized q = Quantized.of(net.returns(2, b).model());

    assertThat(q.maker("m1").input(1)).isSameAs(q.maker("m2").input(1));
    assertThat(q.sqnr()).isGreaterThan(SANE_DB);
  }

  @Test
  void weightsAndBiasThatTwoConvolutionsReadStayRightForBoth() {
    Value x = net.input("x", -1, 4, 8, 8);
    Value w = net.weight("w", 4, 4, 3, 3);
    Value b = net.weight("b", 4);
    Map<String, ?> same = Map.of("pads", new long[] {1, 1, 1, 1});
    Value one = net.node("Relu", "one", net.node("Conv", "c1", same, x, w, b));
    Value two = net.node("Conv", "c2", same, one, w, b);
    Quantized q = Quantized.of(net.returns(4, two).model());

    assertThat(q.sqnr()).isGreaterThan(SANE_DB);
  }

  @Test
  void aGemmThatTransposesItsDataStaysFloat() {
    Value x = net.input("x", 6, 3);
    Value y = net.node("Gemm", "y", Map.of("transA", 1L), x, net.weight("w", 6, 4));
    Value z = net.gemm("z", y, 4, 4);
    Quantized q = Quantized.of(net.returns(2, z).model());

    assertThat(q.reason("y")).isEqualTo("its data input is transposed");
    assertThat(q.sqnr()).isGreaterThan(SANE_DB);
  }

  @Test
  void aConvolutionWithComputedWeightsStaysFloat() {
    Value x = net.input("x", -1, 4, 8, 8);
    Value w = net.node("Tanh", "w", net.input("wx", 4, 4, 3, 3));
    Value y = net.node("Conv", "y", x, w);
    Quantized q = Quantized.of(net.returns(4, net.conv("z", y, 4, 4)).model());

    assertThat(q.reason("y")).isEqualTo("its weights are computed at run time");
    assertThat(q.sqnr()).isGreaterThan(SANE_DB);
  }

  @Test
  void nestedGraphsStayFloatAndReadTheRightValues() {
    Value x = net.input("x", -1, 4, 8, 8);
    Value flag = net.input("flag", DataType.BOOL);
    Value a = net.conv("a", x, 4, 4);
    Graph yes = net.nested("yes", inner -> inner.returns(4, inner.conv("deep", a, 4, 4)));
    Graph no = net.nested("no", inner -> inner.returns(4, inner.node("Neg", "less", a)));
    Value chosen = net.node("If", "chosen", Map.of("then_branch", yes, "else_branch", no), flag);
    Quantized q = Quantized.of(net.returns(4, net.conv("y", chosen, 4, 4)).model());

    assertThat(q.reason("chosen")).isEqualTo("nested graphs are left as they are");
    assertThat(q.maker("chosen").nestedGraphs().get(0).nodes()).hasSize(1);
    assertThat(q.sqnr()).isGreaterThan(SANE_DB);
  }

  @Test
  void aValueThatIsReturnedAndQuantizedKeepsItsNameAndItsPrecision() {
    Value x = net.input("x", -1, 4, 8, 8);
    Value e = net.node("Exp", "e", x);
    Value y = net.conv("y", e, 4, 4);
    Quantized q = Quantized.of(net.returns(4, e, y).model());

    assertThat(q.model().graph().outputs()).extracting(Value::name).containsExactly("e", "y");
    assertThat(q.maker("e").op()).isEqualTo("Exp");
    assertThat(q.maker("y").op()).isEqualTo("Conv");
    assertThat(q.sqnr()).isGreaterThan(SANE_DB);
  }

  @Test
  void anInputThatTwoConvolutionsReadIsQuantizedOnce() {
    Value x = net.input("x", -1, 4, 8, 8);
    Quantized q =
        Quantized.of(net.returns(4, net.conv("y", x, 4, 4), net.conv("z", x, 4, 4)).model());

    assertThat(q.model().graph().value("x").uses()).hasSize(1);
    assertThat(q.maker("y").input(0)).isSameAs(q.maker("z").input(0));
    assertThat(q.sqnr()).isGreaterThan(SANE_DB);
  }

  @Test
  void nearestResizeMovesValuesAndLinearResizeComputes() {
    Value x = net.input("x", -1, 4, 4, 4);
    Value a = net.conv("a", x, 4, 4);
    Value twice = net.floats("twice", new float[] {1, 1, 2, 2}, 4);
    Value near =
        net.node(
            "Resize",
            "near",
            Map.of("mode", "nearest", "nearest_mode", "floor"),
            a,
            net.floats("roi", new float[0], 0),
            twice);
    Value b = net.conv("b", near, 4, 4);
    Value smooth = net.node("Resize", "smooth", Map.of("mode", "linear"), b, null, twice);
    Quantized q = Quantized.of(net.returns(4, net.conv("y", smooth, 4, 4)).model());

    assertThat(q.scale("near")).isEqualTo(q.scale("a"));
    assertThat(q.layer("near").quantized()).isTrue();
    assertThat(q.layer("smooth").quantized()).isFalse();
    assertThat(q.sqnr()).isGreaterThan(SANE_DB);
  }

  @Test
  void paddingWithAnythingButZeroComputes() {
    Value x = net.input("x", -1, 4, 4, 4);
    Value a = net.conv("a", x, 4, 4);
    Value ones =
        net.node(
            "Pad",
            "ones",
            a,
            net.longs("pads", 0, 0, 1, 1, 0, 0, 1, 1),
            net.constant("nine", Tensor.ofFloats(new float[] {9})));
    Quantized q = Quantized.of(net.returns(4, net.conv("y", ones, 4, 4)).model());

    assertThat(q.layer("ones").quantized()).isFalse();
    assertThat(q.scale("ones")).isGreaterThan(q.scale("a"));
    assertThat(q.sqnr()).isGreaterThan(SANE_DB);
  }

  @Test
  void aReshapeToAComputedShapeKeepsItsShapeInput() {
    Value x = net.input("x", -1, 4, 8, 8);
    Value a = net.conv("a", x, 4, 4);
    Value first =
        net.node("Slice", "first", net.node("Shape", "s", a), net.longs("f", 0), net.longs("t", 1));
    Value shape = net.node("Concat", "shape", Map.of("axis", 0L), first, net.longs("rest", 256));
    Value flat = net.node("Reshape", "flat", a, shape);
    Quantized q = Quantized.of(net.returns(2, net.gemm("y", flat, 256, 4)).model());

    assertThat(q.quantizes("flat")).isTrue();
    assertThat(List.of("s", "first", "shape")).noneMatch(q::quantizes);
    assertThat(q.sqnr()).isGreaterThan(SANE_DB);
  }

  @Test
  void rowsThatAreGatheredFromActivationsPassParametersOn() {
    Value x = net.input("x", -1, 6, 8);
    Value i = net.input("i", DataType.INT64, 3);
    Value a = net.node("MatMul", "a", x, net.weight("wa", 8, 8));
    Value rows = net.node("Gather", "rows", Map.of("axis", 1L), a, i);
    Quantized q =
        Quantized.of(net.returns(3, net.node("MatMul", "y", rows, net.weight("wy", 8, 4))).model());

    assertThat(q.scale("rows")).isEqualTo(q.scale("a"));
    assertThat(q.sqnr()).isGreaterThan(SANE_DB);
  }

  @Test
  void aConstantOperandOfAConcatStaysAConstant() {
    Value x = net.input("x", 1, 4, 8, 8);
    Value a = net.conv("a", x, 4, 4);
    Value both = net.node("Concat", "both", Map.of("axis", 1L), a, net.weight("k", 1, 2, 8, 8));
    Quantized q = Quantized.of(net.returns(4, net.conv("y", both, 6, 4)).model());

    assertThat(q.quantizes("both")).isTrue();
    assertThat(q.quantizes("k")).isFalse();
    assertThat(q.sqnr()).isGreaterThan(SANE_DB);
  }

  @Test
  void productsOfOtherNumbersThanFloat32StayAsTheyAre() {
    Value x = net.input("x", -1, 6);
    Value wide = net.node("Cast", "wide", Map.of("to", 11L), x);
    Value narrow = net.node("Cast", "narrow", Map.of("to", 10L), x);
    Value turned = net.node("Transpose", "turned", Map.of("perm", new long[] {1, 0}), wide);
    Value turned16 = net.node("Transpose", "turned16", Map.of("perm", new long[] {1, 0}), narrow);
    Value p = net.node("MatMul", "p", wide, turned);
    Value p16 = net.node("MatMul", "p16", narrow, turned16);
    Value y = net.node("Cast", "y", Map.of("to", 1L), p);
    Value z = net.node("Cast", "z", Map.of("to", 1L), p16);
    Quantized q = Quantized.of(net.returns(2, y, z, net.gemm("g", x, 6, 3)).model());

    assertThat(q.reason("p")).contains("float32");
    assertThat(q.reason("p16")).contains("float32");
    assertThat(q.sqnr()).isGreaterThan(SANE_DB);
  }

  private static float[] ones(int count) {
    float[] ones = new float[count];
    java.util.Arrays.fill(ones, 1);
    return ones;
  }
}
