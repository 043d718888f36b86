package dev.octet.quantize.report;

import dev.octet.quantize.report.TensorReport.Role;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * A report as a small residual CNN would give it: made up, but with the proportions of a real one.
 */
final class SampleReport {
  private static final String YAML =
      """
      name: int8
      target: onnxruntime
      mode: static
      activations: {format: uint8, symmetric: false, calibration: mse}
      weights: {format: int8, symmetric: true, granularity: channel, calibration: minmax}
      rules:
        - match: {op: Softmax}
          float: true
      """;

  private final Random random = new Random(8);
  private final List<LayerReport> layers = new ArrayList<>();
  private final List<TensorReport> tensors = new ArrayList<>();
  private double sqnr = 44;
  private TensorReport.Builder pending = activation("image", -2.12, 2.64, 0.5);
  private @Nullable String producer;

  private SampleReport() {}

  static QuantizationReport full() {
    SampleReport sample = new SampleReport();
    sample.network();
    return QuantizationReport.of(
            new RunInfo(
                "0.1.0",
                RunInfo.Kind.QUANTIZATION,
                "resnet20-cifar10.onnx",
                "resnet20-cifar10.int8.onnx",
                Instant.parse("2026-03-14T15:09:26.535Z"),
                new RunInfo.Settings("int8", YAML, "onnxruntime", "static", "qdq")))
        .size(new ModelSize(1_113_402, 301_877, 272_474))
        .data(
            new DataUse(
                new DataUse.SampleSet("cifar10/data_batch_1.bin, first 300", 300, 0),
                new DataUse.SampleSet("cifar10/test_batch.bin, first 1000", 1000, 2),
                false))
        .stages(
            List.of(
                new StageTime("read and fold", Duration.ofMillis(84)),
                new StageTime("calibrate", Duration.ofMillis(2310)),
                new StageTime("quantize", Duration.ofMillis(122)),
                new StageTime("evaluate", Duration.ofMillis(4875)),
                new StageTime("compare layers", Duration.ofMillis(960))))
        .layers(sample.layers)
        .tensors(sample.tensors)
        .outputs(List.of(new OutputReport("logits", 31.42, 0.99964, 0.3817)))
        .metrics(
            List.of(
                MetricResult.percent("top-1", 92.6, 92.5),
                MetricResult.percent("top-5", 99.8, 99.8),
                MetricResult.percent("agreement", null, 99.3),
                new MetricResult("loss", 0.2741, 0.2769, "", false)))
        .warnings(
            List.of(
                new Warning(
                    "stage3.block2.conv1",
                    "3 of 64 channels are zero throughout; their scale is 1 and they cost nothing"),
                new Warning(
                    "rules[1] 'head.*'", "the rule matched no node; check the pattern or drop it"),
                new Warning(
                    "cifar10/test_batch.bin", "2 samples could not be read and were skipped")))
        .build();
  }

  /** Two given models side by side: no sizes, data, stages, tensors or settings. */
  static QuantizationReport comparison() {
    QuantizationReport full = full();
    RunInfo run =
        new RunInfo(
            "0.1.0",
            RunInfo.Kind.COMPARISON,
            "a.onnx",
            "b.onnx",
            Instant.parse("2026-03-14T15:09:26Z"),
            null);
    List<LayerReport> layers = new ArrayList<>();
    for (LayerReport layer : full.layers()) {
      layers.add(
          LayerReport.compared(layer.node(), layer.opType(), layer.quantized())
              .output(layer.outputSqnrDb(), layer.cosine())
              .build());
    }
    return QuantizationReport.of(run).layers(layers).outputs(full.outputs()).build();
  }

  /** Nothing but a run. */
  static QuantizationReport empty() {
    return QuantizationReport.of(
            new RunInfo("0.1.0", RunInfo.Kind.COMPARISON, "a.onnx", null, Instant.EPOCH, null))
        .build();
  }

  private void network() {
    conv("stem.conv", 3, 16, 32, false);
    int channels = 16;
    for (int stage = 1; stage <= 3; stage++) {
      for (int block = 1; block <= 3; block++) {
        String name = "stage" + stage + ".block" + block;
        int out = 16 << (stage - 1);
        int size = 32 >> (stage - 1);
        conv(name + ".conv1", channels, out, size, stage == 3 && block == 2);
        conv(name + ".conv2", out, out, size, false);
        step(name + ".add", "Add", 0, 0, 0.35);
        channels = out;
      }
    }
    step("pool", "GlobalAveragePool", 0, 0, 0.1);
    step("flatten", "Flatten", 0, 0, 0);
    layers.add(
        LayerReport.quantized("head.fc", "Gemm")
            .weightBits(8)
            .bytes(64 * 10 * 4 + 40, 64 * 10 + 40 + 40)
            .output(31.42, 0.99964)
            .localSqnrDb(41.2)
            .macs(640L)
            .build());
    tensors.add(pending.between(producer, List.of("head.fc")).build());
    tensors.add(weight("head.fc.weight", "head.fc", 10, 0.31).build());
    layers.add(
        LayerReport.inFloat(
                "probabilities",
                "Softmax",
                "softmax is kept in float by default: its output needs more than 8 bits")
            .output(36.8, 0.99989)
            .build());
    layers.add(
        LayerReport.inFloat("label", "ArgMax", "the operator has no quantized form on onnxruntime")
            .output(Double.POSITIVE_INFINITY, 1.0)
            .build());
  }

  private void conv(String node, int in, int out, int size, boolean zeros) {
    long parameters = 9L * in * out;
    step(
        node,
        "Conv",
        parameters * 4 + out * 4L,
        parameters + out * 8L,
        node.endsWith("block2.conv1") && out == 64 ? 4.6 : 0.55);
    LayerReport layer = layers.remove(layers.size() - 1);
    layers.add(
        LayerReport.quantized(node, "Conv")
            .weightBits(8)
            .bytes(layer.bytesBefore(), layer.bytesAfter())
            .output(layer.outputSqnrDb(), layer.cosine())
            .localSqnrDb(38 + 6 * random.nextDouble())
            .macs(parameters * size * size)
            .build());
    tensors.add(weight(node + ".weight", node, out, 0.12).allZero(false, zeros ? 3 : 0).build());
    tensors.add(
        TensorReport.of(node + ".bias", Role.BIAS, "int32 symmetric per channel (axis 0)")
            .between(null, List.of(node))
            .parameters(ScaleSummary.of(2.1e-5, 4.4e-5, 9.0e-5), 0L)
            .build());
  }

  private void step(String node, String op, long before, long after, double loss) {
    sqnr -= loss * (0.6 + 0.8 * random.nextDouble());
    layers.add(
        LayerReport.quantized(node, op)
            .bytes(before, after)
            .output(sqnr, 1 - Math.pow(10, -sqnr / 10) / 2)
            .build());
    tensors.add(pending.between(producer, List.of(node)).build());
    double top = 2 + 6 * random.nextDouble();
    boolean signed = op.equals("Add");
    pending = activation(node + "_out", signed ? -top * 0.7 : 0, top, signed ? 0.45 : 0.04);
    producer = node;
  }

  private TensorReport.Builder activation(String name, double low, double high, double centre) {
    double cut = low + (high - low) * 0.86;
    return TensorReport.of(name, Role.ACTIVATION, "uint8 affine per tensor")
        .observed(low, high)
        .chosen(low, cut)
        .parameters(ScaleSummary.of((cut - low) / 255), Math.round(-low / (cut - low) * 255))
        .sqnrDb(36 + 8 * random.nextDouble())
        .fit(0.0004 * random.nextDouble(), 0.3 * random.nextDouble())
        .histogram(bell(low, high, centre));
  }

  private TensorReport.Builder weight(String name, String node, int channels, double amax) {
    double[] scales = random.doubles(channels, amax / 400, amax / 127).toArray();
    return TensorReport.of(name, Role.WEIGHT, "int8 symmetric per channel (axis 0)")
        .between(null, List.of(node))
        .observed(-amax, amax * 0.93)
        .chosen(-amax, amax)
        .parameters(ScaleSummary.of(scales), 0L)
        .sqnrDb(40 + 4 * random.nextDouble())
        .fit(0.0, 0.05)
        .histogram(bell(-amax, amax * 0.93, 0.5));
  }

  private ValueHistogram bell(double low, double high, double centre) {
    long[] counts = new long[96];
    for (int i = 0; i < counts.length; i++) {
      double x = ((i + 0.5) / counts.length - centre) / 0.13;
      counts[i] = (long) (90_000 * Math.exp(-Math.abs(x)) * (0.85 + 0.3 * random.nextDouble()));
    }
    return ValueHistogram.downsampled(low, (high - low) / counts.length, counts);
  }
}
