package dev.octet.cli;

import dev.octet.graph.Model;
import dev.octet.graph.onnx.OnnxWriter;
import dev.octet.quantize.Progress;
import dev.octet.quantize.data.DataException;
import dev.octet.quantize.data.DataSet;
import dev.octet.quantize.data.InputBinding;
import dev.octet.quantize.evaluate.Evaluation;
import dev.octet.quantize.metric.Metric;
import dev.octet.quantize.run.ModelInputs;
import dev.octet.torch.Scope;
import dev.octet.torch.Torch;
import dev.octet.torch.data.Batch;
import dev.octet.torch.data.DataLoader;
import dev.octet.torch.data.Dataset;
import dev.octet.torch.data.Epoch;
import dev.octet.torch.graph.LayerGraph;
import dev.octet.torch.nn.Module;
import dev.octet.torch.train.Score;
import dev.octet.torch.train.StoppedException;
import dev.octet.workflows.distiller.Lapq;
import dev.octet.workflows.distiller.PostTrainLinearQuantizer;
import dev.octet.workflows.distiller.stats.ModelStats;
import dev.octet.workflows.distiller.stats.QuantCalibrationStatsCollector;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;
import org.bytedeco.pytorch.Tensor;

/** One model through Distiller's quantizer: statistics, search, figures, integers. */
final class DistillerRun implements AutoCloseable {
  private static final int BATCH = 100;

  /** What the share of the training samples is drawn by: each run has the same. */
  private static final long SEED = 1;

  private final Model floating;
  private final DataSet data;
  private final Progress progress;
  private final LayerGraph net;
  private final InputBinding binding;
  private final Dataset training;
  private final DataLoader judged;
  private volatile boolean stopping;

  /**
   * A classifier and its labelled samples.
   *
   * @throws dev.octet.graph.ModelException if the model is no classifier that can be taken apart
   *     into layers
   * @throws DataException if samples do not fit the model, or lack a label that it knows
   */
  DistillerRun(Model floating, DataSet data, Progress progress) {
    this.floating = floating;
    this.data = data;
    this.progress = progress;
    binding = InputBinding.of(ModelInputs.of(floating.graph()));
    net = LayerGraph.of(floating);
    training = Dataset.of(data.calibration());
    judged = loader(Dataset.of(data.evaluation()));
    Score.requireClasses(net, judged, List.of(training, judged.dataset()));
  }

  /** The layers, which the quantizer exchanges. */
  Module net() {
    return net;
  }

  /** Makes what runs end with a {@link StoppedException} after its batch. */
  void stop() {
    stopping = true;
  }

  private DataLoader loader(Dataset samples) {
    int fixed = binding.fixedBatch().orElse(0);
    DataLoader.Builder builder =
        DataLoader.builder(samples).batchSize(fixed > 0 ? fixed : BATCH).inputs(binding);
    if (fixed > 1) {
      builder.dropLast();
    }
    DataLoader loader = builder.build();
    if (loader.batches() == 0) {
      throw new DataException(
          "the model takes batches of "
              + fixed
              + " only, and there are "
              + samples.size()
              + " samples; give more");
    }
    return loader;
  }

  private DataLoader share(double share) {
    int least = Math.min(binding.fixedBatch().orElse(1), training.size());
    int count = Math.max(least, Math.toIntExact(Math.round(share * training.size())));
    return loader(training.shuffled(SEED).range(0, count));
  }

  private void advance(long samples) {
    progress.advance(samples);
    if (stopping) {
      throw new StoppedException("the quantization was stopped");
    }
  }

  /** Statistics on a share of the training samples; BatchNormalization is a layer in them. */
  ModelStats statistics(double share) {
    DataLoader samples = share(share);
    progress.begin(
        "collecting statistics, in two passes", OptionalLong.of(2L * samples.dataset().size()));
    ModelStats stats =
        QuantCalibrationStatsCollector.collectQuantStats(
            net,
            () -> {
              try (Epoch epoch = samples.epoch(0)) {
                while (epoch.hasNext()) {
                  try (Batch batch = epoch.next();
                      Scope scope = Scope.open()) {
                    net.call(inputs(batch));
                    advance(batch.size());
                  }
                }
              }
            });
    progress.end();
    return stats;
  }

  private static Tensor[] inputs(Batch batch) {
    return batch.inputs().values().toArray(Tensor[]::new);
  }

  /** How well the layers do as they are now. */
  Score judge(String stage) {
    progress.begin("judging the " + stage, OptionalLong.of(judged.dataset().size()));
    Score score = Score.of(net, judged, this::advance);
    progress.end();
    return score;
  }

  /** Exchanges layers. */
  void prepare(PostTrainLinearQuantizer quantizer) {
    onBatch(
        judged,
        inputs -> {
          quantizer.prepareModel(inputs);
          return quantizer;
        });
    net.eval();
  }

  /** Searches scales on a share of the training samples. */
  Lapq.Result search(PostTrainLinearQuantizer quantizer, Lapq.Settings settings, double share) {
    DataLoader samples = share(share);
    progress.begin("searching, in evaluations", OptionalLong.of(settings.maxEvaluations()));
    Lapq.Result result =
        onBatch(
            samples,
            inputs ->
                Lapq.search(
                    quantizer,
                    settings,
                    inputs,
                    model -> {
                      double loss = Score.of(model, samples).loss();
                      advance(1);
                      return loss;
                    }));
    progress.end();
    return result;
  }

  /** Writes the integers, and says how well they do beside the float model. */
  Evaluation write(PostTrainLinearQuantizer quantizer, Path target) {
    Model integers = onBatch(judged, inputs -> quantizer.convert(net.trace(), inputs));
    Evaluation evaluation =
        Evaluation.run(integers, floating, data.evaluation(), BATCH, Metric.standard(), progress);
    OnnxWriter.write(integers, target);
    return evaluation;
  }

  private interface OnInputs<T> {
    T of(Tensor[] inputs);
  }

  private static <T> T onBatch(DataLoader samples, OnInputs<T> work) {
    try (Epoch epoch = samples.epoch(0);
        Batch batch = epoch.next();
        Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      return work.of(inputs(batch));
    }
  }

  @Override
  public void close() {
    net.close();
  }
}
