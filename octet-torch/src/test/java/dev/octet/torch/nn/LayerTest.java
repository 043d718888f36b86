package dev.octet.torch.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.op.Ops;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.pytorch.BatchNorm1dImpl;
import org.bytedeco.pytorch.BatchNorm2dImpl;
import org.bytedeco.pytorch.BatchNormOptions;
import org.bytedeco.pytorch.Conv1dImpl;
import org.bytedeco.pytorch.Conv1dOptions;
import org.bytedeco.pytorch.Conv2dImpl;
import org.bytedeco.pytorch.Conv2dOptions;
import org.bytedeco.pytorch.Conv3dImpl;
import org.bytedeco.pytorch.Conv3dOptions;
import org.bytedeco.pytorch.ConvTranspose2dImpl;
import org.bytedeco.pytorch.ConvTranspose2dOptions;
import org.bytedeco.pytorch.GroupNormImpl;
import org.bytedeco.pytorch.GroupNormOptions;
import org.bytedeco.pytorch.LayerNormImpl;
import org.bytedeco.pytorch.LayerNormOptions;
import org.bytedeco.pytorch.LinearImpl;
import org.bytedeco.pytorch.LongVector;
import org.bytedeco.pytorch.PReLUImpl;
import org.bytedeco.pytorch.StringTensorDict;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.bytedeco.pytorch.kReflect;
import org.bytedeco.pytorch.kSame;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

final class LayerTest {
  /** LibTorch's module and how to call it: its classes have no common forward. */
  private record Theirs(org.bytedeco.pytorch.Module module, Function<Tensor, Tensor> forward) {}

  private static Arguments pair(Supplier<Module> ours, Supplier<Theirs> theirs, long... shape) {
    return arguments(ours, theirs, shape);
  }

  static Stream<Arguments> pairs() {
    return Stream.of(
        pair(
            () -> Linear.builder(5, 4).build(),
            () -> {
              LinearImpl module = new LinearImpl(5, 4);
              return new Theirs(module, module::forward);
            },
            2,
            3,
            5),
        pair(
            () -> Conv1d.builder(4, 6, 3).padding("same").dilation(2).bias(false).build(),
            () -> {
              Conv1dOptions options = new Conv1dOptions(4, 6, new LongPointer(new long[] {3}));
              options.padding().put(new kSame());
              options.dilation().put(2);
              options.bias().put(false);
              Conv1dImpl module = new Conv1dImpl(options);
              return new Theirs(module, module::forward);
            },
            2,
            4,
            9),
        pair(
            () ->
                Conv2d.builder(4, 6, 3, 2)
                    .stride(2, 1)
                    .padding(1)
                    .groups(2)
                    .paddingMode(Ops.Padding.REFLECT)
                    .build(),
            () -> {
              Conv2dOptions options = new Conv2dOptions(4, 6, new LongPointer(3, 2));
              options.stride().put(new long[] {2, 1});
              options.padding().put(new LongPointer(1, 1));
              options.groups().put(2);
              options.padding_mode().put(new kReflect());
              Conv2dImpl module = new Conv2dImpl(options);
              return new Theirs(module, module::forward);
            },
            2,
            4,
            7,
            6),
        pair(
            () -> Conv3d.builder(2, 3, 2).build(),
            () -> {
              Conv3dImpl module = new Conv3dImpl(new Conv3dOptions(2, 3, new LongPointer(2, 2, 2)));
              return new Theirs(module, module::forward);
            },
            2,
            2,
            3,
            4,
            5),
        pair(
            () -> ConvTranspose2d.builder(4, 6, 3).stride(2).outputSize(12, 9).groups(2).build(),
            () -> {
              ConvTranspose2dOptions options =
                  new ConvTranspose2dOptions(4, 6, new LongPointer(3, 3));
              options.stride().put(new long[] {2, 2});
              options.output_padding().put(new long[] {1, 0});
              options.groups().put(2);
              ConvTranspose2dImpl module = new ConvTranspose2dImpl(options);
              return new Theirs(module, x -> module.forward(x));
            },
            2,
            4,
            5,
            4),
        pair(
            () -> BatchNorm1d.builder(3).build(),
            () -> {
              BatchNorm1dImpl module = new BatchNorm1dImpl(new BatchNormOptions(3));
              return new Theirs(module, module::forward);
            },
            4,
            3),
        pair(
            () -> BatchNorm2d.builder(3).momentum(null).eps(1e-3).build(),
            () -> {
              BatchNormOptions options = new BatchNormOptions(3);
              options.eps().put(1e-3);
              options.momentum().reset();
              BatchNorm2dImpl module = new BatchNorm2dImpl(options);
              return new Theirs(module, module::forward);
            },
            4,
            3,
            2,
            5),
        pair(
            () -> LayerNorm.builder(3, 5).build(),
            () -> {
              LayerNormImpl module = new LayerNormImpl(new LayerNormOptions(new LongVector(3, 5)));
              return new Theirs(module, module::forward);
            },
            2,
            3,
            5),
        pair(
            () -> GroupNorm.builder(2, 6).build(),
            () -> {
              GroupNormImpl module = new GroupNormImpl(new GroupNormOptions(2, 6));
              return new Theirs(module, module::forward);
            },
            2,
            6,
            4),
        pair(
            PReLU::new,
            () -> {
              PReLUImpl module = new PReLUImpl();
              return new Theirs(module, module::forward);
            },
            2,
            6));
  }

  @ParameterizedTest(name = "{index}")
  @MethodSource("pairs")
  void isWhatLibTorchHasAfterTheSameSeed(
      Supplier<Module> ours, Supplier<Theirs> theirs, long[] shape) {
    try (Scope scope = Scope.open()) {
      Torch.seed(5);
      Module layer = ours.get();
      Torch.seed(5);
      Theirs peer = theirs.get();
      for (int round = 0; round < 3; round++) {
        Tensor x = Peer.random(round, shape);
        Peer.assertSame(layer.call(x), peer.forward().apply(x), 0);
      }
      assertSameState(layer, peer.module());
      layer.eval();
      peer.module().eval();
      Tensor x = Peer.random(9, shape);
      Peer.assertSame(layer.call(x), peer.forward().apply(x), 0);
      layer.close();
    }
  }

  private static void assertSameState(Module layer, org.bytedeco.pytorch.Module peer) {
    Map<String, Tensor> expected = new LinkedHashMap<>();
    for (StringTensorDict tensors : List.of(peer.named_parameters(), peer.named_buffers())) {
      for (long i = 0; i < tensors.size(); i++) {
        String name = tensors.keys().get(i).getString();
        expected.put(name, tensors.find(name));
      }
    }
    assertThat(layer.stateDict().keySet()).containsExactlyElementsOf(expected.keySet());
    expected.forEach((name, tensor) -> Peer.assertSame(layer.stateDict().get(name), tensor, 0));
  }

  @Test
  void namesAndShapesStateAsPyTorchDoes() {
    try (Module norm = InstanceNorm2d.builder(3).affine(true).trackRunningStats(true).build();
        Module plain = InstanceNorm2d.builder(3).build();
        Module conv = ConvTranspose1d.builder(4, 6, 5).groups(2).build()) {
      assertThat(norm.stateDict().keySet())
          .containsExactly("weight", "bias", "running_mean", "running_var", "num_batches_tracked");
      assertThat(Tensors.describe(norm.buffers().get("num_batches_tracked"))).isEqualTo("Long[]");
      assertThat(plain.stateDict()).isEmpty();
      assertThat(Tensors.shape(conv.parameters().get("weight"))).containsExactly(4, 3, 5);
      assertThat(Tensors.shape(conv.parameters().get("bias"))).containsExactly(6);
    }
  }

  @Test
  void poolsByHand() {
    try (Scope scope = Scope.open()) {
      Tensor x = Tensors.of(new float[] {1, 2, 3, 4, 5}, 1, 1, 5);
      assertThat(Tensors.toFloats(MaxPool1d.builder(2).build().call(x))).containsExactly(2, 4);
      assertThat(Tensors.toFloats(MaxPool1d.builder(2).ceilMode(true).build().call(x)))
          .containsExactly(2, 4, 5);
      assertThat(Tensors.toFloats(MaxPool1d.builder(2).stride(1).dilation(3).build().call(x)))
          .containsExactly(4, 5);
      assertThat(Tensors.toFloats(AvgPool1d.builder(2).padding(1).build().call(x)))
          .containsExactly(0.5f, 2.5f, 4.5f);
      assertThat(
              Tensors.toFloats(
                  AvgPool1d.builder(2).padding(1).countIncludePad(false).build().call(x)))
          .containsExactly(1, 2.5f, 4.5f);
      assertThat(Tensors.toFloats(AdaptiveAvgPool1d.of(2).call(x))).containsExactly(2, 4);
      assertThat(Tensors.toFloats(AdaptiveMaxPool1d.of(2).call(x))).containsExactly(3, 5);
    }
  }

  @Test
  void instanceNormTracksStatisticsWhenTold() {
    try (InstanceNorm1d norm = InstanceNorm1d.builder(1).trackRunningStats(true).build();
        Scope scope = Scope.open()) {
      Tensor x = Tensors.of(new float[] {1, 3}, 1, 1, 2);
      assertThat(Tensors.toFloats(norm.call(x))[1]).isCloseTo(1, within(1e-4f));
      // A tenth of mean 2, and of the unbiased variance 2 beside nine tenths of 1.
      assertThat(Tensors.toFloats(norm.buffers().get("running_mean"))[0])
          .isCloseTo(0.2f, within(1e-6f));
      assertThat(Tensors.toFloats(norm.buffers().get("running_var"))[0])
          .isCloseTo(1.1f, within(1e-6f));
    }
  }

  @Test
  void dropsInTrainingOnly() {
    Torch.seed(1);
    try (Scope scope = Scope.open()) {
      Tensor x = Ops.full(1, 8, 50, 4, 4);
      Dropout elements = new Dropout(0.25);
      float[] dropped = Tensors.toFloats(elements.call(x));
      int zeros = 0;
      for (float value : dropped) {
        assertThat(value).isIn(0f, 1 / 0.75f);
        zeros += value == 0 ? 1 : 0;
      }
      assertThat(zeros / (double) dropped.length).isCloseTo(0.25, within(0.03));
      Dropout channels = Dropout.of2d(0.5);
      Tensor means = Ops.mean(channels.call(x), 2, 3);
      for (float value : Tensors.toFloats(means)) {
        assertThat(value).isIn(0f, 2f);
      }
      assertThat(channels).hasToString("Dropout2d(p=0.5)");
      channels.eval();
      assertThat(channels.call(x)).isSameAs(x);
    }
  }

  @Test
  void containersNameAndCallTheirModules() {
    try (Sequential net =
            new Sequential(Linear.builder(2, 3).build(), Activation.relu(), new Identity());
        ModuleList<Linear> list = new ModuleList<>(List.of(Linear.builder(2, 2).build()));
        ModuleDict<Module> dict = new ModuleDict<>(Map.of("a", Activation.tanh()));
        Scope scope = Scope.open()) {
      Tensor x = Peer.random(1, 4, 2);
      assertThat(Tensors.shape(net.call(x))).containsExactly(4, 3);
      assertThat(net.stateDict().keySet()).containsExactly("0.weight", "0.bias");
      assertThat(net.tree())
          .isEqualTo(
              """
              Sequential(
                (0): Linear(in_features=2, out_features=3, bias=True)
                (1): ReLU()
                (2): Identity()
              )""");
      list.add(Linear.builder(2, 5).build());
      assertThat(list.size()).isEqualTo(2);
      assertThat(list.stateDict().keySet()).contains("1.weight");
      assertThat(Tensors.shape(list.callAt(1, x))).containsExactly(4, 5);
      Peer.assertSame(dict.callAt("a", x), Ops.tanh(x), 0);
      assertThatThrownBy(() -> dict.at("b")).hasMessageContaining("there are [a]");
      assertThatThrownBy(() -> list.call(x)).hasMessageContaining("ModuleList has no forward");
    }
  }

  @Test
  void copiesShareParametersAndStayFrozen() {
    Conv2d conv = Conv2d.builder(2, 3, 3).padding(1).build();
    conv.requireGrad(false);
    conv.eval();
    try (Scope scope = Scope.open();
        Conv2d copy = new Conv2d(conv)) {
      Tensor x = Peer.random(1, 1, 2, 4, 4);
      float[] before = Tensors.toFloats(conv.call(x));
      conv.close();
      assertThat(Tensors.toFloats(copy.call(x))).containsExactly(before);
      assertThat(copy.weight().requires_grad()).isFalse();
      assertThat(copy.isTraining()).isFalse();
      assertThat(copy)
          .hasToString("Conv2d(2, 3, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))");
    }
  }

  @Test
  void frozenStatisticsAreUsedAndKeptInTrainingWhileTheWeightTrains() {
    Torch.seed(3);
    try (BatchNorm2d norm = BatchNorm2d.builder(2).build();
        Scope scope = Scope.open()) {
      norm.call(Peer.random(1, 4, 2, 3, 3));
      float[] mean = Tensors.toFloats(norm.runningMean());
      Tensor x = Peer.random(2, 4, 2, 3, 3);
      norm.eval();
      float[] evaluated = Tensors.toFloats(norm.call(x));

      norm.freezeStatistics(true);
      norm.train(true);
      Tensor y = norm.call(x);
      y.sum().backward();

      assertThat(Tensors.toFloats(y)).containsExactly(evaluated);
      assertThat(Tensors.toFloats(norm.runningMean())).containsExactly(mean);
      assertThat(norm.weight().grad().defined()).isTrue();

      norm.freezeStatistics(false);
      norm.call(x);
      assertThat(Tensors.toFloats(norm.runningMean())).isNotEqualTo(mean);
    }
    try (BatchNorm2d norm = BatchNorm2d.builder(2).trackRunningStats(false).build()) {
      assertThatThrownBy(() -> norm.freezeStatistics(true)).hasMessageContaining("none to freeze");
    }
  }

  @Test
  void channelsAreDealtOutInTurn() {
    try (Module shuffle = new ChannelShuffle(2);
        Scope scope = Scope.open()) {
      Tensor x = Tensors.of(new float[] {0, 1, 2, 3, 4, 5}, 1, 6, 1, 1);
      assertThat(Tensors.toFloats(shuffle.call(x))).containsExactly(0, 3, 1, 4, 2, 5);
      assertThat(shuffle).hasToString("ChannelShuffle(groups=2)");
      assertThatThrownBy(() -> new ChannelShuffle(0)).hasMessageContaining("number of groups");
    }
  }

  @Test
  void gradientsReachEveryParameterAndAgreeWithDifferences() {
    Torch.seed(2);
    try (Sequential net =
            new Sequential(
                Conv2d.builder(2, 4, 3).padding(1).build(),
                BatchNorm2d.builder(4).build(),
                new PReLU(4, 0.25),
                ConvTranspose2d.builder(4, 4, 2).stride(2).build(),
                GroupNorm.builder(2, 4).build(),
                AvgPool2d.builder(2).build(),
                InstanceNorm2d.builder(4).affine(true).build(),
                new Flatten(),
                LayerNorm.builder(64).build(),
                Linear.builder(64, 3).build());
        Scope scope = Scope.open()) {
      Tensor x = Peer.random(1, 3, 2, 4, 4);
      Tensor target = Peer.random(2, 3, 3);
      Losses.mse(net.call(x), target).backward();
      Peer.assertGradients(
          // A bias before a normalisation has a gradient of nothing but rounding.
          net.get("9"));
      for (String name : List.of("0.weight", "1.weight", "2.weight", "3.weight", "9.bias")) {
        Tensor parameter = net.parameters().get(name);
        float gradient = Tensors.toFloats(parameter.grad())[0];
        float step = 5e-3f;
        double difference =
            (lossAt(net, x, target, parameter, step) - lossAt(net, x, target, parameter, -step))
                / (2 * step);
        assertThat(difference)
            .as(name)
            .isCloseTo(gradient, within(0.02 * Math.abs(gradient) + 2e-3));
      }
      net.parameters()
          .forEach((name, parameter) -> assertThat(parameter.grad().defined()).as(name).isTrue());
    }
  }

  private static double lossAt(Module net, Tensor x, Tensor target, Tensor parameter, float step) {
    Tensors.bytes(parameter).asFloatBuffer().put(0, Tensors.toFloats(parameter)[0] + step);
    double loss = Tensors.toFloats(Losses.mse(net.call(x), target))[0];
    Tensors.bytes(parameter).asFloatBuffer().put(0, Tensors.toFloats(parameter)[0] - step);
    return loss;
  }

  @Test
  void lossesByHand() {
    try (Scope scope = Scope.open()) {
      Tensor scores = Tensors.of(new float[] {0, (float) Math.log(3), 0, 0}, 2, 2);
      Tensor target = Tensors.of(new long[] {1, 0}, 2);
      double first = Math.log(4.0 / 3);
      double second = Math.log(2);
      assertThat(item(Losses.crossEntropy(scores, target)))
          .isCloseTo((first + second) / 2, within(1e-6));
      double smooth = 0.9 * first + 0.1 * (first + Math.log(4)) / 2;
      assertThat(item(Losses.crossEntropy(scores, target, 0.1)))
          .isCloseTo((smooth + second) / 2, within(1e-6));
      assertThat(item(Losses.nll(Ops.logSoftmax(scores, 1), target)))
          .isCloseTo((first + second) / 2, within(1e-6));
      Tensor ignoring = Tensors.of(new long[] {Losses.IGNORED, 0}, 2);
      assertThat(item(Losses.crossEntropy(scores, ignoring))).isCloseTo(second, within(1e-6));
      Tensor half = Ops.full(0.5, 2, 2);
      assertThat(item(Losses.crossEntropy(scores, half)))
          .isCloseTo(((first + Math.log(4)) / 2 + second) / 2, within(1e-6));
      assertThat(item(Losses.mse(half, Ops.zeros(2, 2)))).isCloseTo(0.25, within(1e-7));
      // One sample is [1/4, 3/4] against halves, the other equal.
      double divergence = 0.5 * Math.log(2) + 0.5 * Math.log(2.0 / 3);
      assertThat(item(Losses.kl(Ops.logSoftmax(scores, 1), half)))
          .isCloseTo(divergence / 2, within(1e-6));
      assertThatThrownBy(() -> Losses.crossEntropy(scores, Tensors.of(new long[] {0, 2}, 2)))
          .hasMessage("a target is class 2 of 2, counted from 0");
      assertThatThrownBy(() -> Losses.nll(scores, Tensors.of(new long[] {0}, 1)))
          .hasMessageContaining("the target is Long[1]");
      assertThatThrownBy(() -> Losses.mse(scores, Ops.zeros(4)))
          .hasMessageContaining("not floats of the shape of Float[2, 2]");
    }
  }

  private static double item(Tensor loss) {
    assertThat(Tensors.shape(loss)).isEmpty();
    return Tensors.toFloats(loss)[0];
  }

  static Stream<Arguments> misuse() {
    return Stream.of(
        arguments(Linear.builder(5, 4).build(), new long[] {2, 4}, "[..., 5]"),
        arguments(Linear.builder(5, 4).build(), new long[] {0, 5}, "at least one element"),
        arguments(Conv1d.builder(3, 4, 1).build(), new long[] {2, 3}, "unsqueeze(x, 0)"),
        arguments(Conv2d.builder(3, 4, 1).build(), new long[] {2, 4, 5, 5}, "[N, 3, H, W]"),
        arguments(Conv2d.builder(3, 4, 1).build(), new long[] {0, 3, 5, 5}, "[N, 3, H, W]"),
        arguments(Conv2d.builder(3, 4, 3).build(), new long[] {1, 3, 2, 2}, "Kernel size"),
        arguments(ConvTranspose3d.builder(3, 4, 1).build(), new long[] {1, 3, 2, 2}, "D, H, W"),
        arguments(
            ConvTranspose1d.builder(3, 4, 3).stride(2).outputSize(20).build(),
            new long[] {1, 3, 4},
            "can be 9 to 10, not 20"),
        arguments(BatchNorm1d.builder(3).build(), new long[] {2, 3, 4, 4}, "[N, 3, L]"),
        arguments(BatchNorm1d.builder(3).build(), new long[] {1, 3}, "one value for a channel"),
        arguments(InstanceNorm2d.builder(3).build(), new long[] {2, 3, 1, 1}, "one value"),
        arguments(LayerNorm.builder(3, 4).build(), new long[] {2, 4, 3}, "[..., 3, 4]"),
        arguments(GroupNorm.builder(2, 4).build(), new long[] {2, 6}, "[N, 4, ...]"),
        arguments(MaxPool2d.builder(2).build(), new long[] {3, 4, 4}, "[N, C, H, W]"),
        arguments(AvgPool1d.builder(2).build(), new long[] {0, 3, 4}, "[N, C, L]"),
        arguments(AdaptiveAvgPool3d.of(1), new long[] {2, 3, 4, 4}, "[N, C, D, H, W]"),
        arguments(new PReLU(3, 0.1), new long[] {2, 4}, "[N, 3, ...]"),
        arguments(Dropout.of1d(0.5), new long[] {2, 4}, "[N, C, L]"),
        arguments(Upsample.builder().size(2, 2).build(), new long[] {2, 3, 4}, "1 numbers"),
        arguments(Activation.softmax(3), new long[] {2, 4}, "Dimension out of range"),
        arguments(new ChannelShuffle(2), new long[] {1, 5, 2, 2}, "C a multiple of 2"),
        arguments(new ChannelShuffle(2), new long[] {1, 4}, "[N, C, spatial...]"),
        arguments(new Flatten(3, 1), new long[] {2, 4}, "Dimension out of range"));
  }

  @ParameterizedTest(name = "{index} {0}")
  @MethodSource("misuse")
  void namesTheLayerAndWhatItTakes(Module layer, long[] shape, String message) {
    try (Sequential net = new Sequential(Map.of("here", layer));
        Scope scope = Scope.open()) {
      assertThatThrownBy(() -> net.call(Ops.zeros(shape)))
          .isInstanceOf(ModuleException.class)
          .hasMessageContaining("'here'")
          .hasMessageContaining("Float" + java.util.Arrays.toString(shape))
          .hasMessageContaining(message);
      if (!(layer instanceof Flatten)) {
        assertThatThrownBy(() -> net.call(Ops.to(Ops.full(1, 2, 3, 4, 5), ScalarType.Long)))
            .isInstanceOf(ModuleException.class)
            .hasMessageContaining("'here'");
      }
      Tensor closed = Tensors.scalar(1);
      closed.close();
      assertThatThrownBy(() -> net.call(closed))
          .isInstanceOf(ModuleException.class)
          .hasMessageContaining("closed");
    }
  }

  @Test
  void namesTypesThatDoNotFit() {
    try (Module linear = Linear.builder(2, 3).build();
        Module pool = MaxPool1d.builder(2).build();
        Scope scope = Scope.open()) {
      Tensor doubles = Tensors.of(new double[] {1, 2}, 1, 2);
      assertThatThrownBy(() -> linear.call(doubles))
          .hasMessageContaining("its parameters are Float, its input is Double[1, 2]");
      assertThatThrownBy(() -> pool.call(Tensors.of(new long[] {1, 2}, 1, 1, 2)))
          .hasMessageContaining("it computes on floats, not on Long[1, 1, 2]");
      try (Torch.Switched cast = Torch.autocast(ScalarType.BFloat16)) {
        Tensor half = linear.call(Tensors.of(new float[] {1, 2}, 1, 2));
        assertThat(Tensors.type(half)).isEqualTo(ScalarType.BFloat16);
        assertThat(Tensors.type(linear.call(Ops.slice(linear.call(Ops.zeros(1, 2)), 1, 0, 2))))
            .isEqualTo(ScalarType.BFloat16);
      }
    }
  }

  @Test
  void refusesSettingsThatExcludeOneAnother() {
    assertThatThrownBy(() -> Conv2d.builder(3, 4, 3).groups(2).build())
        .hasMessage("2 groups do not divide 3 input and 4 output channels");
    assertThatThrownBy(() -> Conv2d.builder(3, 4, 3).stride(2).padding("same").build())
        .hasMessageContaining("needs stride 1");
    assertThatThrownBy(() -> Conv2d.builder(3, 4, 3).padding("full"))
        .hasMessageContaining("'same', 'valid'");
    assertThatThrownBy(() -> Conv2d.builder(3, 4, 3, 3, 3)).hasMessageContaining("1 or 2 numbers");
    assertThatThrownBy(() -> Conv2d.builder(3, 4, 3).stride(0)).hasMessageContaining("at least 1");
    assertThatThrownBy(() -> Conv2d.builder(0, 4, 3)).hasMessageContaining("input channels is 0");
    assertThatThrownBy(() -> Conv2d.builder(3, 4, 3).outputSize(4).build())
        .hasMessageContaining("transposed");
    assertThatThrownBy(() -> ConvTranspose2d.builder(3, 4, 3).padding("same").build())
        .hasMessageContaining("takes padding off");
    assertThatThrownBy(() -> MaxPool2d.builder(3).padding(2).build())
        .hasMessageContaining("more than half");
    assertThatThrownBy(() -> MaxPool2d.builder(3).countIncludePad(true).build())
        .hasMessageContaining("AvgPool");
    assertThatThrownBy(() -> AvgPool2d.builder(3).dilation(2).build())
        .hasMessageContaining("MaxPool");
    assertThatThrownBy(() -> BatchNorm2d.builder(3).momentum(2.0).build())
        .hasMessageContaining("momentum is 2.0");
    assertThatThrownBy(() -> GroupNorm.builder(2, 3)).hasMessageContaining("do not divide");
    assertThatThrownBy(() -> Upsample.builder().build()).hasMessageContaining("one of the two");
  }
}
