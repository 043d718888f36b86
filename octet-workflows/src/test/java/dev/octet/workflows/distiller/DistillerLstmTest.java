package dev.octet.workflows.distiller;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.torch.Scope;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.LSTM;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.LstmOutput;
import dev.octet.torch.nn.LstmState;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.PackedSequence;
import dev.octet.torch.nn.PackedSequences;
import dev.octet.workflows.distiller.stats.ModelStats;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class DistillerLstmTest {
  private static final float ROUNDING = 2e-6f;

  @BeforeEach
  void seed() {
    Torch.seed(5);
  }

  private static LSTM lstm(int layers, boolean bidirectional, boolean batchFirst) {
    LSTM lstm =
        LSTM.builder(3, 4)
            .numLayers(layers)
            .bidirectional(bidirectional)
            .batchFirst(batchFirst)
            .build();
    lstm.eval();
    return lstm;
  }

  @ParameterizedTest
  @CsvSource({"1, false, false", "2, false, true", "1, true, false", "2, true, true"})
  void computesWhatAnLstmComputes(int layers, boolean bidirectional, boolean batchFirst) {
    try (Scope scope = Scope.open();
        LSTM lstm = lstm(layers, bidirectional, batchFirst);
        DistillerLSTM parts = DistillerLSTM.fromLstm(lstm)) {
      Tensor x = torch.randn(5, 2, 3);
      long batch = batchFirst ? 5 : 2;
      long rows = (long) layers * (bidirectional ? 2 : 1);
      LstmState start = new LstmState(torch.randn(rows, batch, 4), torch.randn(rows, batch, 4));
      assertSame(parts.run(x, start), lstm.run(x, start));
      assertSame(parts.run(x, null), lstm.run(x, null));
      try (LSTM back = parts.toLstm()) {
        assertThat(Observed.largestDifference(back.call(x), lstm.call(x))).isZero();
      }
    }
  }

  private static void assertSame(LstmOutput<Tensor> actual, LstmOutput<Tensor> expected) {
    assertThat(Observed.largestDifference(actual.output(), expected.output())).isLessThan(ROUNDING);
    assertThat(Observed.largestDifference(actual.hidden(), expected.hidden())).isLessThan(ROUNDING);
    assertThat(Observed.largestDifference(actual.cell(), expected.cell())).isLessThan(ROUNDING);
  }

  @ParameterizedTest
  @CsvSource({"1, false", "2, true"})
  void readsPackedSequences(int layers, boolean bidirectional) {
    try (Scope scope = Scope.open();
        LSTM lstm = lstm(layers, bidirectional, false);
        DistillerLSTM parts = DistillerLSTM.fromLstm(lstm)) {
      PackedSequence x =
          PackedSequences.pack(torch.randn(4, 3, 3), new long[] {2, 4, 1}, false, false);
      long rows = (long) layers * (bidirectional ? 2 : 1);
      LstmState start = new LstmState(torch.randn(rows, 3, 4), torch.randn(rows, 3, 4));
      for (LstmState each : new LstmState[] {null, start}) {
        LstmOutput<PackedSequence> actual = parts.run(x, each);
        LstmOutput<PackedSequence> expected = lstm.run(x, each);
        assertSame(
            new LstmOutput<>(actual.output().data(), actual.hidden(), actual.cell()),
            new LstmOutput<>(expected.output().data(), expected.hidden(), expected.cell()));
      }
    }
  }

  /** The last output of a sequence, through a layer. */
  private static final class Tagger extends Module {
    private final Child<Module> lstm;
    private final Child<Module> fc;

    Tagger(boolean bidirectional) {
      lstm = child("lstm", lstm(1, bidirectional, true));
      fc = child("fc", Linear.builder(bidirectional ? 8 : 4, 2).build());
    }

    @Override
    protected Tensor forward(Tensor x) {
      return fc.call(lstm.call(x));
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void partsAreQuantized(boolean bidirectional) {
    try (Scope scope = Scope.open();
        Module model = new Tagger(bidirectional)) {
      Tensor x = torch.randn(2, 3, 3);
      model.eval();
      Tensor exact = model.call(x);
      assertThat(DistillerLSTM.convertModel(model)).containsExactly("lstm");
      ModelStats stats = Observed.stats(model, x);
      PostTrainLinearQuantizer quantizer =
          PostTrainLinearQuantizer.builder(model)
              .mode(LinearQuantMode.ASYMMETRIC_SIGNED)
              .modelActivationStats(stats)
              .build();
      quantizer.prepareModel(x);
      model.eval();
      assertThat(model.get("lstm.cells.0.eltwisemult_hidden"))
          .isInstanceOf(RangeLinearQuantEltwiseMultWrapper.class);
      assertThat(Observed.largestDifference(model.call(x), exact)).isBetween(1e-6f, 0.05f);
      ConversionTest.assertAgrees(quantizer, "fc", 8, x);
      DistillerLSTM parts = (DistillerLSTM) model.get("lstm");
      assertThatThrownBy(parts::toLstm).isInstanceOf(IllegalStateException.class);
    }
  }

  @Test
  void anLstmInOnePieceStaysFloatAndThatIsSaid() {
    try (Scope scope = Scope.open();
        Module model = new Tagger(false)) {
      Tensor x = torch.randn(2, 3, 3);
      PostTrainLinearQuantizer quantizer = PostTrainLinearQuantizer.builder(model).build();
      quantizer.prepareModel(x);
      assertThat(model.get("lstm")).isInstanceOf(LSTM.class);
      assertThat(quantizer.warnings()).anyMatch(each -> each.startsWith("'lstm' (LSTM) stays"));
    }
  }
}
