package dev.octet.workflows.distiller.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.graph.DataType;
import dev.octet.graph.Model;
import dev.octet.graph.Node;
import dev.octet.graph.Value;
import dev.octet.quantize.data.HostTensor;
import dev.octet.quantize.run.GraphRunner;
import dev.octet.quantize.run.OnnxRuntimeRunner;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.data.Batch;
import dev.octet.torch.data.DataLoader;
import dev.octet.torch.data.Epoch;
import dev.octet.torch.nn.Module;
import dev.octet.torch.trace.Trace;
import dev.octet.torch.train.EpochResult;
import dev.octet.torch.train.LearningRate;
import dev.octet.torch.train.Optimizer;
import dev.octet.torch.train.Trainer;
import dev.octet.torch.train.TrainingCallbacks;
import dev.octet.workflows.distiller.LinearQuantMode;
import dev.octet.workflows.distiller.ModuleQuantMode;
import dev.octet.workflows.distiller.Overrides;
import dev.octet.workflows.distiller.QBits;
import dev.octet.workflows.distiller.Quantizer;
import dev.octet.workflows.distiller.fixture.Stripes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class TrainingQuantizersTest {
  private static final QBits W4A4 = new QBits(4, 4, null);

  /** First and last layer as the papers leave them. */
  private static final Overrides ENDS_FLOAT =
      Overrides.NONE
          .with("conv1", "bits_weights", null, "bits_activations", null)
          .with("fc", "bits_weights", null, "bits_activations", null);

  private enum Kind {
    RANGE,
    RANGE_PER_CHANNEL,
    DOREFA,
    PACT,
    WRPN;

    /** Whether the model's input is quantized. */
    boolean quantizesInputs() {
      return this == RANGE || this == RANGE_PER_CHANNEL;
    }

    /** First and last layer as the papers leave them; on quantized inputs, no weights are float. */
    Overrides ends() {
      return quantizesInputs()
          ? Overrides.NONE
              .with("conv1", "bits_weights", 8, "bits_activations", null)
              .with("fc", "bits_weights", null, "bits_activations", null)
          : ENDS_FLOAT;
    }

    Quantizer of(Module net, Optimizer optimizer, QBits bits, Overrides overrides) {
      return switch (this) {
        case RANGE ->
            new QuantAwareTrainRangeLinearQuantizer(
                net,
                optimizer,
                bits,
                overrides,
                QuantAwareTrainRangeLinearQuantizer.Settings.defaults().emaDecay(0.9));
        case RANGE_PER_CHANNEL ->
            new QuantAwareTrainRangeLinearQuantizer(
                net,
                optimizer,
                bits,
                overrides,
                QuantAwareTrainRangeLinearQuantizer.Settings.defaults()
                    .emaDecay(0.9)
                    .perChannelWts(true)
                    .mode(
                        new ModuleQuantMode(
                            LinearQuantMode.ASYMMETRIC_UNSIGNED,
                            LinearQuantMode.SYMMETRIC_RESTRICTED)));
        case DOREFA -> new DorefaQuantizer(net, optimizer, bits, overrides);
        case PACT -> new PACTQuantizer(net, optimizer, bits, overrides, 4, 1e-3);
        case WRPN -> new WRPNQuantizer(net, optimizer, bits, overrides);
      };
    }
  }

  private static List<EpochResult> train(
      Module net, Optimizer optimizer, Quantizer quantizer, int epochs) {
    return Trainer.builder(net, optimizer)
        .epochs(epochs)
        .learningRate(LearningRate.cosine(0.05))
        .callbacks(
            new TrainingCallbacks() {
              @Override
              public void onMinibatchEnd(Minibatch at) {
                quantizer.quantizeParams();
              }
            })
        .build()
        .fit(Stripes.images(2, 320), Stripes.images(3, 160));
  }

  /** In a few seconds each; chance is 0.25. */
  @ParameterizedTest
  @EnumSource(Kind.class)
  void convergesWithFourBits(Kind kind) {
    try (Module net = Stripes.net(1);
        Optimizer optimizer = Stripes.sgd(net, 0.05)) {
      Quantizer quantizer = kind.of(net, optimizer, W4A4, kind.ends());
      quantizer.prepareModel();
      List<EpochResult> results = train(net, optimizer, quantizer, 6);
      assertThat(results.get(5).training().loss()).isLessThan(results.get(0).training().loss() / 2);
      assertThat(results.get(5).validation().accuracy()).isGreaterThan(0.9);
      // What is judged has no more levels than its bits.
      assertThat(levels(net, "conv2.weight"))
          .isLessThanOrEqualTo(
              kind == Kind.DOREFA || kind == Kind.PACT
                  ? 17
                  : 16 * (kind == Kind.RANGE_PER_CHANNEL ? 16 : 1));
      assertThat(levels(net, "conv1.weight")).isGreaterThan(32);
      assertAgreesInIntegers(net, kind.quantizesInputs() ? 3 : 2);
    }
  }

  private static int levels(Module net, String name) {
    TreeSet<Float> seen = new TreeSet<>();
    for (float value : Tensors.toFloats(net.stateDict().get(name))) {
      seen.add(value + 0f);
    }
    return seen.size();
  }

  private static void assertAgreesInIntegers(Module net, int layers) {
    DataLoader images = Stripes.images(5, 64);
    try (Epoch epoch = images.epoch(0);
        Batch batch = epoch.next();
        Scope scope = Scope.open();
        Torch.Switched noGrad = Torch.noGrad()) {
      net.eval();
      Trace trace = Trace.of(net).input("x").output("y");
      trace.roundBiases(batch.input());
      Model model = trace.quantized(batch.input());
      assertThat(model.graph().value("conv2.float_weight")).isNull();
      assertThat(integerWeights(model)).isEqualTo(layers);
      HostTensor x =
          HostTensor.ofFloats(
              Arrays.stream(Tensors.shape(batch.input())).mapToInt(Math::toIntExact).toArray(),
              Tensors.toFloats(batch.input()));
      float[] fake = Tensors.toFloats(net.call(batch.input()));
      float[] integers = outputs(model, List.of("y"), x).get("y").toFloats();
      for (int row = 0; row < fake.length / 4; row++) {
        assertThat(best(integers, row)).isEqualTo(best(fake, row));
      }
      assertAgreesInEveryLayer(net, batch.input(), model, x);
    }
  }

  /**
   * Each quantized activation is exchanged for the runtime's once it is compared, so that a sum in
   * the middle between two integers, which the last bit decides, is one quantum and no more.
   */
  private static void assertAgreesInEveryLayer(
      Module net, Tensor input, Model model, HostTensor x) {
    Map<String, Node> activations = new LinkedHashMap<>();
    for (Node node : model.graph().nodes()) {
      Value codes = node.is("DequantizeLinear") ? node.input(0) : null;
      if (codes != null && codes.producer() != null) {
        activations.put(node.output().name(), node);
      }
    }
    Map<String, HostTensor> there = outputs(model, List.copyOf(activations.keySet()), x);
    Map<String, Double> farthest = new LinkedHashMap<>();
    List<Module.Hook> hooks = new ArrayList<>();
    net.modules()
        .forEach(
            (path, module) -> {
              String name = path + "/DequantizeLinear";
              Node node = activations.get(name);
              HostTensor expected = there.get(name);
              if (node != null && expected != null) {
                float quantum = node.input(1).constant().toFloats()[0];
                hooks.add(
                    module.afterForward(
                        (self, inputs, output) -> {
                          float[] here = Tensors.toFloats(output);
                          float[] runtime = expected.toFloats();
                          double most = 0;
                          for (int i = 0; i < here.length; i++) {
                            most = Math.max(most, Math.abs(here[i] - runtime[i]) / quantum);
                          }
                          farthest.put(name, most);
                          return Tensors.of(runtime, Tensors.shape(output));
                        }));
              }
            });
    net.call(input);
    hooks.forEach(Module.Hook::close);
    assertThat(farthest).hasSameSizeAs(activations).hasSizeGreaterThanOrEqualTo(3);
    assertThat(farthest.values()).allSatisfy(most -> assertThat(most).isLessThan(1.001));
  }

  private static Map<String, HostTensor> outputs(Model model, List<String> names, HostTensor x) {
    Map<String, HostTensor> outputs = new LinkedHashMap<>();
    try (GraphRunner runner = OnnxRuntimeRunner.open(model, names)) {
      runner.run(Map.of("x", x), outputs::put);
    }
    return outputs;
  }

  private static int best(float[] logits, int row) {
    int best = 0;
    for (int i = 1; i < 4; i++) {
      best = logits[4 * row + i] > logits[4 * row + best] ? i : best;
    }
    return best;
  }

  private static long integerWeights(Model model) {
    long count = 0;
    for (Node node : model.graph().nodes()) {
      Value codes = node.is("DequantizeLinear") ? node.input(0) : null;
      dev.octet.graph.Tensor constant = codes == null ? null : codes.constant();
      if (constant != null
          && constant.shape().length == 4
          && (constant.type() == DataType.INT8 || constant.type() == DataType.UINT8)) {
        count++;
      }
    }
    return count;
  }

  @Test
  void theOptimizerTakesTheClipsOfPact() {
    try (Module net = Stripes.net(1);
        Optimizer optimizer = Stripes.sgd(net, 0.05)) {
      PACTQuantizer quantizer = new PACTQuantizer(net, optimizer, W4A4, Overrides.NONE, 3, 0.25);
      quantizer.prepareModel();
      assertThat(optimizer.groups()).hasSize(2);
      assertThat(optimizer.groups().get(1).parameters()).hasSize(3);
      assertThat(optimizer.groups().get(1).weightDecay()).isEqualTo(0.25);
      assertThat(quantizer.metadata().params())
          .containsEntry("act_clip_init_val", 3.0)
          .containsEntry("act_clip_decay", 0.25);
      train(net, optimizer, quantizer, 1);
      assertThat(Tensors.toFloats(net.parameters().get("relu1.clip_val"))[0]).isNotEqualTo(3);
    }
  }

  @Test
  void aClipStaysPositive() {
    try (Module net = new LearnedClippedLinearQuantization(4, 1);
        Scope scope = Scope.open()) {
      Tensor clip = net.parameters().get("clip_val");
      try (Torch.Switched noGrad = Torch.noGrad()) {
        clip.fill_(new org.bytedeco.pytorch.Scalar(-3.0));
      }
      net.call(Tensors.of(new float[] {1}, 1));
      assertThat(Tensors.toFloats(clip)).containsExactly(LearnedClippedLinearQuantization.SMALLEST);
    }
  }

  @Test
  void theInputIsQuantizedAndItsRangeBelongsToTheModel() {
    try (Module net = Stripes.net(1);
        Optimizer optimizer = Stripes.sgd(net, 0.05)) {
      Quantizer quantizer = Kind.RANGE.of(net, optimizer, W4A4, Overrides.NONE);
      quantizer.prepareModel();
      assertThat(net.buffers())
          .containsKeys("inputs_quant.tracked_max", "relu1.fake_q.tracked_max", "conv1.weight");
      assertThat(net.parameters())
          .containsKey("conv1.float_weight")
          .doesNotContainKey("conv1.weight");
    }
    try (Module net = Stripes.net(1);
        Optimizer optimizer = Stripes.sgd(net, 0.05)) {
      new QuantAwareTrainRangeLinearQuantizer(
              net,
              optimizer,
              W4A4,
              Overrides.NONE,
              QuantAwareTrainRangeLinearQuantizer.Settings.defaults().quantizeInputs(false))
          .prepareModel();
      assertThat(net.children()).doesNotContainKey("inputs_quant");
    }
  }

  @Test
  void tellsWhatStaysFloat() {
    try (Module net = Stripes.net(1);
        Optimizer optimizer = Stripes.sgd(net, 0.05)) {
      DorefaQuantizer quantizer =
          new DorefaQuantizer(
              net, optimizer, W4A4, ENDS_FLOAT.with("relu2", "bits_activations", null));
      quantizer.prepareModel();
      assertThat(quantizer.keptFloat()).containsOnlyKeys("conv1", "relu2", "fc");
      assertThat(quantizer.keptFloat().get("relu2"))
          .isEqualTo("activations of ReLU() have no bits here");
    }
  }

  @Test
  void moreThan16BitsLeaveFloat() {
    try (Module net = Stripes.net(1);
        Optimizer optimizer = Stripes.sgd(net, 0.05);
        Scope scope = Scope.open()) {
      net.eval();
      Tensor x = Tensors.of(new float[64], 1, 1, 8, 8);
      float[] before = Tensors.toFloats(net.call(x));
      new DorefaQuantizer(net, optimizer, new QBits(32, 32, 32), Overrides.NONE).prepareModel();
      assertThat(Tensors.toFloats(net.call(x))).containsExactly(before);
    }
  }

  @Test
  void refusesWhatHasNoLevels() {
    try (Module net = Stripes.net(1);
        Optimizer optimizer = Stripes.sgd(net, 0.05)) {
      assertThatThrownBy(
              () -> new WRPNQuantizer(net, optimizer, new QBits(4, 1, null), Overrides.NONE))
          .hasMessageContaining("weights of 1 bit, which WRPN has no levels for");
      assertThatThrownBy(() -> new PACTQuantizer(net, optimizer, W4A4, Overrides.NONE, -1, null))
          .hasMessageContaining("act_clip_init_val is -1.0");
    }
  }
}
