package dev.octet.quantize;

import dev.octet.core.affine.QuantParams;
import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.core.range.HistogramCollector;
import dev.octet.core.range.Observed;
import dev.octet.core.range.RangeCollector;
import dev.octet.core.recipe.Mode;
import dev.octet.core.recipe.Recipe;
import dev.octet.graph.Graph;
import dev.octet.graph.Model;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import dev.octet.quantize.calibrate.Calibration;
import dev.octet.quantize.data.Samples;
import dev.octet.quantize.emit.Float16Emitter;
import dev.octet.quantize.emit.QuantizedWeight;
import dev.octet.quantize.emit.WeightCoder;
import dev.octet.quantize.evaluate.Evaluation;
import dev.octet.quantize.evaluate.LayerComparison;
import dev.octet.quantize.metric.Difference;
import dev.octet.quantize.place.Placement;
import dev.octet.quantize.place.Placement.Group;
import dev.octet.quantize.report.DataUse;
import dev.octet.quantize.report.LayerReport;
import dev.octet.quantize.report.MetricResult;
import dev.octet.quantize.report.ModelSize;
import dev.octet.quantize.report.OutputReport;
import dev.octet.quantize.report.QuantizationReport;
import dev.octet.quantize.report.RunInfo;
import dev.octet.quantize.report.ScaleSummary;
import dev.octet.quantize.report.StageTime;
import dev.octet.quantize.report.TensorReport;
import dev.octet.quantize.report.Warning;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Puts what a run did and found into a report. Reads everything, changes nothing. */
final class ReportBuilder {
  private final Path source;
  private final Path target;
  private final Recipe recipe;
  private final Instant started;
  private final Model reference;
  private final Placement placement;
  private final ModelQuantizer.Result quantized;
  private final Calibration.Result seen;
  private final Set<String> quantizedOutputs = new TreeSet<>();
  private final Map<String, String> keptOutputs = new HashMap<>();
  private Map<String, Duration> stages = Map.of();
  private List<String> adjustmentWarnings = List.of();
  private @Nullable DataUse data;
  private @Nullable Evaluation evaluation;
  private @Nullable LayerComparison comparison;

  ReportBuilder(
      Path source,
      Path target,
      Recipe recipe,
      Instant started,
      Model reference,
      Placement placement,
      ModelQuantizer.Result quantized,
      Calibration.Result seen) {
    this.source = source;
    this.target = target;
    this.recipe = recipe;
    this.started = started;
    this.reference = reference;
    this.placement = placement;
    this.quantized = quantized;
    this.seen = seen;
    placement.quantized().forEach(node -> quantizedOutputs.add(key(node)));
    placement.kept().forEach((node, reason) -> keptOutputs.put(key(node), reason));
  }

  ReportBuilder stages(Map<String, Duration> value) {
    stages = new LinkedHashMap<>(value);
    return this;
  }

  /** Adds what adjusting the float model left undone. */
  ReportBuilder warnings(List<String> ofAdjustments) {
    adjustmentWarnings = List.copyOf(ofAdjustments);
    return this;
  }

  ReportBuilder data(@Nullable Samples calibration, @Nullable Samples judged, boolean sameSet) {
    DataUse.SampleSet forRanges =
        calibration == null || seen.samples() == 0
            ? null
            : new DataUse.SampleSet(calibration.description(), seen.samples(), 0);
    long count = judged == null ? 0 : judged.size().orElse(0);
    DataUse.SampleSet forJudging =
        judged == null ? null : new DataUse.SampleSet(judged.description(), count, 0);
    data =
        forRanges == null && forJudging == null
            ? null
            : new DataUse(
                forRanges, forJudging, sameSet && forRanges != null && forJudging != null);
    return this;
  }

  ReportBuilder evaluation(@Nullable Evaluation value) {
    evaluation = value;
    if (value != null && data != null && data.evaluation() != null) {
      data =
          new DataUse(
              data.calibration(),
              new DataUse.SampleSet(data.evaluation().source(), value.samples(), 0),
              data.sameSetForBoth());
    }
    return this;
  }

  ReportBuilder comparison(@Nullable LayerComparison value) {
    comparison = value;
    return this;
  }

  QuantizationReport build() {
    RunInfo run =
        new RunInfo(
            Version.TEXT,
            RunInfo.Kind.QUANTIZATION,
            String.valueOf(source.getFileName()),
            String.valueOf(target.getFileName()),
            started,
            new RunInfo.Settings(
                recipe.name(),
                recipe.toYaml(),
                word(recipe.target()),
                word(recipe.mode()),
                word(recipe.format())));
    List<StageTime> times = new ArrayList<>();
    stages.forEach((name, time) -> times.add(new StageTime(name, time)));
    List<TensorReport> tensors = new ArrayList<>();
    placement.groups().forEach(group -> tensors.add(activation(group)));
    quantized.weights().forEach(weight -> tensors.add(weight(weight)));
    List<Warning> warnings = new ArrayList<>();
    placement.warnings().forEach(text -> warnings.add(new Warning("recipe", text)));
    adjustmentWarnings.forEach(text -> warnings.add(new Warning("adjustment", text)));
    quantized.warnings().forEach(text -> warnings.add(new Warning("calibration", text)));
    return QuantizationReport.of(run)
        .size(new ModelSize(size(source), size(target), parameters()))
        .data(data)
        .stages(times)
        .layers(layers())
        .tensors(tensors)
        .outputs(outputs())
        .metrics(metrics())
        .warnings(warnings)
        .build();
  }

  // ---- layers ----

  private List<LayerReport> layers() {
    Map<String, QuantizedWeight> weightOf = new HashMap<>();
    quantized.weights().forEach(weight -> weightOf.put(key(weight.site().node()), weight));
    List<LayerReport> layers = new ArrayList<>();
    for (Node node : reference.graph().nodes()) {
      String key = key(node);
      QuantizedWeight weight = weightOf.get(key);
      boolean isQuantized = quantizedOutputs.contains(key) || weight != null;
      LayerReport.Builder layer =
          isQuantized
              ? LayerReport.quantized(node.label(), node.op())
              : LayerReport.inFloat(
                  node.label(), node.op(), keptOutputs.getOrDefault(key, "nothing asks for it"));
      long before = constantBytes(node);
      layer.bytes(before, before + (weight == null ? 0 : saved(weight)));
      if (recipe.mode() == Mode.FLOAT16 && isQuantized) {
        layer.bytes(before, before - Float16Emitter.savedBytes(node)).weightBits(16);
      }
      if (weight != null) {
        layer.weightBits(weight.site().descriptor().bits());
      }
      Difference difference = comparison == null ? null : comparison.byValue().get(key);
      if (difference != null) {
        layer.output(difference.sqnr(), difference.cosine());
      }
      layers.add(layer.build());
    }
    return layers;
  }

  private static long constantBytes(Node node) {
    long bytes = 0;
    for (Value input : node.inputs()) {
      Tensor constant = input == null ? null : input.constant();
      bytes += constant == null ? 0 : constant.sizeBytes();
    }
    return bytes;
  }

  /** The change in bytes, negative, that storing integers and scales made. */
  private static long saved(QuantizedWeight weight) {
    long elements = weight.integers().elementCount();
    return weight.integers().sizeBytes() + 4L * weight.params().count() - 4L * elements;
  }

  // ---- tensors ----

  private TensorReport activation(Group group) {
    QuantParams params = Objects.requireNonNull(quantized.parameters().get(group));
    TensorReport.Builder report =
        TensorReport.of(group.name(), TensorReport.Role.ACTIVATION, format(group.descriptor()));
    Value value = reference.graph().value(group.name());
    if (value != null) {
      report.between(
          value.producer() == null ? null : value.producer().label(),
          value.consumers().stream().map(Node::label).toList());
    }
    double scale = params.scales()[0];
    int zeroPoint = params.zeroPoints()[0];
    double low = scale * (params.qmin() - zeroPoint);
    double high = scale * (params.qmax() - zeroPoint);
    report.chosen(low, high).parameters(ScaleSummary.of(scale), (long) zeroPoint);
    long nan = 0;
    long infinite = 0;
    double min = Double.POSITIVE_INFINITY;
    double max = Double.NEGATIVE_INFINITY;
    HistogramFit fit = null;
    for (Value measured : group.measured()) {
      RangeCollector collector = seen.collectors().get(measured.name());
      if (collector == null) {
        continue;
      }
      Observed observed = collector.observed().get(0);
      nan += observed.nan();
      infinite += observed.infinite();
      min = Math.min(min, observed.min());
      max = Math.max(max, observed.max());
      if (fit == null && collector instanceof HistogramCollector histogram) {
        fit = HistogramFit.of(histogram.histograms().get(0), params);
      }
    }
    if (min <= max) {
      report.observed(min, max).notFinite(nan, infinite).allZero(min == 0 && max == 0, 0);
    }
    if (fit != null) {
      report.sqnrDb(fit.sqnrDb()).fit(fit.saturated(), fit.unused()).histogram(fit.picture());
    }
    return report.build();
  }

  private TensorReport weight(QuantizedWeight weight) {
    // The node reads the dequantized weights by now; the descriptor keeps their own name.
    String name = Objects.requireNonNull(weight.site().descriptor().name());
    Value value = reference.graph().value(name);
    TensorReport.Builder report =
        TensorReport.of(name, TensorReport.Role.WEIGHT, format(weight.site().descriptor()));
    report.between(null, List.of(weight.site().node().label()));
    float[] scales = weight.params().scales();
    double[] wide = new double[scales.length];
    Arrays.setAll(wide, i -> scales[i]);
    report.parameters(
        ScaleSummary.of(wide), scales.length == 1 ? (long) weight.params().zeroPoints()[0] : null);
    Tensor exact = value == null ? null : value.constant();
    if (exact != null) {
      float[] before = exact.toFloats();
      float[] after = WeightCoder.decode(weight);
      Difference difference = new Difference();
      difference.add(java.nio.FloatBuffer.wrap(before), java.nio.FloatBuffer.wrap(after));
      report.sqnrDb(difference.sqnr());
      float min = 0;
      float max = 0;
      for (float w : before) {
        min = Math.min(min, w);
        max = Math.max(max, w);
      }
      report.observed(min, max);
    }
    double low = 0;
    double high = 0;
    for (var range : WeightCoder.ranges(weight)) {
      low = Math.min(low, range.min());
      high = Math.max(high, range.max());
    }
    boolean zero = WeightCoder.isZero(weight);
    return report.chosen(low, high).allZero(zero, WeightCoder.zeroChannels(weight)).build();
  }

  private static String format(QuantDescriptor descriptor) {
    return descriptor.toBuilder().name(null).build().toString();
  }

  // ---- outputs and metrics ----

  private List<OutputReport> outputs() {
    return evaluation == null ? List.of() : Judgement.outputs(evaluation);
  }

  private List<MetricResult> metrics() {
    return evaluation == null ? List.of() : Judgement.metrics(evaluation);
  }

  // ---- facts ----

  private long parameters() {
    long count = 0;
    Graph graph = reference.graph();
    for (Value value : graph.values()) {
      Tensor tensor = value.initializer();
      count += tensor != null && tensor.type().isFloat() ? tensor.elementCount() : 0;
    }
    return count;
  }

  /** Every node has an output, and its name is unique, which a node's own name need not be. */
  private static String key(Node node) {
    for (Value output : node.outputs()) {
      if (output != null) {
        return output.name();
      }
    }
    return node.label();
  }

  private static String word(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  private static long size(Path file) {
    try {
      return Files.size(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
