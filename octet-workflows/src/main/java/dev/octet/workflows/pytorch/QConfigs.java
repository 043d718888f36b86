package dev.octet.workflows.pytorch;

import dev.octet.torch.nn.Identity;
import dev.octet.workflows.pytorch.observer.ReadyMade;

/**
 * The qconfigs that PyTorch has ready, under its names; those of the backends come from {@link
 * Backend}.
 */
public final class QConfigs {
  /** Extremes; one range for each weight. */
  public static final QConfig DEFAULT_QCONFIG =
      new QConfig(ReadyMade.DEFAULT_OBSERVER, ReadyMade.DEFAULT_WEIGHT_OBSERVER);

  /** Extremes; a range for each output channel of weights. */
  public static final QConfig DEFAULT_PER_CHANNEL_QCONFIG =
      new QConfig(ReadyMade.DEFAULT_OBSERVER, ReadyMade.DEFAULT_PER_CHANNEL_WEIGHT_OBSERVER);

  /** Dynamic; one range for each weight. */
  public static final QConfig DEFAULT_DYNAMIC_QCONFIG =
      new QConfig(ReadyMade.DEFAULT_DYNAMIC_QUANT_OBSERVER, ReadyMade.DEFAULT_WEIGHT_OBSERVER);

  /** Dynamic; a range for each output channel of weights. */
  public static final QConfig PER_CHANNEL_DYNAMIC_QCONFIG =
      new QConfig(
          ReadyMade.DEFAULT_DYNAMIC_QUANT_OBSERVER, ReadyMade.DEFAULT_PER_CHANNEL_WEIGHT_OBSERVER);

  /**
   * Dynamic, with a range for each row of activations; not in PyTorch's eager mode, and not in
   * graph mode here, which refuses it.
   */
  public static final QConfig PER_TOKEN_DYNAMIC_QCONFIG =
      new QConfig(ReadyMade.PER_TOKEN_DYNAMIC_OBSERVER, ReadyMade.OCTET_WEIGHT_OBSERVER);

  /** Weights of 16 bits, computed in floats. */
  public static final QConfig FLOAT16_DYNAMIC_QCONFIG =
      new QConfig(
          ReadyMade.FLOAT16_DYNAMIC_PLACEHOLDER_OBSERVER, ReadyMade.FLOAT16_PLACEHOLDER_OBSERVER);

  /** Weights and activations of 16 bits. */
  public static final QConfig FLOAT16_STATIC_QCONFIG =
      new QConfig(ReadyMade.FLOAT16_PLACEHOLDER_OBSERVER, ReadyMade.FLOAT16_PLACEHOLDER_OBSERVER);

  /** Embeddings of 8 bits, each row with its own range. */
  public static final QConfig FLOAT_QPARAMS_WEIGHT_ONLY_QCONFIG =
      new QConfig(ReadyMade.DEFAULT_PLACEHOLDER_OBSERVER, ReadyMade.DEFAULT_FLOAT_QPARAMS_OBSERVER);

  /** Embeddings of 4 bits, each row with its own range. */
  public static final QConfig FLOAT_QPARAMS_WEIGHT_ONLY_QCONFIG_4BIT =
      new QConfig(
          ReadyMade.DEFAULT_PLACEHOLDER_OBSERVER, ReadyMade.DEFAULT_FLOAT_QPARAMS_OBSERVER_4BIT);

  /** Training; unfused. */
  public static final QConfig DEFAULT_QAT_QCONFIG =
      new QConfig(ReadyMade.DEFAULT_FAKE_QUANT, ReadyMade.DEFAULT_WEIGHT_FAKE_QUANT);

  /** Training; fused. */
  public static final QConfig DEFAULT_QAT_QCONFIG_V2 =
      new QConfig(ReadyMade.DEFAULT_FUSED_ACT_FAKE_QUANT, ReadyMade.DEFAULT_FUSED_WT_FAKE_QUANT);

  /** Training for a dynamic conversion. */
  public static final QConfig DEFAULT_DYNAMIC_QAT_QCONFIG =
      new QConfig(ReadyMade.DEFAULT_DYNAMIC_FAKE_QUANT, ReadyMade.DEFAULT_WEIGHT_FAKE_QUANT);

  /** Training of embeddings of 8 bits. */
  public static final QConfig DEFAULT_EMBEDDING_QAT_QCONFIG =
      new QConfig(ReadyMade.NOOP_FLOAT32_OBSERVER, ReadyMade.DEFAULT_EMBEDDING_FAKE_QUANT);

  /** Training of embeddings of 4 bits. */
  public static final QConfig DEFAULT_EMBEDDING_QAT_QCONFIG_4BIT =
      new QConfig(ReadyMade.NOOP_FLOAT32_OBSERVER, ReadyMade.DEFAULT_EMBEDDING_FAKE_QUANT_4BIT);

  /** Training with weights alone fake-quantized. */
  public static final QConfig DEFAULT_WEIGHT_ONLY_QCONFIG =
      new QConfig(Identity::new, ReadyMade.DEFAULT_WEIGHT_FAKE_QUANT);

  /** Training with activations alone fake-quantized. */
  public static final QConfig DEFAULT_ACTIVATION_ONLY_QCONFIG =
      new QConfig(ReadyMade.DEFAULT_FAKE_QUANT, Identity::new);

  /** Keeps all activations. */
  public static final QConfig DEFAULT_DEBUG_QCONFIG =
      new QConfig(ReadyMade.DEFAULT_DEBUG_OBSERVER, ReadyMade.DEFAULT_WEIGHT_OBSERVER);

  /** Outputs keep the input's parameters. */
  public static final QConfig DEFAULT_REUSE_INPUT_QCONFIG =
      new QConfig(ReadyMade.DEFAULT_REUSE_INPUT_OBSERVER, ReadyMade.NOOP_OBSERVER);

  /** Signed activations of least scale 2^-12, weights of −127 to 127. */
  public static final QConfig DEFAULT_SYMMETRIC_QNNPACK_QCONFIG =
      new QConfig(
          ReadyMade.QINT8_HISTOGRAM_OBSERVER, ReadyMade.WEIGHT_OBSERVER_RANGE_NEG_127_TO_127);

  /** The same with a range for each output channel of weights. */
  public static final QConfig DEFAULT_PER_CHANNEL_SYMMETRIC_QNNPACK_QCONFIG =
      new QConfig(
          ReadyMade.QINT8_HISTOGRAM_OBSERVER,
          ReadyMade.PER_CHANNEL_WEIGHT_OBSERVER_RANGE_NEG_127_TO_127);

  /** {@link #DEFAULT_SYMMETRIC_QNNPACK_QCONFIG} for training. */
  public static final QConfig DEFAULT_SYMMETRIC_QNNPACK_QAT_QCONFIG =
      new QConfig(
          ReadyMade.QINT8_FUSED_ACT_FAKE_QUANT, ReadyMade.FUSED_WT_FAKE_QUANT_RANGE_NEG_127_TO_127);

  /** {@link #DEFAULT_PER_CHANNEL_SYMMETRIC_QNNPACK_QCONFIG} for training. */
  public static final QConfig DEFAULT_PER_CHANNEL_SYMMETRIC_QNNPACK_QAT_QCONFIG =
      new QConfig(
          ReadyMade.QINT8_FUSED_ACT_FAKE_QUANT,
          ReadyMade.FUSED_PER_CHANNEL_WT_FAKE_QUANT_RANGE_NEG_127_TO_127);

  /** Stays float. */
  public static final QConfig FP32_PLACEHOLDER_QCONFIG =
      new QConfig(ReadyMade.DEFAULT_PLACEHOLDER_OBSERVER, ReadyMade.DEFAULT_PLACEHOLDER_OBSERVER);

  /** Quint8 activations whose range is not asked for; no weight. */
  public static final QConfig QUINT8_PLACEHOLDER_QCONFIG =
      new QConfig(ReadyMade.QUINT8_PLACEHOLDER_OBSERVER, null);

  private QConfigs() {}
}
