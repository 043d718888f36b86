package dev.octet.graph.opset;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.graph.GraphText;
import dev.octet.graph.Model;
import dev.octet.graph.ModelsNearby;
import dev.octet.graph.OrtEquality;
import dev.octet.graph.pass.RewriteResult;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class OpsetRaiseTest {

  @ParameterizedTest
  @ValueSource(
      strings = {
        "mnist-cnn",
        "resnet20-cifar10",
        "squeezenet1_1-imagenet",
        "mobilenetv2-cifar10",
        "sst2-transformer",
        "dtln-1"
      })
  void keepsTheOutputsOfRealModels(String name) {
    for (long target : new long[] {13, 17, 21}) {
      Model before = ModelsNearby.read(name);
      Model after = before.copy();
      RewriteResult result = OpsetRaise.to(after, target);
      assertThat(result.refusals()).isEmpty();
      assertThat(after.opset()).isEqualTo(Math.max(before.opset(), target));
      // Kernels of different versions may order sums differently.
      OrtEquality.assertSame(before, after, 1e-6);
      assertThat(OpsetRaise.to(after, target).changed()).isFalse();
    }
  }

  /** Raises the one-node graph, compares outputs, and returns the raised graph as text. */
  private static String raise(long from, long to, String text) {
    Model before = GraphText.model(from, text);
    Model after = before.copy();
    assertThat(OpsetRaise.to(after, to).refusals()).isEmpty();
    assertThat(after.opset()).isEqualTo(to);
    OrtEquality.assertSame(before, after, 1e-6);
    return after.graph().toString();
  }

  @ParameterizedTest
  @CsvSource({
    "Softmax, axis=1, 4", "Softmax, , 4", "Softmax, axis=2, 1", "Softmax, axis=-1, 1",
    "Softmax, axis=0, 4", "Softmax, axis=-2, 4", "LogSoftmax, axis=1, 4", "Hardmax, , 4"
  })
  void writesTheFlatteningOfOldSoftmaxOut(String op, String axis, int nodes) {
    String raised =
        raise(
            11,
            13,
            "input x float[n,3,4]\n y = %s(x) %s\n type y float[n,3,4]\n return y"
                .formatted(op, axis == null ? "" : axis));
    assertThat(raised.lines().filter(line -> line.contains(" = "))).hasSize(nodes);
  }

  @Test
  void movesAxesIntoInputs() {
    raise(
        11,
        13,
        """
        input x float[n,3,1,4]
        a = Squeeze(x) axes=[2]
        b = Unsqueeze(a) axes=[0,-1]
        c = ReduceSum(b) axes=[2] keepdims=0
        y, z = Split(c) axis=-2 split=[1,3]
        type y float[]
        type z float[]
        return y, z
        """
            .replace("type y float[]\n", "type y float[1,n,1,1]\n")
            .replace("type z float[]\n", "type z float[1,n,3,1]\n"));
    String reduced =
        raise(
            17,
            21,
            """
            input x float[n,4,6]
            a = ReduceMean(x) axes=[1]
            b = ReduceMax(a) axes=[-1] keepdims=0
            y, z = Split(x) axis=1
            type b float[n,1]
            type y float[n,2,6]
            type z float[n,2,6]
            return b, y, z
            """);
    assertThat(reduced).contains("[a] = ReduceMean[x, a_axes]");
  }

  @Test
  void movesBoundsAndAmountsIntoInputs() {
    raise(
        9,
        21,
        """
        input x float[n,3,8,8]
        a = Clip(x) min=0.0 max=6.0
        b = Clip(a) max=1.0
        c = Pad(b) pads=[0,0,1,2,0,0,1,2] value=1.5
        d = Slice(c) starts=[1,2] ends=[9,100] axes=[2,3]
        e, i = TopK(d) k=2 axis=-1
        y = Dropout(e) ratio=0.25
        type y float[n,3,8,2]
        type i int64[n,3,8,2]
        return y, i
        """);
  }

  @ParameterizedTest
  @CsvSource({"7, nearest", "7, linear", "9, nearest", "9, linear"})
  void turnsUpsampleIntoResize(long from, String mode) {
    String scales = from == 7 ? "(x) scales=[1.0,1.0,2.0,3.0]" : "(x, s)";
    raise(
        from,
        13,
        """
        input x float[1,2,3,3]
        const s float[4] 1 1 2 3
        y = Upsample%s mode="%s"
        type y float[1,2,6,9]
        return y
        """
            .formatted(scales, mode));
  }

  @Test
  void keepsTheOldWaysOfScatterGridSampleAndRoiAlign() {
    raise(
        10,
        13,
        """
        input x float[3,3]
        const i int64[1,3] 0 2 1
        input u float[1,3]
        y = Scatter(x, i, u) axis=0
        type y float[3,3]
        return y
        """);
    raise(
        16,
        21,
        """
        input x float[1,1,4,4]
        input g float[1,2,2,2]
        y = GridSample(x, g) mode="bicubic"
        z = GridSample(x, g)
        type y float[1,1,2,2]
        type z float[1,1,2,2]
        return y, z
        """);
    raise(
        11,
        16,
        """
        input x float[1,1,6,6]
        const r float[1,4] 0.5 0.5 4 4
        const b int64[1] 0
        y = RoiAlign(x, r, b) output_height=2 output_width=2
        type y float[1,1,2,2]
        return y
        """);
  }

  @Test
  void raisesBatchNormalizationAtInference() {
    raise(
        8,
        15,
        """
        input x float[n,2,3]
        const s float[2] 2 3
        const v float[2] 4 9
        y = BatchNormalization(x, s, s, s, v) spatial=1
        type y float[n,2,3]
        return y
        """);
  }

  private static String refusal(long from, long to, String text) {
    Model model = GraphText.model(from, text);
    String before = model.graph().toString();
    RewriteResult result = OpsetRaise.to(model, to);
    assertThat(result.changed()).isFalse();
    assertThat(model.opset()).isEqualTo(from);
    assertThat(model.graph().toString()).isEqualTo(before);
    assertThat(result.refusals()).hasSize(1);
    return result.refusals().get(0);
  }

  @Test
  void leavesTheModelAloneAndNamesTheNodeInTheWay() {
    String rest = "\n y = Squeeze(a) axes=[0]\n return y";
    assertThat(refusal(11, 13, "input x float[1,n]\n a = Novel(x) name=odd" + rest))
        .isEqualTo("raise-opset at 'odd': operator 'Novel' is not known");
    assertThat(refusal(10, 13, "input x float[1,n]\n input s float[2]\n a = Resize(x, s)" + rest))
        .isEqualTo(
            "raise-opset at 'Resize -> a': nearest Resize by factors that are not known to be 1 or"
                + " more changed in opset 11");
    assertThat(refusal(9, 13, "input x float[1,n]\n a, m = Dropout(x)\n z = Neg(m)" + rest))
        .isEqualTo("raise-opset at 'Dropout -> a': the type of the mask 'm' changed in opset 10");
    assertThat(
            refusal(
                9,
                13,
                "input x float[1,n]\n w = Novel2(x)\n".replace("Novel2", "my.domain.Op")
                    + "a = Clip(w) min=0.0"
                    + rest))
        .isEqualTo(
            "raise-opset at 'Clip -> a': Clip takes its bounds in the type of its input, which is"
                + " not known here, in opset 11");
    assertThat(
            refusal(
                8,
                13,
                "input x float[1,n]\n a = BatchNormalization(x, x, x, x, x) spatial=0" + rest))
        .isEqualTo(
            "raise-opset at 'BatchNormalization -> a': statistics per element (spatial = 0) went in"
                + " opset 9");
    assertThat(refusal(18, 21, "input x float[1,n]\n y = GroupNormalization(x, x, x)\n return y"))
        .isEqualTo(
            "raise-opset at 'GroupNormalization -> y': GroupNormalization's scale went from groups"
                + " to channels in opset 21");
  }

  @Test
  void knowsItsLimits() {
    assertThatThrownBy(() -> OpsetRaise.to(GraphText.model(13, "input x float[1]"), 23))
        .hasMessage("opset 23 is asked for; 22 is the newest that can be raised to");
    assertThatThrownBy(() -> OpsetRaise.to(GraphText.model(6, "input x float[1]"), 13))
        .hasMessage("the model has opset 6; 7 is the oldest that is known");
  }
}
