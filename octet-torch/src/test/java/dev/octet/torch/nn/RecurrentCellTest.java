package dev.octet.torch.nn;

import static dev.octet.torch.nn.Peer.assertSame;
import static dev.octet.torch.nn.Peer.random;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import java.util.List;
import org.bytedeco.pytorch.GRUCellImpl;
import org.bytedeco.pytorch.GRUCellOptions;
import org.bytedeco.pytorch.LSTMCellImpl;
import org.bytedeco.pytorch.LSTMCellOptions;
import org.bytedeco.pytorch.RNNCellImpl;
import org.bytedeco.pytorch.RNNCellOptions;
import org.bytedeco.pytorch.T_TensorTensor_T;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.bytedeco.pytorch.kReLU;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class RecurrentCellTest {
  @BeforeEach
  void seed() {
    Torch.seed(3);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void anLstmCellStepsAsLibTorchs(boolean bias) {
    try (Scope scope = Scope.open();
        LSTMCell cell = LSTMCell.builder(4, 3).bias(bias).build()) {
      LSTMCellOptions options = new LSTMCellOptions(4, 3);
      options.bias().put(bias);
      LSTMCellImpl peer = new LSTMCellImpl(options);
      Peer.copyWeights(cell, peer);
      Tensor x = random(1, 2, 4);
      LstmState state = new LstmState(random(2, 2, 3), random(3, 2, 3));
      T_TensorTensor_T expected =
          peer.forward(x, new T_TensorTensor_T(state.hidden(), state.cell()));
      LstmState next = cell.run(x, state);
      assertSame(next.hidden(), expected.get0(), 1e-6);
      assertSame(next.cell(), expected.get1(), 1e-6);
      assertSame(cell.call(x), peer.forward(x).get0(), 1e-6);
      LstmState single =
          cell.run(
              x.select(0, 1),
              new LstmState(state.hidden().select(0, 1), state.cell().select(0, 1)));
      assertSame(single.hidden(), expected.get0().select(0, 1), 1e-6);
      assertSame(single.cell(), expected.get1().select(0, 1), 1e-6);
      next.hidden().square().sum().backward();
      Peer.assertGradients(cell);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aGruCellStepsAsLibTorchs(boolean bias) {
    try (Scope scope = Scope.open();
        GRUCell cell = GRUCell.builder(4, 3).bias(bias).build()) {
      GRUCellOptions options = new GRUCellOptions(4, 3);
      options.bias().put(bias);
      GRUCellImpl peer = new GRUCellImpl(options);
      Peer.copyWeights(cell, peer);
      Tensor x = random(1, 2, 4);
      Tensor h = random(2, 2, 3);
      assertSame(cell.call(x, h), peer.forward(x, h), 1e-6);
      assertSame(cell.call(x), peer.forward(x), 1e-6);
      Tensor single = cell.call(x.select(0, 1), h.select(0, 1));
      assertSame(single, peer.forward(x, h).select(0, 1), 1e-6);
      cell.call(x, h).square().sum().backward();
      Peer.assertGradients(cell);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void anRnnCellStepsAsLibTorchs(boolean relu) {
    try (Scope scope = Scope.open();
        RNNCell cell =
            RNNCell.builder(4, 3)
                .nonlinearity(relu ? RNN.Nonlinearity.RELU : RNN.Nonlinearity.TANH)
                .build()) {
      RNNCellOptions options = new RNNCellOptions(4, 3);
      if (relu) {
        options.nonlinearity().put(new kReLU());
      }
      RNNCellImpl peer = new RNNCellImpl(options);
      Peer.copyWeights(cell, peer);
      Tensor x = random(1, 2, 4);
      Tensor h = random(2, 2, 3);
      assertSame(cell.call(x, h), peer.forward(x, h), 1e-6);
      assertSame(cell.call(x), peer.forward(x), 1e-6);
      cell.call(x, h).square().sum().backward();
      Peer.assertGradients(cell);
    }
  }

  @Test
  void tracesForAnyBatch() {
    try (Scope scope = Scope.open();
        LSTMCell lstm = LSTMCell.builder(4, 3).build();
        GRUCell gru = GRUCell.builder(4, 3).build();
        RNNCell rnn = RNNCell.builder(4, 3).build()) {
      Tensor x = random(1, 2, 4);
      Tensor other = random(2, 5, 4);
      for (Module cell : List.of(lstm, gru, rnn)) {
        try (Exported exported = Exported.of(cell, List.of(x), () -> List.of(cell.call(x)))) {
          assertSame(exported.run(other).get(0), Tensors.toFloats(cell.call(other)), 1e-6);
        }
      }
    }
  }

  @Test
  void refusesWhatDoesNotFit() {
    try (Scope scope = Scope.open();
        LSTMCell lstm = LSTMCell.builder(4, 3).build();
        GRUCell gru = GRUCell.builder(4, 3).build()) {
      Tensor x = random(1, 2, 4);
      assertRefused(() -> gru.call(random(1, 2, 3)), "[batch, 4]");
      assertRefused(() -> gru.call(random(1, 2, 2, 4)), "[batch, 4]");
      assertRefused(() -> gru.call(x.to(ScalarType.Double)), "Double");
      assertRefused(() -> gru.call(x, random(1, 3, 3)), "not of shape [2, 3]");
      assertRefused(() -> gru.call(x, x, x), "1 input");
      assertRefused(
          () -> lstm.run(x, new LstmState(random(1, 2, 3), random(1, 2, 4))), "Float[2, 4]");
      assertThatThrownBy(() -> RNNCell.builder(4, 0).build())
          .hasMessageContaining("hidden_size is 0");
      assertThat(lstm).hasToString("LSTMCell(4, 3)");
    }
  }

  private static void assertRefused(
      org.assertj.core.api.ThrowableAssert.ThrowingCallable call, String message) {
    assertThatThrownBy(call).isInstanceOf(ModuleException.class).hasMessageContaining(message);
  }
}
