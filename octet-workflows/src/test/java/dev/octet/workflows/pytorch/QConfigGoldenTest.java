package dev.octet.workflows.pytorch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.testing.Fields;
import dev.octet.testing.Golden;
import dev.octet.torch.nn.Module;
import dev.octet.workflows.pytorch.observer.ActivationPostProcess;
import dev.octet.workflows.pytorch.observer.FakeQuantizeBase;
import dev.octet.workflows.pytorch.observer.FixedQParamsObserver;
import dev.octet.workflows.pytorch.observer.FusedMovingAvgObsFakeQuantize;
import dev.octet.workflows.pytorch.observer.HistogramObserver;
import dev.octet.workflows.pytorch.observer.MovingAverageMinMaxObserver;
import dev.octet.workflows.pytorch.observer.MovingAveragePerChannelMinMaxObserver;
import dev.octet.workflows.pytorch.observer.NoopObserver;
import dev.octet.workflows.pytorch.observer.ObserverBase;
import dev.octet.workflows.pytorch.observer.ObserverFactory;
import dev.octet.workflows.pytorch.observer.ObserverSettings;
import dev.octet.workflows.pytorch.observer.PlaceholderObserver;
import dev.octet.workflows.pytorch.observer.QParams;
import dev.octet.workflows.pytorch.observer.QuantDtype;
import dev.octet.workflows.pytorch.observer.ReadyMade;
import dev.octet.workflows.pytorch.observer.RecordingObserver;
import dev.octet.workflows.pytorch.observer.ReuseInputObserver;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Against torch 2.13: torch-qconfig.json, but for its module mappings. */
final class QConfigGoldenTest {

  static Stream<Golden> cases(Predicate<String> wanted) {
    return Golden.cases("torch-qconfig", wanted);
  }

  static Stream<Golden> qconfigs() {
    return cases(name -> name.matches("get_default_(qat_)?qconfig_(?!mapping|unknown).*"));
  }

  static Stream<Golden> mappings() {
    return cases(name -> name.contains("qconfig_mapping"));
  }

  static Stream<Golden> unknown() {
    return cases(name -> name.contains("unknown"));
  }

  static Stream<Golden> constants() {
    return cases(name -> name.startsWith("constant_"));
  }

  static Stream<Golden> factories() {
    return cases(name -> name.startsWith("factory_"));
  }

  static Stream<Golden> precedence() {
    return cases(name -> name.equals("precedence"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("qconfigs")
  void backendsHaveTheQConfigsOfPyTorch(Golden golden) {
    Backend backend = Backend.of(golden.params().text("backend"));
    QConfig qconfig =
        golden.params().has("version")
            ? backend.qatQConfig(golden.params().integer("version"))
            : backend.qconfig();
    assertQConfig(golden.expected(), qconfig);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("unknown")
  void anUnknownBackendIsRefused(Golden golden) {
    assertThat(golden.expected().text("error")).contains("not supported");
    assertThatThrownBy(() -> Backend.of(golden.params().text("backend")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("nonsense")
        .hasMessageContaining("fbgemm, x86, qnnpack, onednn, octet");
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("mappings")
  void mappingsHaveTheExceptionsOfPyTorch(Golden golden) {
    QConfigMapping mapping = mapping(golden);
    QConfig global = mapping.globalQConfig();
    assertThat(global).isNotNull();
    assertQConfig(golden.expected().object("global"), global);
    TreeSet<String> types = new TreeSet<>();
    for (Fields type : golden.expected().objects("object_types")) {
      String name = type.text("type");
      assertQConfig(type.object("qconfig"), mapping.forObjectType(name));
      types.add(
          name.substring(name.lastIndexOf('.') + 1).replace("_", "").toLowerCase(Locale.ROOT));
    }
    assertThat(mapping.objectTypes()).containsExactlyInAnyOrderElementsOf(types);
    if (golden.expected().has("module_name")) {
      assertThat(golden.expected().integer("module_name")).isZero();
      assertThat(golden.expected().integer("module_name_regex")).isZero();
      assertThat(mapping.hasNames()).isFalse();
    }
  }

  private static QConfigMapping mapping(Golden golden) {
    return switch (golden.params().text("function")) {
      case "_get_symmetric_qnnpack_qconfig_mapping" -> Backend.symmetricQnnpackMapping();
      case "_get_symmetric_qnnpack_qat_qconfig_mapping" -> Backend.symmetricQnnpackQatMapping();
      case "get_default_qconfig_mapping" ->
          Backend.of(golden.params().text("backend")).qconfigMapping();
      case "get_default_qat_qconfig_mapping" ->
          Backend.of(golden.params().text("backend")).qatQConfigMapping();
      default -> throw new IllegalArgumentException(golden.name());
    };
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("constants")
  void readyQConfigsAreThoseOfPyTorch(Golden golden) throws ReflectiveOperationException {
    String name = golden.params().text("constant").replaceFirst("^_(default_)?", "");
    QConfig qconfig = (QConfig) QConfigs.class.getField(name.toUpperCase(Locale.ROOT)).get(null);
    assertThat(qconfig).isNotNull();
    assertQConfig(golden.expected(), qconfig);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("factories")
  void readyObserversAreThoseOfPyTorch(Golden golden) throws ReflectiveOperationException {
    String name = golden.params().text("factory").toUpperCase(Locale.ROOT);
    ObserverFactory factory = (ObserverFactory) ReadyMade.class.getField(name).get(null);
    assertThat(factory).isNotNull();
    assertFactory(golden.expected(), factory);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("precedence")
  void rulesHaveThePrecedenceOfPyTorch(Golden golden) {
    Map<QConfig, String> names = new HashMap<>();
    Map<String, QConfig> configs = new HashMap<>();
    for (String each : new String[] {"global", "object_type", "regex", "module_name"}) {
      QConfig config = new QConfig(factory(), null);
      names.put(config, each);
      configs.put(each, config);
    }
    QConfigMapping mapping =
        new QConfigMapping()
            .setGlobal(configs.get("global"))
            .setObjectType("Linear", configs.get("object_type"))
            .setModuleNameRegex("block.*fc", configs.get("regex"))
            .setModuleNameRegex("block.*", configs.get("global"))
            .setModuleName("block.a", configs.get("module_name"));
    assertThat(golden.inputs().names()).contains("names");
    String[][] cases = {
      {"fc", "Linear"},
      {"conv", "Conv2d"},
      {"block.1.fc", "Linear"},
      {"block.1.conv", "Conv2d"},
      {"block.a", "Linear"},
      {"block.a.fc", "Linear"},
      {"blockfc2", "Linear"}
    };
    assertThat(Stream.of(cases).map(each -> names.get(mapping.resolve(each[0], each[1]))))
        .containsExactlyElementsOf(golden.expected().texts("resolved"));
  }

  /** One that equals no other. */
  private static ObserverFactory factory() {
    return new ObserverFactory() {
      @Override
      public Module create() {
        return new NoopObserver(QuantDtype.QINT8);
      }
    };
  }

  @Test
  void aCallIsStrongerThanANameAndNullSwitchesOff() {
    QConfig some = QConfigs.DEFAULT_QCONFIG;
    QConfig other = QConfigs.DEFAULT_PER_CHANNEL_QCONFIG;
    QConfigMapping mapping =
        new QConfigMapping()
            .setGlobal(some)
            .setModuleName("a", null)
            .setModuleNameObjectTypeOrder("a", "Conv2d", 1, other);
    assertThat(mapping.resolve("a.conv", "Conv2d", "a", 0)).isNull();
    assertThat(mapping.resolve("a.conv", "Conv2d", "a", 1)).isEqualTo(other);
    assertThat(mapping.resolve("b.conv", "Conv2d", "b", 1)).isEqualTo(some);
    assertThat(new QConfigMapping(mapping).setModuleName("a", some).resolve("a", "Linear"))
        .isEqualTo(some);
    assertThat(mapping.resolve("a", "Linear")).isNull();
    assertThatThrownBy(() -> mapping.setModuleNameRegex("(", some))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("'('");
  }

  private static void assertQConfig(Fields expected, @Nullable QConfig qconfig) {
    assertThat(qconfig).isNotNull();
    if (qconfig == null) {
      return;
    }
    assertFactory(expected.object("activation"), qconfig.activation());
    ObserverFactory weight = qconfig.weight();
    if (weight == null) {
      assertThat(text(expected, "weight")).isEqualTo("null");
    } else {
      assertFactory(expected.object("weight"), weight);
    }
  }

  private static void assertFactory(Fields expected, ObserverFactory factory) {
    try (Module made = factory.create()) {
      Map<String, String> actual = describe(made);
      Map<String, String> wanted = new HashMap<>();
      for (String name : expected.names()) {
        wanted.put(
            name,
            switch (name) {
              case "eps", "averaging_constant", "scale", "zero_point" ->
                  String.valueOf(expected.number(name));
              default -> text(expected, name);
            });
      }
      assertThat(actual).containsExactlyInAnyOrderEntriesOf(wanted);
    }
  }

  /** Null is a value here: the peer has an attribute that holds nothing. */
  private static String text(Fields expected, String name) {
    if (expected.has(name)) {
      return expected.text(name);
    }
    expected.leave(name);
    return "null";
  }

  /** A module's attributes, under PyTorch's names. */
  private static Map<String, String> describe(Module module) {
    Map<String, String> found = new HashMap<>();
    found.put("class", module.getClass().getSimpleName());
    if (!(module instanceof ActivationPostProcess process)) {
      return found;
    }
    found.put("is_dynamic", String.valueOf(process.isDynamic()));
    found.put("dtype", process.dtype().toString());
    ObserverBase observer;
    if (module instanceof FakeQuantizeBase fake) {
      observer = fake.observer();
      found.put("inner_observer", observer.getClass().getSimpleName());
      found.put("is_per_channel", String.valueOf(observer.channelAxis() >= 0));
    } else {
      observer = (ObserverBase) module;
    }
    if (module instanceof FusedMovingAvgObsFakeQuantize fused) {
      found.put("is_symmetric_quant", String.valueOf(fused.isSymmetricQuant()));
    }
    if (observer instanceof RecordingObserver
        || observer instanceof NoopObserver
        || observer instanceof ReuseInputObserver) {
      return found;
    }
    ObserverSettings settings = observer.observerSettings();
    found.put("qscheme", settings.qscheme().toString());
    if (observer instanceof PlaceholderObserver) {
      found.put("quant_min", String.valueOf(settings.quantMin()));
      found.put("quant_max", String.valueOf(settings.quantMax()));
      found.put("eps", String.valueOf(settings.eps()));
      return found;
    }
    found.put("quant_min", String.valueOf(settings.qmin()));
    found.put("quant_max", String.valueOf(settings.qmax()));
    if (observer instanceof FixedQParamsObserver) {
      QParams params = process.calculateQParams();
      found.put("scale", String.valueOf(params.scales()[0]));
      found.put("zero_point", String.valueOf((float) params.zeroPoints()[0]));
      return found;
    }
    found.put("eps", String.valueOf(settings.eps()));
    found.put("reduce_range", String.valueOf(settings.reduceRange()));
    if (observer.channelAxis() >= 0) {
      found.put("ch_axis", String.valueOf(observer.channelAxis()));
    }
    if (observer instanceof HistogramObserver histogram) {
      found.put("bins", String.valueOf(histogram.bins()));
      found.put("upsample_rate", String.valueOf(histogram.upsampleRate()));
    }
    if (observer instanceof MovingAverageMinMaxObserver moving) {
      found.put("averaging_constant", String.valueOf((float) moving.averagingConstant()));
    }
    if (observer instanceof MovingAveragePerChannelMinMaxObserver moving) {
      found.put("averaging_constant", String.valueOf((float) moving.averagingConstant()));
    }
    return found;
  }
}
