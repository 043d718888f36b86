package dev.octet.quantize.emit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.core.recipe.Recipe;
import dev.octet.core.rules.Rule;
import dev.octet.core.rules.Rules;
import dev.octet.graph.DataType;
import dev.octet.graph.Model;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import dev.octet.quantize.NothingToQuantizeException;
import dev.octet.quantize.report.Warning;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class Float16EmitterTest {
  @TempDir Path folder;

  @Test
  void constantsAreStoredInHalfTheBytesAndUsedAsFloat() throws IOException {
    SmallNet net = new SmallNet();
    Value x = net.input("x", DataType.FLOAT, "n", 64);
    Value hidden =
        net.apply("Relu", "hidden", net.apply("MatMul", "a", x, net.weights("w", 64, 256)));
    Value y = net.apply("Gemm", "y", hidden, net.weights("v", 256, 32), net.weights("b", 32));
    Trial trial = half(net.returning(y));
    assertThat(trial.operators())
        .containsExactlyInAnyOrder("Cast", "Cast", "MatMul", "Relu", "Gemm");
    assertThat(trial.storedTypes(32)).containsOnly(DataType.FLOAT16);
    assertThat(trial.quantized.graph().value("b").initializer().type())
        .as("small constants are left alone")
        .isEqualTo(DataType.FLOAT);
    assertThat((double) trial.bytesAfter / trial.bytesBefore).isBetween(0.5, 0.52);
    // 11 bits of significand: the error of a weight is at most 2^-12 of it, uniform: 72 dB and up.
    assertThat(trial.difference(Map.of("x", Trial.noise(1, 5, 64))).sqnr()).isGreaterThan(70);
    assertThat(trial.report.warnings()).isEmpty();
    assertThat(trial.report.layers().get(0).bytesAfter()).isEqualTo(2 * 64 * 256);
  }

  @Test
  void aConstantWithTwoReadersIsStoredOnce() throws IOException {
    SmallNet net = new SmallNet();
    Value x = net.input("x", DataType.FLOAT, "n", 16);
    Value w = net.weights("w", 16, 16);
    Trial trial = half(net.returning(net.apply("MatMul", "y", net.apply("MatMul", "a", x, w), w)));
    assertThat(trial.operators()).containsExactlyInAnyOrder("Cast", "MatMul", "MatMul");
  }

  @Test
  void whatOverflowsStaysFloatAndIsReported() throws IOException {
    SmallNet net = new SmallNet();
    Value x = net.input("x", DataType.FLOAT, "n", 64);
    Value scaled = net.apply("Mul", "scaled", x, filled(net, "large", 65520f));
    Value y =
        net.apply("Gemm", "y", scaled, net.weights("w", 64, 8), filled(net, "huge", 1e20f, 8));
    Value z = net.apply("Add", "z", x, filled(net, "infinite", Float.NEGATIVE_INFINITY));
    Trial trial = half(net.returning(y, z));
    assertThat(trial.quantized.graph().value("large").initializer().type())
        .isEqualTo(DataType.FLOAT);
    assertThat(trial.storedTypes(8)).containsOnly(DataType.FLOAT, DataType.FLOAT16);
    assertThat(trial.quantized.graph().value("infinite_h")).as("infinity is a half").isNotNull();
    assertThat(trial.report.layers().stream().map(layer -> layer.floatReason()))
        .contains("its constants pass 65504, the largest 16-bit float");
  }

  @Test
  void theLargestHalfIsNotAnOverflow() throws IOException {
    SmallNet net = new SmallNet();
    Value x = net.input("x", DataType.FLOAT, "n", 64);
    Trial trial = half(net.returning(net.apply("Mul", "y", x, filled(net, "w", 65519.9f))));
    assertThat(trial.storedTypes(8)).containsExactly(DataType.FLOAT16);
  }

  @Test
  void valuesThatBecomeZeroAreCounted() throws IOException {
    SmallNet net = new SmallNet();
    Value x = net.input("x", DataType.FLOAT, "n", 64);
    float[] values = new float[64];
    Arrays.fill(values, 1);
    values[3] = 0x1p-25f; // half of the smallest number: the tie goes to even, which is zero
    values[4] = 0x1.8p-25f; // becomes the smallest number
    values[5] = 0;
    Value w = net.constant("w", Tensor.ofFloats(values, 64));
    Trial trial = half(net.returning(net.apply("Mul", "y", x, w)));
    assertThat(texts(trial))
        .containsExactly(
            "1 of 64 values of constant 'w' are too small for 16-bit floats and became zero");
  }

  @Test
  void aModelWithoutLargeConstantsIsRefused() {
    SmallNet net = new SmallNet();
    Value x = net.input("x", DataType.FLOAT, "n", 4);
    Model model = net.returning(net.apply("Mul", "y", x, net.weights("w", 4)));
    assertThatThrownBy(() -> half(model))
        .isInstanceOf(NothingToQuantizeException.class)
        .hasMessageContaining("no large float constant is left to store in 16 bits")
        .hasMessageContaining("'y-node': it has no constant of 64 floats or more");
  }

  @Test
  void aConstantThatANodeKeptInFloatReadsStaysFloat() throws IOException {
    SmallNet net = new SmallNet();
    Value x = net.input("x", DataType.FLOAT, "n", 16);
    Value w = net.weights("w", 16, 16);
    Value a = net.apply("MatMul", "a", x, w);
    Value b = net.apply("MatMul", "b", a, w);
    Value c = net.apply("MatMul", "c", b, net.weights("v", 16, 16));
    Recipe recipe =
        Recipe.preset("float16").toBuilder()
            .rules(Rules.of(Rule.keepFloat("a-node", null)))
            .build();
    Trial trial = Trial.of(net.returning(c), recipe, null, folder);
    assertThat(trial.operators()).containsExactlyInAnyOrder("Cast", "MatMul", "MatMul", "MatMul");
    assertThat(texts(trial))
        .containsExactly(
            "constant 'w' stays float32: node 'a-node', which reads it too, is kept in float");
  }

  private static List<String> texts(Trial trial) {
    return trial.report.warnings().stream().map(Warning::text).toList();
  }

  private static Value filled(SmallNet net, String name, float value) {
    return filled(net, name, value, 64);
  }

  private static Value filled(SmallNet net, String name, float value, int size) {
    float[] values = new float[size];
    Arrays.fill(values, value);
    return net.constant(name, Tensor.ofFloats(values, size));
  }

  private Trial half(Model model) throws IOException {
    return Trial.of(model, "float16", folder);
  }
}
