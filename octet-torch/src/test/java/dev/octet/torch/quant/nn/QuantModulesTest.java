package dev.octet.torch.quant.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.core.descriptor.Granularity;
import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.nn.ConvTranspose2d;
import dev.octet.torch.nn.LSTM;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.MaxPool2d;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.Sequential;
import dev.octet.torch.quant.QuantizerConfig;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class QuantModulesTest {
  private static final class OwnConv extends Conv2d {
    OwnConv() {
      super(new Builder<>(2, false, settings -> new OwnConv(), 1, 1, 1));
    }
  }

  private static final class OwnLinear extends Linear {
    OwnLinear(Linear from) {
      super(from);
    }
  }

  @AfterEach
  void resetDefaults() {
    QuantConv2d.DEFAULTS.reset();
  }

  private static Module conv() {
    return Conv2d.builder(2, 3, 1).build();
  }

  private static Module linear() {
    return Linear.builder(2, 3).build();
  }

  @Test
  void quantizesWhatIsBuiltInside() {
    try (QuantModules scope = QuantModules.initialize();
        Module conv = conv();
        Module linear = linear();
        Module lstm = LSTM.builder(2, 3).build();
        Module pool = MaxPool2d.builder(2).build()) {
      assertThat(conv).isInstanceOf(QuantConv2d.class);
      assertThat(linear).isInstanceOf(QuantLinear.class);
      assertThat(lstm).isInstanceOf(QuantLSTM.class);
      assertThat(pool).isExactlyInstanceOf(MaxPool2d.class);
      scope.deactivate();
      try (Module after = conv()) {
        assertThat(after).isExactlyInstanceOf(Conv2d.class);
      }
    }
  }

  @Test
  void leavesFloatWhatIsNamedAndQuantizesWhatIsAskedFor() {
    try (QuantModules scope =
            QuantModules.initialize(
                List.of("Linear", "Conv2d"),
                List.of(
                    QuantModules.twin(MaxPool2d.class), Twin.of(Linear.class, OwnLinear::new)));
        Module conv = conv();
        Module linear = linear();
        Module pool = MaxPool2d.builder(2).build()) {
      assertThat(conv).isExactlyInstanceOf(Conv2d.class);
      assertThat(linear).isInstanceOf(OwnLinear.class);
      assertThat(pool).isInstanceOf(QuantMaxPool2d.class);
    }
  }

  @Test
  void refusesNamesItDoesNotKnow() {
    assertThatThrownBy(() -> QuantModules.initialize(List.of("Conv2D"), List.of()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("'Conv2D'")
        .hasMessageContaining("Conv2d");
    try (Module conv = conv()) {
      assertThat(conv).isExactlyInstanceOf(Conv2d.class);
    }
    assertThatThrownBy(() -> QuantModules.twin(Sequential.class))
        .hasMessageContaining("Sequential");
  }

  @Test
  void nestsAndClosesTwice() {
    try (QuantModules outer = QuantModules.initialize()) {
      QuantModules inner = QuantModules.initialize(List.of("Conv2d"), List.of());
      try (Module conv = conv()) {
        assertThat(conv).isExactlyInstanceOf(Conv2d.class);
      }
      inner.close();
      inner.close();
      try (QuantModules again = QuantModules.initialize();
          Module conv = conv()) {
        assertThat(conv).isExactlyInstanceOf(QuantConv2d.class);
        assertThat(conv.stateDict()).hasSize(2);
      }
      try (Module conv = conv()) {
        assertThat(conv).isInstanceOf(QuantConv2d.class);
      }
      outer.close();
      outer.close();
    }
    try (Module conv = conv()) {
      assertThat(conv).isExactlyInstanceOf(Conv2d.class);
    }
  }

  @Test
  void closesWhenSomethingInsideFails() {
    assertThatThrownBy(
            () -> {
              try (QuantModules scope = QuantModules.initialize()) {
                Conv2d.builder(2, 3, 0).build();
              }
            })
        .isInstanceOf(IllegalArgumentException.class);
    try (Module conv = conv()) {
      assertThat(conv).isExactlyInstanceOf(Conv2d.class);
    }
  }

  @Test
  void holdsForItsThreadAlone() throws InterruptedException {
    AtomicReference<Module> built = new AtomicReference<>();
    AtomicReference<Throwable> refused = new AtomicReference<>();
    try (QuantModules scope = QuantModules.initialize()) {
      Thread other = new Thread(() -> built.set(conv()));
      other.start();
      other.join();
      Thread closing = new Thread(scope::close);
      closing.setUncaughtExceptionHandler((thread, e) -> refused.set(e));
      closing.start();
      closing.join();
      try (Module conv = conv()) {
        assertThat(conv).isInstanceOf(QuantConv2d.class);
      }
    }
    assertThat(built.get()).isExactlyInstanceOf(Conv2d.class);
    assertThat(refused.get())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("main");
    built.get().close();
  }

  @Test
  void leavesSubclassesAlone() {
    try (QuantModules scope = QuantModules.initialize();
        Module own = new OwnConv()) {
      assertThat(own).isExactlyInstanceOf(OwnConv.class);
    }
  }

  @Test
  void refusesATwinThatIsNone() {
    try (QuantModules scope =
        QuantModules.initialize(List.of(), List.of(Twin.of(Linear.class, from -> from)))) {
      assertThatThrownBy(QuantModulesTest::linear)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("Linear");
    }
  }

  @Test
  void describesLayersAsTheOriginalUnlessToldOtherwise() {
    QuantDescriptor perTensor = QuantDescriptor.builder().build();
    assertThat(QuantConv2d.DEFAULTS.input()).isEqualTo(QuantizerConfig.of(perTensor));
    assertThat(QuantConv2d.DEFAULTS.weight().descriptor().granularity())
        .isEqualTo(Granularity.perAxis(0));
    assertThat(QuantConvTranspose2d.DEFAULTS.weight().descriptor().granularity())
        .isEqualTo(Granularity.perAxis(1));
    QuantConv2d.DEFAULTS.setInput(perTensor.toBuilder().bits(4).build());
    QuantConv2d.DEFAULTS.setWeight(perTensor.toBuilder().bits(3).build());
    try (Conv2d plain = Conv2d.builder(2, 3, 1).build();
        QuantConv2d quantized = QuantConv2d.from(plain);
        QuantConv2d built = QuantConv2d.builder(2, 3, 1).build();
        QuantLinear other = QuantLinear.builder(2, 3).build()) {
      for (QuantConv2d each : List.of(quantized, built)) {
        assertThat(each.inputQuantizers().get(0).numBits()).isEqualTo(4);
        assertThat(each.weightQuantizers().get(0).numBits()).isEqualTo(3);
      }
      assertThat(other.inputQuantizers().get(0).numBits()).isEqualTo(8);
    }
    QuantConv2d.DEFAULTS.reset();
    assertThat(QuantConv2d.DEFAULTS.input().descriptor().bits()).isEqualTo(8);
    assertThat(QuantConv2d.DEFAULTS.weight().descriptor().bits()).isEqualTo(8);
  }

  @Test
  void namesStateAsTheOriginalDoes() {
    try (QuantConv2d conv = QuantConv2d.builder(2, 3, 1).build();
        LSTM plain = LSTM.builder(2, 3).bidirectional(true).build();
        QuantLSTM lstm = QuantLSTM.from(plain);
        ConvTranspose2d transposed = QuantConvTranspose2d.builder(2, 3, 1).build()) {
      conv.inputQuantizers().get(0).amax(2);
      conv.weightQuantizers().get(0).amax(3);
      assertThat(conv.stateDict().keySet())
          .containsExactly("weight", "bias", "_input_quantizer._amax", "_weight_quantizer._amax");
      assertThat(lstm.modules().keySet())
          .containsExactly(
              "",
              "_input_quantizers",
              "_input_quantizers.0",
              "_input_quantizers.1",
              "_weight_quantizers",
              "_weight_quantizers.0",
              "_weight_quantizers.1");
      assertThat(transposed.children().keySet())
          .containsExactly("_input_quantizer", "_weight_quantizer");
    }
  }
}
