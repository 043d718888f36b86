package dev.octet.workflows.pytorch.observer;

import static dev.octet.workflows.pytorch.observer.QScheme.PER_CHANNEL_AFFINE_FLOAT_QPARAMS;
import static dev.octet.workflows.pytorch.observer.QScheme.PER_CHANNEL_SYMMETRIC;
import static dev.octet.workflows.pytorch.observer.QScheme.PER_TENSOR_AFFINE;
import static dev.octet.workflows.pytorch.observer.QScheme.PER_TENSOR_SYMMETRIC;
import static dev.octet.workflows.pytorch.observer.QuantDtype.FLOAT16;
import static dev.octet.workflows.pytorch.observer.QuantDtype.FLOAT32;
import static dev.octet.workflows.pytorch.observer.QuantDtype.QINT8;
import static dev.octet.workflows.pytorch.observer.QuantDtype.QUINT4X2;
import static dev.octet.workflows.pytorch.observer.QuantDtype.QUINT8;

/**
 * The observers and fake-quantize modules that PyTorch has ready, under its names. Values are those
 * of PyTorch 2.13.
 */
public final class ReadyMade {
  private static final double C = MovingAverageMinMaxObserver.AVERAGING_CONSTANT;

  /** The least scale of the settings for −127 to 127. */
  private static final float EPS_127 = 0x1p-12f;

  private static final ObserverSettings QUINT8_FULL = ObserverSettings.builder().build();
  private static final ObserverSettings QUINT8_HALF =
      ObserverSettings.builder().range(0, 127).build();
  private static final ObserverSettings QUINT8_REDUCED =
      ObserverSettings.builder().reduceRange(true).build();
  private static final ObserverSettings WEIGHT = of(QINT8, PER_TENSOR_SYMMETRIC);
  private static final ObserverSettings CHANNEL_WEIGHT = of(QINT8, PER_CHANNEL_SYMMETRIC);
  private static final ObserverSettings OCTET_WEIGHT =
      CHANNEL_WEIGHT.toBuilder().range(-127, 127).build();
  private static final ObserverSettings WEIGHT_127 = narrow(WEIGHT);
  private static final ObserverSettings CHANNEL_WEIGHT_127 = narrow(CHANNEL_WEIGHT);
  private static final ObserverSettings QINT8_ACTIVATION_127 =
      of(QINT8, PER_TENSOR_AFFINE).toBuilder().eps(EPS_127).build();
  private static final ObserverSettings FLOAT_QPARAMS =
      of(QUINT8, PER_CHANNEL_AFFINE_FLOAT_QPARAMS);
  private static final ObserverSettings FLOAT_QPARAMS_4BIT =
      of(QUINT4X2, PER_CHANNEL_AFFINE_FLOAT_QPARAMS);

  /** Extremes, quint8 in 0 to 127. */
  public static final ObserverFactory DEFAULT_OBSERVER = () -> new MinMaxObserver(QUINT8_HALF);

  /** A histogram, quint8 in 0 to 127. */
  public static final ObserverFactory DEFAULT_HISTOGRAM_OBSERVER =
      () -> new HistogramObserver(QUINT8_HALF);

  /** A histogram, quint8, for processors that saturate. */
  public static final ObserverFactory REDUCED_HISTOGRAM_OBSERVER =
      () -> new HistogramObserver(QUINT8_REDUCED);

  /** A histogram, quint8 in the full range. */
  public static final ObserverFactory FULL_HISTOGRAM_OBSERVER =
      () -> new HistogramObserver(QUINT8_FULL);

  /** A histogram, qint8 of least scale 2^-12. */
  public static final ObserverFactory QINT8_HISTOGRAM_OBSERVER =
      () -> new HistogramObserver(QINT8_ACTIVATION_127);

  /** Extremes of a weight, symmetric qint8. */
  public static final ObserverFactory DEFAULT_WEIGHT_OBSERVER = () -> new MinMaxObserver(WEIGHT);

  /** Extremes of a weight's output channels, symmetric qint8. */
  public static final ObserverFactory DEFAULT_PER_CHANNEL_WEIGHT_OBSERVER =
      () -> new PerChannelMinMaxObserver(CHANNEL_WEIGHT, 0);

  /** Extremes of a weight, symmetric qint8 of −127 to 127. */
  public static final ObserverFactory WEIGHT_OBSERVER_RANGE_NEG_127_TO_127 =
      () -> new MinMaxObserver(WEIGHT_127);

  /** Extremes of a weight's output channels, symmetric qint8 of −127 to 127. */
  public static final ObserverFactory PER_CHANNEL_WEIGHT_OBSERVER_RANGE_NEG_127_TO_127 =
      () -> new PerChannelMinMaxObserver(CHANNEL_WEIGHT_127, 0);

  /** Extremes, quint8 in the full range; for PReLU's weight. */
  public static final ObserverFactory QUINT8_WEIGHT_OBSERVER =
      () -> new MinMaxObserver(QUINT8_FULL);

  /** Stands for quint8 by the range of each call. */
  public static final ObserverFactory DEFAULT_DYNAMIC_QUANT_OBSERVER =
      () -> new PlaceholderObserver(ObserverSettings.builder().range(0, 255).dynamic(true).build());

  /** Extremes of an embedding's rows, quint8 with float zero points. */
  public static final ObserverFactory DEFAULT_FLOAT_QPARAMS_OBSERVER =
      () -> new PerChannelMinMaxObserver(FLOAT_QPARAMS, 0);

  /** Extremes of an embedding's rows, 4 bits with float zero points. */
  public static final ObserverFactory DEFAULT_FLOAT_QPARAMS_OBSERVER_4BIT =
      () -> new PerChannelMinMaxObserver(FLOAT_QPARAMS_4BIT, 0);

  /** Scale 1/256, zero point 0. */
  public static final ObserverFactory DEFAULT_FIXED_QPARAMS_RANGE_0TO1_OBSERVER = () -> zeroToOne();

  /** Scale 2/256, zero point 128. */
  public static final ObserverFactory DEFAULT_FIXED_QPARAMS_RANGE_NEG1TO1_OBSERVER =
      () -> minusOneToOne();

  /** The older name of {@link #DEFAULT_FIXED_QPARAMS_RANGE_0TO1_OBSERVER}. */
  public static final ObserverFactory DEFAULT_AFFINE_FIXED_QPARAMS_OBSERVER =
      DEFAULT_FIXED_QPARAMS_RANGE_0TO1_OBSERVER;

  /** The older name of {@link #DEFAULT_FIXED_QPARAMS_RANGE_NEG1TO1_OBSERVER}. */
  public static final ObserverFactory DEFAULT_SYMMETRIC_FIXED_QPARAMS_OBSERVER =
      DEFAULT_FIXED_QPARAMS_RANGE_NEG1TO1_OBSERVER;

  /** Stands for float32, that is for nothing to be done. */
  public static final ObserverFactory DEFAULT_PLACEHOLDER_OBSERVER =
      () -> placeholder(FLOAT32, false);

  /** Stands for quint8 whose range is not asked for. */
  public static final ObserverFactory QUINT8_PLACEHOLDER_OBSERVER =
      () -> placeholder(QUINT8, false);

  /** Stands for float16 weights. */
  public static final ObserverFactory FLOAT16_PLACEHOLDER_OBSERVER =
      () -> placeholder(FLOAT16, false);

  /** Stands for activations of layers with float16 weights, which stay float. */
  public static final ObserverFactory FLOAT16_DYNAMIC_PLACEHOLDER_OBSERVER =
      () -> placeholder(FLOAT16, true);

  /** Keeps all batches. */
  public static final ObserverFactory DEFAULT_DEBUG_OBSERVER = () -> new RecordingObserver(QUINT8);

  /** Keeps the input's parameters. */
  public static final ObserverFactory DEFAULT_REUSE_INPUT_OBSERVER = ReuseInputObserver::new;

  /** Does nothing. */
  public static final ObserverFactory NOOP_OBSERVER = () -> new NoopObserver(FLOAT16);

  /** Does nothing, and stands for float32. */
  public static final ObserverFactory NOOP_FLOAT32_OBSERVER = () -> new NoopObserver(FLOAT32);

  /** Moving average, quint8, for processors that saturate. */
  public static final ObserverFactory DEFAULT_FAKE_QUANT =
      () -> new FakeQuantize(new MovingAverageMinMaxObserver(QUINT8_REDUCED, C));

  /** Moving average, quint8 in the full range. */
  public static final ObserverFactory FULL_FAKE_QUANT =
      () -> new FakeQuantize(new MovingAverageMinMaxObserver(QUINT8_FULL, C));

  /** Moving average of a weight, symmetric qint8. */
  public static final ObserverFactory DEFAULT_WEIGHT_FAKE_QUANT =
      () -> new FakeQuantize(new MovingAverageMinMaxObserver(WEIGHT, C));

  /** Moving average of a weight's output channels, symmetric qint8. */
  public static final ObserverFactory DEFAULT_PER_CHANNEL_WEIGHT_FAKE_QUANT =
      () -> new FakeQuantize(new MovingAveragePerChannelMinMaxObserver(CHANNEL_WEIGHT, C, 0));

  /** The range of each call, quint8. */
  public static final ObserverFactory DEFAULT_DYNAMIC_FAKE_QUANT =
      () ->
          new FakeQuantize(
              new MovingAverageMinMaxObserver(
                  ObserverSettings.builder().range(0, 255).dynamic(true).build(), 1));

  /** The rows of an embedding as they are, quint8 with float zero points. */
  public static final ObserverFactory DEFAULT_EMBEDDING_FAKE_QUANT =
      () -> new FakeQuantize(new MovingAveragePerChannelMinMaxObserver(FLOAT_QPARAMS, 1, 0));

  /** The rows of an embedding as they are, 4 bits with float zero points. */
  public static final ObserverFactory DEFAULT_EMBEDDING_FAKE_QUANT_4BIT =
      () -> new FakeQuantize(new MovingAveragePerChannelMinMaxObserver(FLOAT_QPARAMS_4BIT, 1, 0));

  /** A histogram, quint8, for processors that saturate. */
  public static final ObserverFactory DEFAULT_HISTOGRAM_FAKE_QUANT =
      () -> new FakeQuantize(new HistogramObserver(QUINT8_REDUCED));

  /** Scale 1/256, zero point 0. */
  public static final ObserverFactory DEFAULT_FIXED_QPARAMS_RANGE_0TO1_FAKE_QUANT =
      () -> new FixedQParamsFakeQuantize(zeroToOne());

  /** Scale 2/256, zero point 128. */
  public static final ObserverFactory DEFAULT_FIXED_QPARAMS_RANGE_NEG1TO1_FAKE_QUANT =
      () -> new FixedQParamsFakeQuantize(minusOneToOne());

  /** The older name of {@link #DEFAULT_FIXED_QPARAMS_RANGE_0TO1_FAKE_QUANT}. */
  public static final ObserverFactory DEFAULT_AFFINE_FIXED_QPARAMS_FAKE_QUANT =
      DEFAULT_FIXED_QPARAMS_RANGE_0TO1_FAKE_QUANT;

  /** The older name of {@link #DEFAULT_FIXED_QPARAMS_RANGE_NEG1TO1_FAKE_QUANT}. */
  public static final ObserverFactory DEFAULT_SYMMETRIC_FIXED_QPARAMS_FAKE_QUANT =
      DEFAULT_FIXED_QPARAMS_RANGE_NEG1TO1_FAKE_QUANT;

  /** One operator; quint8, for processors that saturate. */
  public static final ObserverFactory REDUCED_FUSED_ACT_FAKE_QUANT =
      () -> fused(new MovingAverageMinMaxObserver(QUINT8_REDUCED, C));

  /** One operator; quint8 in the full range. */
  public static final ObserverFactory DEFAULT_FUSED_ACT_FAKE_QUANT =
      () -> fused(new MovingAverageMinMaxObserver(QUINT8_FULL, C));

  /** One operator; qint8 of least scale 2^-12. */
  public static final ObserverFactory QINT8_FUSED_ACT_FAKE_QUANT =
      () -> fused(new MovingAverageMinMaxObserver(QINT8_ACTIVATION_127, C));

  /** One operator; a weight, symmetric qint8. */
  public static final ObserverFactory DEFAULT_FUSED_WT_FAKE_QUANT =
      () -> fused(new MovingAverageMinMaxObserver(WEIGHT, C));

  /** One operator; a weight's output channels, symmetric qint8. */
  public static final ObserverFactory DEFAULT_FUSED_PER_CHANNEL_WT_FAKE_QUANT =
      () -> fused(new MovingAveragePerChannelMinMaxObserver(CHANNEL_WEIGHT, C, 0));

  /** One operator; a weight, symmetric qint8 of −127 to 127. */
  public static final ObserverFactory FUSED_WT_FAKE_QUANT_RANGE_NEG_127_TO_127 =
      () -> fused(new MovingAverageMinMaxObserver(WEIGHT_127, C));

  /** One operator; a weight's output channels, symmetric qint8 of −127 to 127. */
  public static final ObserverFactory FUSED_PER_CHANNEL_WT_FAKE_QUANT_RANGE_NEG_127_TO_127 =
      () -> fused(new MovingAveragePerChannelMinMaxObserver(CHANNEL_WEIGHT_127, C, 0));

  /**
   * Octet's own weights: extremes of output channels, symmetric qint8 of −127 to 127, so that the
   * scale is amax / 127 everywhere.
   */
  public static final ObserverFactory OCTET_WEIGHT_OBSERVER =
      () -> new PerChannelMinMaxObserver(OCTET_WEIGHT, 0);

  /** The same for transposed convolutions, whose output channels are on axis 1. */
  public static final ObserverFactory OCTET_TRANSPOSED_WEIGHT_OBSERVER =
      () -> new PerChannelMinMaxObserver(OCTET_WEIGHT, 1);

  /** Octet's own weights in training: their range is that of the weight as it is now. */
  public static final ObserverFactory OCTET_WEIGHT_FAKE_QUANT =
      () -> new FakeQuantize(new MovingAveragePerChannelMinMaxObserver(OCTET_WEIGHT, 1, 0));

  /** The same for transposed convolutions. */
  public static final ObserverFactory OCTET_TRANSPOSED_WEIGHT_FAKE_QUANT =
      () -> new FakeQuantize(new MovingAveragePerChannelMinMaxObserver(OCTET_WEIGHT, 1, 1));

  /** Stands for quint8 by the range of each row. */
  public static final ObserverFactory PER_TOKEN_DYNAMIC_OBSERVER =
      () ->
          new PlaceholderObserver(
              ObserverSettings.builder()
                  .qscheme(QScheme.PER_TOKEN_AFFINE)
                  .range(0, 255)
                  .dynamic(true)
                  .build());

  private ReadyMade() {}

  private static ObserverSettings of(QuantDtype dtype, QScheme qscheme) {
    return ObserverSettings.builder().dtype(dtype).qscheme(qscheme).build();
  }

  private static ObserverSettings narrow(ObserverSettings weight) {
    return weight.toBuilder().range(-127, 127).eps(EPS_127).build();
  }

  private static PlaceholderObserver placeholder(QuantDtype dtype, boolean dynamic) {
    return new PlaceholderObserver(
        ObserverSettings.builder().dtype(dtype).dynamic(dynamic).build());
  }

  private static FixedQParamsObserver zeroToOne() {
    return new FixedQParamsObserver(QUINT8_FULL, 1f / 256, 0);
  }

  private static FixedQParamsObserver minusOneToOne() {
    return new FixedQParamsObserver(QUINT8_FULL, 2f / 256, 128);
  }

  private static FusedMovingAvgObsFakeQuantize fused(MovingAverageMinMaxObserver observer) {
    return new FusedMovingAvgObsFakeQuantize(observer);
  }

  private static FusedMovingAvgObsFakeQuantize fused(
      MovingAveragePerChannelMinMaxObserver observer) {
    return new FusedMovingAvgObsFakeQuantize(observer);
  }
}
