package dev.octet.workflows.pytorch.fx;

import dev.octet.workflows.pytorch.observer.QuantDtype;
import java.util.ArrayList;
import java.util.List;

/**
 * The backends that PyTorch ships, with the operators and types that its backend configurations
 * list (torch/ao/quantization/backend_config, 2.6), and Octet's engine.
 *
 * <p>Splitting a tensor counts among the operators that keep their input's parameters, which
 * PyTorch leaves out of its lists.
 */
final class ReadyMadeBackends {
  private static final ObservationType SHARED = ObservationType.OUTPUT_SHARE_OBSERVER_WITH_INPUT;

  private static final List<String> KEEP_PARAMETERS =
      List.of(
          "AdaptiveAvgPool1d",
          "AdaptiveAvgPool2d",
          "AdaptiveAvgPool3d",
          "AvgPool1d",
          "AvgPool2d",
          "AvgPool3d",
          "MaxPool1d",
          "MaxPool2d",
          "MaxPool3d",
          "ReLU",
          "ReLU6",
          "Hardtanh",
          "Identity",
          "PixelShuffle",
          "PixelUnshuffle",
          "interpolate",
          "flatten",
          "mean",
          "narrow",
          "repeat",
          "reshape",
          "split",
          "squeeze",
          "transpose",
          "unsqueeze");

  private static final List<String> FUNCTIONS =
      List.of(
          "ELU",
          "LeakyReLU",
          "Hardswish",
          "PReLU",
          "InstanceNorm1d",
          "InstanceNorm2d",
          "InstanceNorm3d",
          "GroupNorm");

  private static final DTypeWithConstraints QUINT8 = DTypeWithConstraints.of(QuantDtype.QUINT8);
  private static final DTypeWithConstraints QINT8 = DTypeWithConstraints.of(QuantDtype.QINT8);
  private static final DTypeConfig WEIGHTED = DTypeConfig.of(QUINT8, QINT8);
  private static final DTypeConfig PLAIN = DTypeConfig.of(QUINT8);
  private static final DTypeConfig DYNAMIC = DTypeConfig.dynamic(QUINT8, QINT8);
  private static final DTypeConfig HALF =
      DTypeConfig.dynamic(QuantDtype.FLOAT16, QuantDtype.FLOAT16);
  private static final List<DTypeConfig> TABLES =
      List.of(
          DTypeConfig.weightOnly(QuantDtype.QUINT8), DTypeConfig.weightOnly(QuantDtype.QUINT4X2));

  private ReadyMadeBackends() {}

  static BackendConfig of(String backend) {
    return switch (backend) {
      case "native" -> nativeBackend();
      case "fbgemm", "x86" -> server(backend);
      case "qnnpack" -> qnnpack("qnnpack", true);
      case "executorch" -> qnnpack("executorch", false);
      case "onednn" -> onednn();
      case "tensorrt" -> tensorrt();
      case "octet" -> octet();
      default ->
          throw new IllegalArgumentException(
              "no backend '"
                  + backend
                  + "'; there are native, fbgemm, x86, qnnpack, onednn, tensorrt, executorch and"
                  + " octet");
    };
  }

  private static BackendConfig server(String name) {
    return BackendConfig.of(name)
        .backendPatternConfigs(convolutions(List.of(WEIGHTED)))
        .backendPatternConfigs(linear(List.of(WEIGHTED, DYNAMIC, HALF)))
        .backendPatternConfigs(binary(List.of(PLAIN)))
        .backendPatternConfigs(shared(List.of(PLAIN)))
        .backendPatternConfigs(functions(List.of(PLAIN)))
        .backendPatternConfigs(fixed(List.of(PLAIN)))
        .backendPatternConfigs(norms(List.of(PLAIN)))
        .backendPatternConfigs(recurrent(List.of(DYNAMIC, HALF)))
        .backendPatternConfigs(embeddings(TABLES));
  }

  private static BackendConfig nativeBackend() {
    return server("native")
        .backendPatternConfig(BackendPatternConfig.of("LayerNorm").dtypeConfigs(PLAIN))
        .backendPatternConfigs(notObserved());
  }

  private static List<BackendPatternConfig> notObserved() {
    return List.of(
        BackendPatternConfig.of("shape")
            .observationType(ObservationType.INPUT_OUTPUT_NOT_OBSERVED)
            .dtypeConfigs(PLAIN));
  }

  private static BackendConfig onednn() {
    List<DTypeConfig> weighted = List.of(WEIGHTED);
    List<DTypeConfig> linear = List.of(WEIGHTED, DYNAMIC);
    return BackendConfig.of("onednn")
        .backendPatternConfigs(convolutions(weighted))
        .backendPatternConfigs(
            List.of(
                fused("ConvAdd2d", weighted, "Conv2d", "add"),
                fused("ConvAdd2d", weighted, "Conv2d", "BatchNorm2d", "add"),
                fused("ConvAddReLU2d", weighted, "Conv2d", "add", "ReLU"),
                fused("ConvAddReLU2d", weighted, "Conv2d", "BatchNorm2d", "add", "ReLU")))
        .backendPatternConfigs(linear(linear))
        .backendPatternConfigs(
            List.of(
                fused("LinearLeakyReLU", linear, "Linear", "LeakyReLU"),
                fused("LinearLeakyReLU", linear, "Linear", "BatchNorm1d", "LeakyReLU"),
                fused("LinearTanh", linear, "Linear", "Tanh")))
        .backendPatternConfigs(binary(List.of(PLAIN)))
        .backendPatternConfigs(shared(List.of(PLAIN)))
        .backendPatternConfigs(functions(List.of(PLAIN)))
        .backendPatternConfigs(fixed(List.of(PLAIN)))
        .backendPatternConfigs(norms(List.of(PLAIN)))
        .backendPatternConfig(BackendPatternConfig.of("LayerNorm").dtypeConfigs(PLAIN))
        .backendPatternConfigs(recurrent(List.of(DYNAMIC)))
        .backendPatternConfigs(embeddings(List.of(DTypeConfig.weightOnly(QuantDtype.QUINT8))));
  }

  /** Scales from 2^-12, weights from -127: what XNNPACK's kernels need for qint8. */
  private static BackendConfig qnnpack(String name, boolean unsignedToo) {
    float least = 0x1p-12f;
    DTypeWithConstraints signed = QINT8.withLeastScale(least);
    DTypeWithConstraints unsigned = QUINT8.withLeastScale(least);
    DTypeWithConstraints weight = QINT8.withRange(-127, 127).withLeastScale(least);
    List<DTypeConfig> weighted = new ArrayList<>(List.of(DTypeConfig.of(signed, weight)));
    List<DTypeConfig> plain = new ArrayList<>(List.of(DTypeConfig.of(signed)));
    List<DTypeConfig> dynamic = new ArrayList<>(List.of(DTypeConfig.dynamic(signed, weight)));
    if (unsignedToo) {
      weighted.add(WEIGHTED);
      plain.add(PLAIN);
      dynamic.add(DYNAMIC);
    } else {
      weighted.add(DTypeConfig.of(unsigned, weight));
      plain.add(DTypeConfig.of(unsigned));
      dynamic.add(DTypeConfig.dynamic(unsigned, weight));
    }
    dynamic.add(HALF);
    List<DTypeConfig> linear = new ArrayList<>(weighted);
    linear.addAll(dynamic);
    List<DTypeConfig> tables = new ArrayList<>(TABLES);
    tables.add(0, DTypeConfig.weightOnly(weight));
    return BackendConfig.of(name)
        .backendPatternConfigs(convolutions(weighted))
        .backendPatternConfigs(linear(linear))
        .backendPatternConfigs(binary(plain))
        .backendPatternConfigs(shared(plain))
        .backendPatternConfigs(functions(plain))
        .backendPatternConfigs(fixed(List.of(PLAIN)))
        .backendPatternConfigs(norms(plain))
        .backendPatternConfigs(recurrent(dynamic))
        .backendPatternConfigs(embeddings(unsignedToo ? TABLES : tables));
  }

  private static BackendConfig tensorrt() {
    List<DTypeConfig> weighted = List.of(DTypeConfig.of(QINT8, QINT8));
    List<DTypeConfig> plain = List.of(DTypeConfig.of(QINT8));
    return BackendConfig.of("tensorrt")
        .backendPatternConfigs(convolutions(weighted))
        .backendPatternConfigs(linear(weighted))
        .backendPatternConfigs(binary(plain))
        .backendPatternConfigs(shared(plain));
  }

  /**
   * What Octet's engine computes on integers and gains by it. Functions that cost a table look-up
   * in float as in integers, normalizations and softmax stay float; a lone number that is
   * multiplied or added does not widen the range of what it meets.
   */
  private static BackendConfig octet() {
    List<DTypeConfig> weighted = List.of(WEIGHTED, DTypeConfig.of(QINT8, QINT8));
    List<DTypeConfig> plain = List.of(PLAIN, DTypeConfig.of(QINT8));
    List<DTypeConfig> linear = new ArrayList<>(weighted);
    linear.addAll(List.of(DYNAMIC, HALF, DTypeConfig.weightOnly(QuantDtype.QINT8)));
    return BackendConfig.of("octet")
        .quantizedOutputs(false)
        .backendPatternConfigs(convolutions(weighted))
        .backendPatternConfigs(
            List.of(
                fused("ConvAdd2d", weighted, "Conv2d", "add"),
                fused("ConvAdd2d", weighted, "Conv2d", "BatchNorm2d", "add"),
                fused("ConvAddReLU2d", weighted, "Conv2d", "add", "ReLU"),
                fused("ConvAddReLU2d", weighted, "Conv2d", "BatchNorm2d", "add", "ReLU"),
                fused("ConvReLU62d", weighted, "Conv2d", "ReLU6"),
                fused("ConvReLU62d", weighted, "Conv2d", "BatchNorm2d", "ReLU6")))
        .backendPatternConfigs(linear(linear))
        .backendPatternConfigs(
            binary(plain).stream()
                .map(
                    config ->
                        config.observationTypeOfOneTensor(
                            ObservationType.OUTPUT_USE_DIFFERENT_OBSERVER_AS_INPUT))
                .toList())
        .backendPatternConfigs(shared(plain))
        .backendPatternConfigs(recurrent(List.of(DYNAMIC, HALF)))
        .backendPatternConfigs(embeddings(TABLES));
  }

  private static BackendPatternConfig fused(
      String name, List<DTypeConfig> types, String... pattern) {
    return BackendPatternConfig.of(pattern).dtypeConfigs(types).fusedModule(name);
  }

  private static List<BackendPatternConfig> convolutions(List<DTypeConfig> types) {
    List<BackendPatternConfig> configs = new ArrayList<>();
    for (int dims = 1; dims <= 3; dims++) {
      String d = dims + "d";
      String conv = "Conv" + d;
      String norm = "BatchNorm" + d;
      String turned = "ConvTranspose" + d;
      configs.add(BackendPatternConfig.of(conv).dtypeConfigs(types));
      configs.add(fused("ConvReLU" + d, types, conv, "ReLU"));
      configs.add(fused("ConvBn" + d, types, conv, norm));
      configs.add(fused("ConvBnReLU" + d, types, conv, norm, "ReLU"));
      configs.add(BackendPatternConfig.of(turned).dtypeConfigs(types));
      configs.add(fused("ConvTransposeBn" + d, types, turned, norm));
    }
    return configs;
  }

  private static List<BackendPatternConfig> linear(List<DTypeConfig> types) {
    return List.of(
        BackendPatternConfig.of("Linear").dtypeConfigs(types),
        fused("LinearReLU", types, "Linear", "ReLU"),
        fused("LinearBn1d", types, "Linear", "BatchNorm1d"));
  }

  private static List<BackendPatternConfig> binary(List<DTypeConfig> types) {
    List<BackendPatternConfig> configs = new ArrayList<>();
    for (String operator : List.of("add", "mul")) {
      configs.add(
          BackendPatternConfig.of(operator).dtypeConfigs(types).observationTypeOfOneTensor(SHARED));
      configs.add(
          fused(operator + "_relu", types, operator, "ReLU").observationTypeOfOneTensor(SHARED));
    }
    configs.add(BackendPatternConfig.of("matmul").dtypeConfigs(types));
    return configs;
  }

  private static List<BackendPatternConfig> shared(List<DTypeConfig> types) {
    List<BackendPatternConfig> configs = new ArrayList<>();
    configs.add(BackendPatternConfig.of("cat").observationType(SHARED).dtypeConfigs(types));
    for (String operator : KEEP_PARAMETERS) {
      configs.add(BackendPatternConfig.of(operator).observationType(SHARED).dtypeConfigs(types));
    }
    return configs;
  }

  private static List<BackendPatternConfig> functions(List<DTypeConfig> types) {
    return FUNCTIONS.stream()
        .map(operator -> BackendPatternConfig.of(operator).dtypeConfigs(types))
        .toList();
  }

  /** Functions whose results have the same range whatever goes in. */
  private static List<BackendPatternConfig> fixed(List<DTypeConfig> types) {
    List<BackendPatternConfig> configs = new ArrayList<>();
    for (String operator : List.of("Hardsigmoid", "Sigmoid", "Softmax", "Tanh")) {
      boolean signed = operator.equals("Tanh");
      configs.add(
          BackendPatternConfig.of(operator)
              .dtypeConfigs(
                  types.stream()
                      .map(
                          type ->
                              DTypeConfig.of(
                                  type.input()
                                      .withRange(0, 255)
                                      .withExactly(signed ? 2 / 256f : 1 / 256f, signed ? 128 : 0)))
                      .toList()));
    }
    return configs;
  }

  private static List<BackendPatternConfig> norms(List<DTypeConfig> types) {
    List<BackendPatternConfig> configs = new ArrayList<>();
    for (String d : List.of("2d", "3d")) {
      configs.add(BackendPatternConfig.of("BatchNorm" + d).dtypeConfigs(types));
      configs.add(fused("BNReLU" + d, types, "BatchNorm" + d, "ReLU"));
    }
    return configs;
  }

  private static List<BackendPatternConfig> recurrent(List<DTypeConfig> types) {
    List<BackendPatternConfig> configs = new ArrayList<>();
    for (String layer : List.of("LSTM", "GRU", "LSTMCell", "GRUCell", "RNNCell")) {
      configs.add(BackendPatternConfig.of(layer).dtypeConfigs(types));
    }
    return configs;
  }

  private static List<BackendPatternConfig> embeddings(List<DTypeConfig> types) {
    return List.of(
        BackendPatternConfig.of("Embedding").dtypeConfigs(types),
        BackendPatternConfig.of("EmbeddingBag").dtypeConfigs(types));
  }
}
