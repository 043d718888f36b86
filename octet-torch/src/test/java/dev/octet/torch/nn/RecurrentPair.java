package dev.octet.torch.nn;

import dev.octet.torch.op.Ops;
import dev.octet.torch.op.Recurrence;
import java.util.List;
import org.bytedeco.pytorch.GRUImpl;
import org.bytedeco.pytorch.GRUOptions;
import org.bytedeco.pytorch.LSTMImpl;
import org.bytedeco.pytorch.LSTMOptions;
import org.bytedeco.pytorch.RNNImpl;
import org.bytedeco.pytorch.RNNOptions;
import org.bytedeco.pytorch.T_TensorTensor_T;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.kReLU;
import org.bytedeco.pytorch.kTanh;
import org.jspecify.annotations.Nullable;

/** A layer of ours in both ways of computing, and LibTorch's with the same weights. */
final class RecurrentPair implements AutoCloseable {
  private static final class StepwiseLstm extends LSTM {
    StepwiseLstm(LSTM from) {
      super(from);
    }

    @Override
    protected boolean isStepwise() {
      return true;
    }
  }

  /** As a quantized layer computes: one product of [x, h] and [W_ih, W_hh]. */
  private static final class JointLstm extends LSTM {
    JointLstm(LSTM from) {
      super(from);
    }

    @Override
    protected boolean isStepwise() {
      return true;
    }

    @Override
    protected StepLinear<Tensor> linear(int layer, boolean reverse) {
      CellWeights weights = weights(layer, reverse);
      Tensor joint = Ops.cat(List.of(weights.ih(), weights.hh()), 1);
      Tensor bias =
          weights.biasIh() == null || weights.biasHh() == null
              ? null
              : Ops.add(weights.biasIh(), weights.biasHh());
      return (input, hidden) -> Ops.linear(Ops.cat(List.of(input, hidden), 1), joint, bias);
    }
  }

  private static final class StepwiseGru extends GRU {
    StepwiseGru(GRU from) {
      super(from);
    }

    @Override
    protected boolean isStepwise() {
      return true;
    }
  }

  private static final class StepwiseRnn extends RNN {
    StepwiseRnn(RNN from) {
      super(from);
    }

    @Override
    protected boolean isStepwise() {
      return true;
    }
  }

  final Recurrence settings;
  final RecurrentLayer fused;
  final RecurrentLayer stepwise;
  private final org.bytedeco.pytorch.Module peer;

  RecurrentPair(Recurrence settings) {
    this.settings = settings;
    RecurrentLayer.Builder<?> builder =
        switch (settings.kind()) {
          case LSTM ->
              LSTM.builder(settings.inputSize(), settings.hiddenSize())
                  .projSize(settings.projSize());
          case GRU -> GRU.builder(settings.inputSize(), settings.hiddenSize());
          case RNN_TANH -> RNN.builder(settings.inputSize(), settings.hiddenSize());
          case RNN_RELU ->
              RNN.builder(settings.inputSize(), settings.hiddenSize())
                  .nonlinearity(RNN.Nonlinearity.RELU);
        };
    builder
        .numLayers(settings.numLayers())
        .bias(settings.bias())
        .batchFirst(settings.batchFirst())
        .dropout(settings.dropout())
        .bidirectional(settings.bidirectional());
    if (builder instanceof LSTM.Builder lstm) {
      LSTM made = lstm.build();
      fused = made;
      // Both forms of the hook, so that each is tried on half of the cases.
      stepwise = settings.numLayers() == 1 ? new StepwiseLstm(made) : new JointLstm(made);
      peer = lstm(settings);
    } else if (builder instanceof GRU.Builder gru) {
      GRU made = gru.build();
      fused = made;
      stepwise = new StepwiseGru(made);
      peer = gru(settings);
    } else {
      RNN made = ((RNN.Builder) builder).build();
      fused = made;
      stepwise = new StepwiseRnn(made);
      peer = rnn(settings);
    }
    Peer.copyWeights(fused, peer);
    peer.eval();
    fused.eval();
    stepwise.eval();
  }

  private static LSTMImpl lstm(Recurrence settings) {
    LSTMOptions options = new LSTMOptions(settings.inputSize(), settings.hiddenSize());
    options.num_layers().put(settings.numLayers());
    options.bias().put(settings.bias());
    options.batch_first().put(settings.batchFirst());
    options.bidirectional().put(settings.bidirectional());
    options.proj_size().put(settings.projSize());
    return new LSTMImpl(options);
  }

  private static GRUImpl gru(Recurrence settings) {
    GRUOptions options = new GRUOptions(settings.inputSize(), settings.hiddenSize());
    options.num_layers().put(settings.numLayers());
    options.bias().put(settings.bias());
    options.batch_first().put(settings.batchFirst());
    options.bidirectional().put(settings.bidirectional());
    return new GRUImpl(options);
  }

  private static RNNImpl rnn(Recurrence settings) {
    RNNOptions options = new RNNOptions(settings.inputSize(), settings.hiddenSize());
    options.num_layers().put(settings.numLayers());
    options.bias().put(settings.bias());
    options.batch_first().put(settings.batchFirst());
    options.bidirectional().put(settings.bidirectional());
    if (settings.kind() == Recurrence.Kind.RNN_RELU) {
      options.nonlinearity().put(new kReLU());
    } else {
      options.nonlinearity().put(new kTanh());
    }
    return new RNNImpl(options);
  }

  /** Output and states of one of our two forms. */
  static List<Tensor> run(RecurrentLayer layer, Tensor input, @Nullable List<Tensor> state) {
    if (layer instanceof LSTM lstm) {
      LstmOutput<Tensor> made =
          lstm.run(input, state == null ? null : new LstmState(state.get(0), state.get(1)));
      return List.of(made.output(), made.hidden(), made.cell());
    }
    Tensor hidden = state == null ? null : state.get(0);
    RecurrentOutput<Tensor> made =
        layer instanceof GRU gru ? gru.run(input, hidden) : ((RNN) layer).run(input, hidden);
    return List.of(made.output(), made.hidden());
  }

  /** Packed data and states of one of our two forms. */
  static List<Tensor> run(
      RecurrentLayer layer, PackedSequence input, @Nullable List<Tensor> state) {
    if (layer instanceof LSTM lstm) {
      LstmOutput<PackedSequence> made =
          lstm.run(input, state == null ? null : new LstmState(state.get(0), state.get(1)));
      return List.of(made.output().data(), made.hidden(), made.cell());
    }
    Tensor hidden = state == null ? null : state.get(0);
    RecurrentOutput<PackedSequence> made =
        layer instanceof GRU gru ? gru.run(input, hidden) : ((RNN) layer).run(input, hidden);
    return List.of(made.output().data(), made.hidden());
  }

  /** LibTorch's output and states. */
  List<Tensor> peer(Tensor input, @Nullable List<Tensor> state) {
    if (peer instanceof LSTMImpl lstm) {
      var made =
          state == null
              ? lstm.forward(input)
              : lstm.forward(input, new T_TensorTensor_T(state.get(0), state.get(1)));
      return List.of(made.get0(), made.get1().get0(), made.get1().get1());
    }
    Tensor hidden = state == null ? new Tensor() : state.get(0);
    T_TensorTensor_T made =
        peer instanceof GRUImpl gru
            ? gru.forward(input, hidden)
            : ((RNNImpl) peer).forward(input, hidden);
    return List.of(made.get0(), made.get1());
  }

  /** LibTorch's packed data and states. */
  List<Tensor> peer(org.bytedeco.pytorch.PackedSequence input, @Nullable List<Tensor> state) {
    if (peer instanceof LSTMImpl lstm) {
      var made =
          state == null
              ? lstm.forward_with_packed_input(input)
              : lstm.forward_with_packed_input(
                  input, new T_TensorTensor_T(state.get(0), state.get(1)));
      return List.of(made.get0().data(), made.get1().get0(), made.get1().get1());
    }
    Tensor hidden = state == null ? new Tensor() : state.get(0);
    var made =
        peer instanceof GRUImpl gru
            ? gru.forward_with_packed_input(input, hidden)
            : ((RNNImpl) peer).forward_with_packed_input(input, hidden);
    return List.of(made.get0().data(), made.get1());
  }

  @Override
  public void close() {
    fused.close();
    stepwise.close();
    peer.close();
  }
}
