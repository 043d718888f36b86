package dev.octet.graph.pass;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.graph.Bytes;
import dev.octet.graph.GraphText;
import dev.octet.graph.Model;
import dev.octet.graph.ModelsNearby;
import dev.octet.graph.OrtEquality;
import dev.octet.graph.Value;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PassesTest {
  /** Folding rounds each weight once more (2^-24 relative); sums of such errors stay below this. */
  private static final double FOLDING = 2e-5;

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
  void keepWhatRealModelsCompute(String name) {
    Model before = ModelsNearby.read(name);
    Model after = before.copy();
    Passes.simplify(after);
    assertThat(after.graph().nodes())
        .noneMatch(n -> n.is("BatchNormalization") || n.is("Constant") || n.is("Identity"));
    assertThat(after.graph().inputs())
        .extracting(Value::name)
        .containsExactlyElementsOf(before.graph().inputs().stream().map(Value::name).toList());
    OrtEquality.assertSame(before, after, FOLDING);
    assertThat(Passes.simplify(after).changed()).isFalse();
  }

  @Test
  void keepWhatFoldedLayersComputeUnderTheSameNames() {
    Model before =
        GraphText.model(
            15,
            """
            input x float[n,4,6,6]
            const w float[6,2,3,3] random 1
            const s float[6] random 2
            const b float[6] random 3
            const m float[6] random 4
            const v float[6] uniform 5
            c = Conv(x, w) group=2
            y = BatchNormalization(c, s, b, m, v)
            const tw float[4,3,2,2] random 6
            const tb float[6] random 7
            t = ConvTranspose(x, tw, tb) group=2
            z = BatchNormalization(t, s, b, m, v)
            f = Flatten(x)
            const gw float[144,6] random 8
            const gb float[1,6] random 9
            g = Gemm(f, gw, gb) alpha=0.5 beta=2.0
            u = BatchNormalization(g, s, b, m, v)
            i = Identity(u)
            q = Relu(i)
            d = Dropout(q)
            type y float[n,6,4,4]
            type z float[n,6,7,7]
            type d float[n,6]
            return y, z, d
            """);
    Model after = before.copy();
    RewriteResult result = Passes.simplify(after);
    assertThat(result.refusals()).isEmpty();
    assertThat(after.graph().nodes()).hasSize(5);
    OrtEquality.assertSame(before, after, FOLDING);
  }

  @Test
  void keepWhatIsComputedByNodesThatDoNothing() {
    Model before =
        GraphText.model(
            13,
            """
            input x float[2,3]
            const shape int64[2] 2 3
            a = Cast(x) to=1
            b = Transpose(a) perm=[0,1]
            type b float[2,3]
            c = Reshape(b, shape)
            type c float[2,3]
            d = Flatten(c)
            e = Concat(d) axis=0
            const w1 float[3] 1 2 3
            const w2 float[3] 1 2 3
            f = Add(e, w1)
            g = Add(f, w2)
            type g float[2,3]
            return g
            """);
    Model after = before.copy();
    assertThat(Passes.simplify(after).refusals()).isEmpty();
    assertThat(after.graph().toString())
        .isEqualTo("graph test[x]\n  [f] = Add[x, w1]\n  [g] = Add[f, w1]\n  return [g]\n");
    OrtEquality.assertSame(before, after, 0);
  }

  @Test
  void leaveCastsTransposesAndReshapesThatDoSomething() {
    Model model =
        GraphText.model(
            13,
            """
            input x float[2,3]
            input n float[n,3]
            const shape int64[2] 3 2
            const open int64[2] 0 3
            a = Cast(x) to=7
            b = Transpose(x) perm=[1,0]
            c = Reshape(x, shape)
            d = Reshape(n, open)
            e = Flatten(x) axis=0
            f = Concat(x, x) axis=0
            unknown = Relu(x)
            h = Cast(unknown) to=1
            return a, b, c, d, e, f, h
            """);
    assertThat(Rewrites.run(model.graph(), new RemoveNoOp()).changed()).isFalse();
  }

  @Test
  void makeConstantsOfWhatOldFilesMustListAsInputsAndOfNothingElse() {
    String text = "input x float[2]\n overridable w float[2] 1 2\n y = Add(x, w)\n return y";
    Model old = new Model(3, Map.of("", 8L), Map.of(), GraphText.parse(text), Bytes.EMPTY);
    assertThat(Passes.simplify(old).applied())
        .containsExactly("drop-overridable-initializers at 'w'");
    assertThat(old.irVersion()).isEqualTo(4);
    assertThat(old.graph().inputs()).extracting(Value::name).containsExactly("x");
    Model recent = GraphText.model(13, text);
    assertThat(Passes.simplify(recent).changed()).isFalse();
  }

  @Test
  void keepInitializersApartThatDifferInTypeShapeOrBitsOrMayBeReplaced() {
    Model model =
        GraphText.model(
            13,
            """
            const a float[2] 0
            const b float[2] -0
            const c float[1,2] 0
            const d int32[2] 0
            overridable e float[2] 0
            const out float[2] 0
            const same float[2] 0
            y = my.Op(a, b, c, d, e, out, same)
            return y, out
            """);
    assertThat(Rewrites.run(model.graph(), new DeduplicateInitializers()).applied())
        .containsExactly("deduplicate-initializers at 'same'");
  }
}
