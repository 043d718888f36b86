package dev.octet.workflows.pytorch.fx;

import dev.octet.core.descriptor.Granularity;
import dev.octet.core.range.Range;
import dev.octet.graph.Node;
import dev.octet.quantize.adjust.InputWeightEqualization;
import dev.octet.quantize.place.Placement.WeightSite;
import dev.octet.torch.Scope;
import dev.octet.torch.Torch;
import dev.octet.workflows.pytorch.QConfig;
import dev.octet.workflows.pytorch.QConfigMapping;
import dev.octet.workflows.pytorch.fx.Finding.Suggestion;
import dev.octet.workflows.pytorch.observer.ReadyMade;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Advice before quantizing: what detectors find in a prepared model on calibration data, and
 * mappings that follow it.
 *
 * <pre>{@code
 * ModelReport report =
 *     new ModelReport(prepared, new DynamicStaticDetector(), new PerChannelDetector("x86"));
 * batches.forEach(report::calibrate);
 * System.out.println(report);
 * QConfigMapping better = report.generateQConfigMapping();
 * }</pre>
 *
 * <p>Layers are the operators of the prepared graph, of a module, an ONNX or a TorchScript model.
 * Nothing is put into the graph, so there is nothing to remove. {@link #calibrate} calibrates the
 * prepared model as well.
 */
public final class ModelReport {
  private static final Set<String> CHANNELS_LAST =
      Set.of("Linear", "LayerNorm", "Softmax", "LSTM", "GRU", "RNN");

  /**
   * Which statistics: of a value, with channels along the last axis, or along axis 1.
   *
   * @param signal whether channels come before the steps where there are three dimensions
   */
  private record Place(String value, boolean lastAxis, boolean signal, double percentile) {
    /** The value with channels along axis 1. */
    Tensor rows(Tensor value) {
      long rank = value.dim();
      if (rank < 2) {
        return value.reshape(1, -1);
      }
      return lastAxis || (rank == 3 && !signal) ? value.flatten(0, rank - 2) : value;
    }
  }

  private final GraphModule prepared;
  private final List<Detector> detectors;
  private final Map<Op, WeightSite> weights = new LinkedHashMap<>();
  private final Set<Op> layers = new LinkedHashSet<>();
  private final Map<Place, ModelReportObserver> observers = new LinkedHashMap<>();
  private final Set<String> values = new LinkedHashSet<>();

  /**
   * A report that has seen nothing yet.
   *
   * @param prepared by {@link QuantizeFx#prepareFx}
   * @throws IllegalArgumentException without detectors, with two of one name, or if the model was
   *     prepared for training
   */
  public ModelReport(GraphModule prepared, Detector... detectors) {
    this.prepared = prepared;
    this.detectors = List.of(detectors);
    Set<String> names = this.detectors.stream().map(Detector::name).collect(Collectors.toSet());
    if (detectors.length == 0 || names.size() < detectors.length) {
      throw new IllegalArgumentException(
          "a report needs detectors, each once; these are " + this.detectors);
    }
    if (prepared.placing().isTraining()) {
      throw new IllegalArgumentException(
          "the model is prepared for training; prepare it for calibration to have a report");
    }
    Plan plan = prepared.placing().planned();
    values.addAll(prepared.outputNames());
    for (Chain chain : plan.chains().keySet()) {
      for (Op op : chain.ops()) {
        boolean covered = this.detectors.stream().anyMatch(each -> each.covers(op.kind()));
        if (covered && !op.inputs().isEmpty() && !op.outputs().isEmpty()) {
          watch(op);
        }
      }
    }
    for (WeightSite site : plan.placement().weights()) {
      layers.stream()
          .filter(op -> op.nodes().contains(site.node()))
          .forEach(op -> weights.putIfAbsent(op, site));
    }
  }

  private void watch(Op op) {
    layers.add(op);
    for (Detector detector : detectors) {
      if (detector.covers(op.kind())) {
        for (Place place : List.of(input(op, detector), output(op, detector))) {
          observers.computeIfAbsent(place, p -> new ModelReportObserver(1, p.percentile()));
          values.add(place.value());
        }
      }
    }
  }

  private static Place input(Op op, Detector detector) {
    return place(Op.read(op.inputs().get(0)).name(), op, detector);
  }

  private static Place output(Op op, Detector detector) {
    return place(op.outputs().get(0).name(), op, detector);
  }

  private static Place place(String value, Op op, Detector detector) {
    return new Place(
        value, CHANNELS_LAST.contains(op.kind()), op.kind().endsWith("1d"), detector.percentile());
  }

  /**
   * Shows a batch to the prepared model and to the report.
   *
   * @param batch a tensor for each input
   * @throws IllegalArgumentException naming a value that holds NaN or infinities
   */
  public void calibrate(Tensor... batch) {
    try (Scope scope = Scope.open();
        Torch.Switched noGrad = Torch.noGrad()) {
      Map<String, Tensor> made = prepared.run(NumericSuite.byName(prepared, batch), values);
      observers.forEach(
          (place, observer) -> {
            Tensor value = made.get(place.value());
            if (value == null) {
              throw new IllegalStateException("nothing made '" + place.value() + "'");
            }
            try {
              observer.observe(place.rows(value));
            } catch (IllegalArgumentException e) {
              throw new IllegalArgumentException("'" + place.value() + "': " + e.getMessage(), e);
            }
          });
    }
  }

  /**
   * What all detectors found, detector by detector, in the order of computation.
   *
   * @throws IllegalStateException before {@link #calibrate}, or if a value never changed
   */
  public List<Finding> generateModelReport() {
    List<Finding> findings = new ArrayList<>();
    for (Detector detector : detectors) {
      for (Op op : layers) {
        Finding finding = detector.covers(op.kind()) ? find(detector, op) : null;
        if (finding != null) {
          findings.add(finding);
        }
      }
    }
    return findings;
  }

  private @Nullable Finding find(Detector detector, Op op) {
    ModelReportObserver input = observers.get(input(op, detector));
    ModelReportObserver output = observers.get(output(op, detector));
    if (input == null || output == null || input.numBatchesTracked() == 0) {
      throw new IllegalStateException("the report has seen no batch; calibrate it first");
    }
    WeightSite site = weights.get(op);
    Node node = op.weights().isEmpty() ? null : op.weights().get(0).node();
    List<Range> ranges =
        node != null && InputWeightEqualization.refusal(node) == null
            ? InputWeightEqualization.weightRanges(node)
            : List.of();
    boolean perChannel =
        site != null && site.descriptor().granularity() instanceof Granularity.PerAxis;
    try {
      return detector.find(
          new ReportedLayer(op.label(), op.kind(), op.module(), perChannel, ranges, input, output));
    } catch (IllegalStateException e) {
      throw new IllegalStateException("at '" + op.label() + "': " + e.getMessage(), e);
    }
  }

  /** The findings as tables. */
  public ModelReportVisualizer generateVisualizer() {
    return new ModelReportVisualizer(generateModelReport());
  }

  /**
   * The prepared model's mapping, changed for the modules for which it is suggested: dynamic or
   * static activations, weights per channel.
   */
  public QConfigMapping generateQConfigMapping() {
    QConfigMapping present = prepared.placing().scopes().root().mapping();
    QConfigMapping better = new QConfigMapping(present);
    Map<String, Set<Suggestion>> suggestions = suggestions();
    for (Op op : layers) {
      Set<Suggestion> wanted = suggestions.get(op.module());
      QConfig own = present.resolve(op.module(), op.kind());
      if (wanted == null || own == null || !op.layer() || op.weights().isEmpty()) {
        continue;
      }
      better.setModuleName(
          op.module(),
          new QConfig(
              wanted.contains(Suggestion.DYNAMIC)
                  ? ReadyMade.DEFAULT_DYNAMIC_QUANT_OBSERVER
                  : wanted.contains(Suggestion.STATIC) && isDynamic(own)
                      ? ReadyMade.DEFAULT_OBSERVER
                      : own.activation(),
              wanted.contains(Suggestion.PER_CHANNEL)
                  ? ReadyMade.DEFAULT_PER_CHANNEL_WEIGHT_OBSERVER
                  : own.weight()));
    }
    return better;
  }

  private static boolean isDynamic(QConfig qconfig) {
    try (Probes probes = new Probes()) {
      return Probes.isDynamic(probes.of(qconfig.activation()));
    }
  }

  /** The layers for which it is suggested. */
  public EqualizationMapping generateEqualizationMapping() {
    EqualizationMapping mapping = new EqualizationMapping();
    suggestions()
        .forEach(
            (module, wanted) -> {
              if (wanted.contains(Suggestion.EQUALIZE)) {
                mapping.setModuleName(module, true);
              }
            });
    return mapping;
  }

  private Map<String, Set<Suggestion>> suggestions() {
    Map<String, Set<Suggestion>> byModule = new LinkedHashMap<>();
    for (Finding finding : generateModelReport()) {
      byModule
          .computeIfAbsent(finding.module(), module -> EnumSet.noneOf(Suggestion.class))
          .addAll(finding.suggestions());
    }
    return byModule;
  }

  /** All advice, detector by detector. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    List<Finding> findings = generateModelReport();
    for (Detector detector : detectors) {
      text.append(detector.name()).append('\n');
      List<Finding> own =
          findings.stream()
              .filter(each -> each.detector().equals(detector.name()) && !each.advice().isEmpty())
              .toList();
      own.forEach(
          each ->
              text.append("  ")
                  .append(each.layer())
                  .append(": ")
                  .append(each.advice())
                  .append('\n'));
      text.append(own.isEmpty() ? "  nothing to be done\n" : "");
    }
    return text.toString();
  }
}
