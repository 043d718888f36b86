package dev.octet.torch.quant.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.core.descriptor.Granularity;
import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.core.rules.Rule;
import dev.octet.core.rules.Rules;
import dev.octet.core.rules.Settings;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Activation;
import dev.octet.torch.nn.BatchNorm2d;
import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.nn.ConvTranspose2d;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.MaxPool2d;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.Sequential;
import dev.octet.torch.quant.TensorQuantizer;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;

final class ReplacementTest {
  /** One convolution twice, then the rest. */
  private static final class Net extends Module {
    final Child<Conv2d> first;
    final Child<Conv2d> again;
    final Child<Module> rest;

    Net() {
      Conv2d shared = Conv2d.builder(2, 2, 3).padding(1).build();
      first = child("first", shared);
      again = child("again", shared);
      rest =
          child(
              "rest",
              new Sequential(
                  BatchNorm2d.builder(2).build(),
                  MaxPool2d.builder(2).build(),
                  ConvTranspose2d.builder(2, 3, 2).build()));
    }

    @Override
    protected Tensor forward(Tensor x) {
      return rest.call(again.call(first.call(x)));
    }
  }

  private static Tensor input() {
    return torch.randn(2, 2, 6, 6);
  }

  private static List<String> places(Replacement done) {
    return done.replaced().stream().flatMap(each -> each.places().stream()).toList();
  }

  @Test
  void replacesSharedLayersOnceAndSaysWhyOthersStay() {
    try (Net net = new Net()) {
      Replacement done = QuantModules.replace(net, Rules.NONE);
      assertThat(done.replaced())
          .extracting(Replacement.Replaced::places)
          .containsExactly(List.of("first", "again"), List.of("rest.2"));
      assertThat(net.get("first")).isInstanceOf(QuantConv2d.class).isSameAs(net.get("again"));
      assertThat(net.first.get()).isSameAs(net.get("first"));
      assertThat(done.kept())
          .extracting(Replacement.Kept::path)
          .containsExactly("rest.0", "rest.1");
      assertThat(done.kept().get(1).reason()).contains("QuantModules.twin(MaxPool2d.class)");
      assertThat(done.toString()).contains("first, again: Conv2d -> QuantConv2d").contains("stays");
      done.commit();
    }
  }

  @Test
  void undoGivesBackTheSameOutputs() {
    Torch.seed(1);
    try (Net net = new Net();
        Scope scope = Scope.open()) {
      net.eval();
      Tensor x = input();
      float[] before = Tensors.toFloats(net.call(x));
      Module original = net.get("first");
      Replacement done = QuantModules.replace(net, Rules.NONE);
      assertThat(net.get("first").isTraining()).isFalse();
      assertThat(Tensors.toFloats(net.call(x))).isNotEqualTo(before);
      done.undo();
      done.undo();
      assertThat(net.get("first")).isSameAs(original);
      assertThat(Tensors.toFloats(net.call(x))).isEqualTo(before);
      // Closing the quantized layers must have left the parameters alone.
      done.commit();
      assertThat(Tensors.toFloats(net.call(x))).isEqualTo(before);
    }
  }

  @Test
  void undoIsRefusedWhenItCannotBeDone() {
    try (Net net = new Net();
        Scope scope = Scope.open()) {
      Replacement first = QuantModules.replace(net, Rules.NONE);
      Module there = net.replace("rest.2", Linear.builder(1, 1).build());
      assertThatThrownBy(first::undo)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("rest.2");
      assertThat(net.get("first")).isInstanceOf(QuantConv2d.class);
      net.replace("rest.2", there).close();
      first.commit();
      assertThatThrownBy(first::undo)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("toFloat");
      assertThat(net.call(input()).defined()).isTrue();
    }
  }

  @Test
  void aSecondTimeChangesNothing() {
    try (Net net = new Net()) {
      QuantModules.replace(net, Rules.NONE).commit();
      Replacement again = QuantModules.replace(net, Rules.NONE);
      assertThat(again.replaced()).isEmpty();
      assertThat(again.kept())
          .filteredOn(each -> each.reason().contains("already"))
          .extracting(Replacement.Kept::path)
          .containsExactly("first", "rest.2");
    }
  }

  @Test
  void followsRules() {
    Settings perChannel = new Settings(4, null, null, null, Granularity.perAxis(0), null, null);
    Settings sixBits = new Settings(6, null, null, null, null, null, null);
    Rules rules =
        Rules.of(
            Rule.keepFloat("first", null),
            new Rule(null, "ConvTranspose2d", false, perChannel, sixBits),
            Rule.keepFloat("nowhere", null));
    try (Net net = new Net()) {
      Replacement done = QuantModules.replace(net, rules);
      assertThat(places(done)).containsExactly("rest.2");
      assertThat(done.kept().get(0).reason()).contains("'first'");
      assertThat(done.warnings()).singleElement().asString().contains("nowhere");
      QuantConvTranspose2d layer = (QuantConvTranspose2d) net.get("rest.2");
      QuantDescriptor weight = layer.weightQuantizers().get(0).config().descriptor();
      assertThat(weight.bits()).isEqualTo(4);
      assertThat(weight.granularity()).isEqualTo(Granularity.perAxis(1));
      assertThat(layer.inputQuantizers().get(0).numBits()).isEqualTo(6);
      done.undo();
    }
  }

  @Test
  void replacesLayersOnRequest() {
    try (Net net = new Net()) {
      Replacement done =
          QuantModules.replace(
              net,
              Rules.NONE,
              List.of(QuantModules.twin(MaxPool2d.class), QuantModules.twin(BatchNorm2d.class)));
      assertThat(places(done)).containsExactly("first", "again", "rest.0", "rest.1", "rest.2");
      assertThat(done.kept()).isEmpty();
      done.undo();
    }
  }

  @Test
  void cannotReplaceTheModelItself() {
    try (Module conv = Conv2d.builder(1, 1, 1).build()) {
      Replacement done = QuantModules.replace(conv, Rules.NONE);
      assertThat(done.replaced()).isEmpty();
      assertThat(done.kept()).singleElement().asString().contains("Sequential");
    }
  }

  @Test
  void leavesQuantizersAndActivationsAlone() {
    try (Module net =
        new Sequential(new TensorQuantizer(QuantDescriptor.int8Activation()), Activation.relu())) {
      Replacement done = QuantModules.replace(net, Rules.NONE);
      assertThat(done.replaced()).isEmpty();
      assertThat(done.kept()).extracting(Replacement.Kept::path).containsExactly("1");
    }
  }

  @Test
  void keepsFrozenParametersFrozen() {
    try (Net net = new Net()) {
      net.get("first").ownParameters().get("weight").set_requires_grad(false);
      Replacement done = QuantModules.replace(net, Rules.NONE);
      assertThat(net.get("first").ownParameters().get("weight").requires_grad()).isFalse();
      assertThat(net.get("first").ownParameters().get("bias").requires_grad()).isTrue();
      done.undo();
      assertThat(net.get("first").ownParameters().get("weight").requires_grad()).isFalse();
    }
  }
}
