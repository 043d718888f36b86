package dev.octet.workflows.pytorch;

import dev.octet.workflows.pytorch.observer.ObserverFactory;
import dev.octet.workflows.pytorch.observer.ReadyMade;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * Where a quantized model is to run, which decides the defaults. The first four have PyTorch's,
 * values of 2.13; a model prepared with any of them runs on Octet's engine.
 */
public enum Backend {
  /** Servers; activations of 7 bits, so that processors without VNNI do not saturate. */
  FBGEMM,

  /** The same values as {@link #FBGEMM}. */
  X86,

  /** Phones; all 8 bits, one range for each weight. */
  QNNPACK,

  /** Servers with VNNI; all 8 bits. */
  ONEDNN,

  /**
   * Octet's engine. Activations use all 8 bits on every processor, since the engine computes in
   * floats what bytes would saturate. Weights have one scale rule from training to conversion, amax
   * / 127 for each output channel, also of transposed convolutions; in training their range is that
   * of the weight as it is, not an average that lags behind it.
   */
  OCTET;

  /** For training and not, unfused and fused, of each kind. */
  private record Defaults(QConfig ptq, QConfig unfusedQat, QConfig qat) {}

  // Made once: qconfigs are equal when their factories are the same objects.
  private static final Defaults REDUCED =
      new Defaults(
          new QConfig(
              ReadyMade.REDUCED_HISTOGRAM_OBSERVER, ReadyMade.DEFAULT_PER_CHANNEL_WEIGHT_OBSERVER),
          new QConfig(
              ReadyMade.DEFAULT_FAKE_QUANT, ReadyMade.DEFAULT_PER_CHANNEL_WEIGHT_FAKE_QUANT),
          new QConfig(
              ReadyMade.REDUCED_FUSED_ACT_FAKE_QUANT,
              ReadyMade.DEFAULT_FUSED_PER_CHANNEL_WT_FAKE_QUANT));
  private static final Defaults PER_TENSOR =
      new Defaults(
          new QConfig(ReadyMade.FULL_HISTOGRAM_OBSERVER, ReadyMade.DEFAULT_WEIGHT_OBSERVER),
          new QConfig(ReadyMade.FULL_FAKE_QUANT, ReadyMade.DEFAULT_WEIGHT_FAKE_QUANT),
          new QConfig(
              ReadyMade.DEFAULT_FUSED_ACT_FAKE_QUANT, ReadyMade.DEFAULT_FUSED_WT_FAKE_QUANT));
  private static final Defaults FULL =
      new Defaults(
          new QConfig(
              ReadyMade.FULL_HISTOGRAM_OBSERVER, ReadyMade.DEFAULT_PER_CHANNEL_WEIGHT_OBSERVER),
          new QConfig(ReadyMade.FULL_FAKE_QUANT, ReadyMade.DEFAULT_PER_CHANNEL_WEIGHT_FAKE_QUANT),
          new QConfig(
              ReadyMade.DEFAULT_FUSED_ACT_FAKE_QUANT,
              ReadyMade.DEFAULT_FUSED_PER_CHANNEL_WT_FAKE_QUANT));
  private static final Defaults OWN =
      new Defaults(
          new QConfig(ReadyMade.FULL_HISTOGRAM_OBSERVER, ReadyMade.OCTET_WEIGHT_OBSERVER),
          new QConfig(ReadyMade.FULL_FAKE_QUANT, ReadyMade.OCTET_WEIGHT_FAKE_QUANT),
          new QConfig(ReadyMade.FULL_FAKE_QUANT, ReadyMade.OCTET_WEIGHT_FAKE_QUANT));

  private static final List<String> TRANSPOSED =
      List.of("ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d");

  private Defaults defaults() {
    return switch (this) {
      case FBGEMM, X86 -> REDUCED;
      case QNNPACK -> PER_TENSOR;
      case ONEDNN -> FULL;
      case OCTET -> OWN;
    };
  }

  /**
   * The backend of a name, as PyTorch writes it.
   *
   * @throws IllegalArgumentException listing the names, for any other
   */
  public static Backend of(String name) {
    return Arrays.stream(values())
        .filter(each -> each.toString().equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "backend '"
                        + name
                        + "' is not supported; there are "
                        + Arrays.toString(values())));
  }

  /** PyTorch's {@code get_default_qconfig}. */
  public QConfig qconfig() {
    return defaults().ptq();
  }

  /** PyTorch's {@code get_default_qat_qconfig}, of its default version 1. */
  public QConfig qatQConfig() {
    return qatQConfig(1);
  }

  /**
   * PyTorch's {@code get_default_qat_qconfig}.
   *
   * @param version 0 for single fake-quantize modules, 1 for those with a fused operator (for
   *     {@link #OCTET} both are single, because the fused operator has a scale rule of its own)
   */
  public QConfig qatQConfig(int version) {
    return switch (version) {
      case 0 -> defaults().unfusedQat();
      case 1 -> defaults().qat();
      default ->
          throw new IllegalArgumentException("version is " + version + "; there are 0 and 1");
    };
  }

  /** PyTorch's {@code get_default_qconfig_mapping}: the qconfig, and exceptions by type. */
  public QConfigMapping qconfigMapping() {
    return mapping(qconfig(), false);
  }

  /** PyTorch's {@code get_default_qat_qconfig_mapping}, of its default version 1. */
  public QConfigMapping qatQConfigMapping() {
    return qatQConfigMapping(1);
  }

  /** PyTorch's {@code get_default_qat_qconfig_mapping}; see {@link #qatQConfig(int)}. */
  public QConfigMapping qatQConfigMapping(int version) {
    return mapping(qatQConfig(version), true);
  }

  /** The mapping of qnnpack with signed activations, whose name PyTorch keeps to itself. */
  public static QConfigMapping symmetricQnnpackMapping() {
    return symmetric(QConfigs.DEFAULT_SYMMETRIC_QNNPACK_QCONFIG, false);
  }

  /** {@link #symmetricQnnpackMapping()} for training. */
  public static QConfigMapping symmetricQnnpackQatMapping() {
    return symmetric(QConfigs.DEFAULT_SYMMETRIC_QNNPACK_QAT_QCONFIG, true);
  }

  private static QConfigMapping symmetric(QConfig qconfig, boolean training) {
    QConfigMapping mapping = new QConfigMapping().setGlobal(qconfig);
    mapping.setObjectType("reshape", qconfig);
    TRANSPOSED.forEach(type -> mapping.setObjectType(type, qconfig));
    mapping.setObjectType("LayerNorm", qconfig).setObjectType("PReLU", qconfig);
    return fixed(mapping, training);
  }

  private QConfigMapping mapping(QConfig qconfig, boolean training) {
    QConfigMapping mapping = new QConfigMapping().setGlobal(qconfig);
    mapping.setObjectType("reshape", QConfigs.DEFAULT_REUSE_INPUT_QCONFIG);
    QConfig transposed = transposed(qconfig, training);
    TRANSPOSED.forEach(type -> mapping.setObjectType(type, transposed));
    mapping.setObjectType(
        "LayerNorm", new QConfig(qconfig.activation(), ReadyMade.DEFAULT_PLACEHOLDER_OBSERVER));
    mapping.setObjectType(
        "PReLU", new QConfig(ReadyMade.FULL_HISTOGRAM_OBSERVER, ReadyMade.QUINT8_WEIGHT_OBSERVER));
    return fixed(mapping, training);
  }

  private QConfig transposed(QConfig qconfig, boolean training) {
    return switch (this) {
      case FBGEMM, X86 -> new QConfig(qconfig.activation(), weight(training));
      case QNNPACK, ONEDNN -> qconfig;
      case OCTET ->
          new QConfig(
              qconfig.activation(),
              training
                  ? ReadyMade.OCTET_TRANSPOSED_WEIGHT_FAKE_QUANT
                  : ReadyMade.OCTET_TRANSPOSED_WEIGHT_OBSERVER);
    };
  }

  private static ObserverFactory weight(boolean training) {
    return training ? ReadyMade.DEFAULT_WEIGHT_FAKE_QUANT : ReadyMade.DEFAULT_WEIGHT_OBSERVER;
  }

  /** Outputs whose range is known whatever goes in. */
  private static QConfigMapping fixed(QConfigMapping mapping, boolean training) {
    QConfig zeroToOne =
        new QConfig(
            training
                ? ReadyMade.DEFAULT_FIXED_QPARAMS_RANGE_0TO1_FAKE_QUANT
                : ReadyMade.DEFAULT_FIXED_QPARAMS_RANGE_0TO1_OBSERVER,
            weight(training));
    for (String type : List.of("Hardsigmoid", "Sigmoid", "Softmax")) {
      mapping.setObjectType(type, zeroToOne);
    }
    return mapping.setObjectType(
        "Tanh",
        new QConfig(
            training
                ? ReadyMade.DEFAULT_FIXED_QPARAMS_RANGE_NEG1TO1_FAKE_QUANT
                : ReadyMade.DEFAULT_FIXED_QPARAMS_RANGE_NEG1TO1_OBSERVER,
            weight(training)));
  }

  /** The name as PyTorch writes it. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
