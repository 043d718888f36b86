package dev.octet.torch.qat;

import dev.octet.core.recipe.Recipe;
import dev.octet.graph.Model;
import dev.octet.graph.onnx.OnnxReader;
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
import dev.octet.torch.data.Augmentation;
import dev.octet.torch.data.Batch;
import dev.octet.torch.data.DataLoader;
import dev.octet.torch.data.Dataset;
import dev.octet.torch.data.Epoch;
import dev.octet.torch.graph.LayerGraph;
import dev.octet.torch.graph.QuantizedGraph;
import dev.octet.torch.graph.QuantizedGraph.BatchNorms;
import dev.octet.torch.graph.TorchGraph;
import dev.octet.torch.nn.Module;
import dev.octet.torch.quant.TensorQuantizer;
import dev.octet.torch.train.Distillation;
import dev.octet.torch.train.EpochResult;
import dev.octet.torch.train.LearningRate;
import dev.octet.torch.train.Optimizer;
import dev.octet.torch.train.ParameterGroup;
import dev.octet.torch.train.Score;
import dev.octet.torch.train.StoppedException;
import dev.octet.torch.train.Trainer;
import dev.octet.torch.train.TrainingListener;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * Fine-tunes an ONNX classifier with fake quantization and writes the integer model.
 *
 * <pre>{@code
 * FineTuning.Result result =
 *     FineTuning.of(Path.of("model.onnx"))
 *         .recipe(Recipe.preset("w4a8-channel"))
 *         .epochs(3)
 *         .save(dataSet, Path.of("model.w4a8.onnx"));
 * }</pre>
 *
 * <p>The steps are those of the pytorch-quantization toolkit: calibrate, then train about a tenth
 * of the original schedule at a hundredth of its learning rate, by a cosine, with the ranges of
 * activations held. With few bits the ranges had better train too ({@link #learnRanges}; Esser et
 * al., "Learned step size quantization", 2020), towards the float model ({@link #distill}).
 */
public final class FineTuning {
  private static final int DEFAULT_BATCH = 64;

  /** Evaluation batches: nothing depends on it but time. */
  private static final int STATISTICS_BATCHES = 100;

  private static final int EVALUATION_BATCH = 100;

  /** What quantizers' own parameters train at, against the weights. */
  private static final double RANGE_RATE = 0.1;

  private final Path source;
  private Recipe recipe = Recipe.int8();
  private @Nullable TrainingScheme scheme;
  private Consumer<String> notes = note -> {};
  private int epochs = 1;
  private @Nullable Integer batchSize;
  private double learningRate = 1e-3;
  private double momentum = 0.9;
  private double weightDecay = 1e-4;
  private double gradientLimit;
  private long seed = 1;
  private boolean learnRanges;
  private double distillation;
  private double temperature = 2;
  private BatchNorms batchNorms = BatchNorms.FOLDED;
  private int freezeBatchNormsAt = Integer.MAX_VALUE;
  private @Nullable Augmentation augmentation;
  private @Nullable ScalarType autocast;
  private @Nullable Path checkpoint;
  private Progress progress = Progress.SILENT;
  private boolean scores = true;
  private volatile boolean stopping;
  private final List<TrainingListener> listeners = new ArrayList<>();

  /**
   * What a run came to.
   *
   * @param floating the float model on the evaluation samples; null without scores
   * @param before the model with calibrated ranges before training, fake-quantized
   * @param epochs the training
   * @param after the integer model as ONNX Runtime runs it, beside the float model
   * @param floatBytes size of the float file
   * @param bytes size of the written file
   */
  public record Result(
      @Nullable Score floating,
      @Nullable Score before,
      List<EpochResult> epochs,
      Evaluation after,
      long floatBytes,
      long bytes) {
    public Result {
      epochs = List.copyOf(epochs);
    }
  }

  private FineTuning(Path source) {
    this.source = source;
  }

  /** Of an ONNX file whose one output is logits or log-probabilities [N, classes]. */
  public static FineTuning of(Path model) {
    return new FineTuning(model);
  }

  /**
   * What is quantized and how; static or weight-only. Default: int8. Biases are trained instead of
   * corrected, whatever it says of them.
   */
  public FineTuning recipe(Recipe value) {
    recipe = value;
    return this;
  }

  /**
   * Quantizes as a scheme says, and not as a recipe: the model is taken apart into layers, which
   * the scheme exchanges; what it quantized is integers in the model that is written. The recipe,
   * learned ranges, distillation and what becomes of BatchNormalization do not matter then.
   *
   * @param told hears what the user should know of the scheme on this model
   */
  public FineTuning scheme(TrainingScheme value, Consumer<String> told) {
    scheme = value;
    notes = told;
    return this;
  }

  /** Passes over the training samples; default 1. */
  public FineTuning epochs(int value) {
    epochs = Checks.positive("epochs", value);
    return this;
  }

  /** Samples in a training step; default 64, or what the model insists on. */
  public FineTuning batchSize(int value) {
    batchSize = Checks.positive("the batch size", value);
    return this;
  }

  /** The highest learning rate of SGD, above 0, from which a cosine leads down to a hundredth. */
  public FineTuning learningRate(double value) {
    learningRate = Checks.within("the learning rate", value, Double.MIN_VALUE, Double.MAX_VALUE);
    return this;
  }

  /** Momentum of SGD in [0, 1); default 0.9. */
  public FineTuning momentum(double value) {
    momentum = Checks.within("momentum", value, 0, Math.nextDown(1.0));
    return this;
  }

  /** Weight decay on weights, not on biases, norms or ranges; default 1e-4. */
  public FineTuning weightDecay(double value) {
    weightDecay = Checks.within("weight decay", value, 0, Double.MAX_VALUE);
    return this;
  }

  /** Limits the norm of all gradients together, above 0; default: no limit. */
  public FineTuning clipGradients(double norm) {
    gradientLimit =
        Checks.within("the norm of gradients", norm, Double.MIN_VALUE, Double.MAX_VALUE);
    return this;
  }

  /** What order and augmentation follow from; default 1. */
  public FineTuning seed(long value) {
    seed = value;
    return this;
  }

  /** Lets the ranges of activations train as well (LSQ). */
  public FineTuning learnRanges() {
    learnRanges = true;
    return this;
  }

  /**
   * Trains towards the float model's outputs.
   *
   * @param weight of its part in the loss, 0 to 1
   * @param softness the temperature, above 0
   */
  public FineTuning distill(double weight, double softness) {
    distillation = Checks.within("the weight of distillation", weight, 0, 1);
    temperature = Checks.within("the temperature", softness, Double.MIN_VALUE, Double.MAX_VALUE);
    return this;
  }

  /**
   * What becomes of BatchNormalization; default: folded at the start. Simulated and not frozen, its
   * statistics are estimated anew over a hundred batches when the weights are final.
   */
  public FineTuning batchNorms(BatchNorms value) {
    batchNorms = value;
    return this;
  }

  /** From this epoch on, counted from 0, simulated BatchNormalization stays as it is. */
  public FineTuning freezeBatchNormsAt(int epoch) {
    if (epoch < 0) {
      throw new SettingsException("the epoch is " + epoch + "; choose 0 or more");
    }
    freezeBatchNormsAt = epoch;
    return this;
  }

  /** Changes training images at random; default: not at all. */
  public FineTuning augment(Augmentation value) {
    augmentation = value;
    return this;
  }

  /** Computes convolutions and products in BFloat16 or Half; see {@link Torch#autocast}. */
  public FineTuning autocast(ScalarType type) {
    autocast = type;
    return this;
  }

  /** Writes the state here after each epoch, and continues what is here. */
  public FineTuning checkpoint(Path file) {
    checkpoint = file;
    return this;
  }

  /** Tells how calibration, training and evaluation go, in samples. */
  public FineTuning progress(Progress listener) {
    progress = listener;
    return this;
  }

  /**
   * Leaves out what is measured on the way, on the float model and after each epoch: only the
   * written model is judged.
   */
  public FineTuning withoutScores() {
    scores = false;
    return this;
  }

  /** Tells what training comes to. */
  public FineTuning listener(TrainingListener listener) {
    listeners.add(listener);
    return this;
  }

  /**
   * Makes {@link #save}, which may run on another thread, end with a {@link StoppedException} when
   * the training step, or the batch that is calibrated on or judged, is done. What is kept is the
   * checkpoint of the last whole epoch.
   */
  public void stop() {
    stopping = true;
  }

  /**
   * Calibrates, trains, measures the integer model, and writes it.
   *
   * @param data labelled; its training part is trained and calibrated on
   * @param target written at the end, complete or not at all
   * @throws dev.octet.graph.ModelException if the model cannot be read, has an operator that cannot
   *     be trained, or does not give one output [N, classes]
   * @throws DataException if samples do not fit the model, or lack a label that it knows
   * @throws dev.octet.quantize.NothingToQuantizeException if the recipe quantizes nothing of this
   *     model
   * @throws dev.octet.torch.train.TrainingException if the loss is no number, or a checkpoint is of
   *     another run
   * @throws StoppedException after {@link #stop}
   * @throws SettingsException if the settings do not suit the recipe, the model or the data
   */
  public Result save(DataSet data, Path target) {
    if (scheme == null) {
      Checks.recipe(recipe, learnRanges);
    }
    Model model = OnnxReader.read(source);
    Checks.outputs(model);
    InputBinding binding = InputBinding.of(ModelInputs.of(model.graph()));
    Dataset samples = Dataset.of(data.calibration());
    Dataset judged =
        data.evaluation().equals(data.calibration()) ? samples : Dataset.of(data.evaluation());
    int fixed = binding.fixedBatch().orElse(0);
    if (fixed > 0) {
      Checks.batch(fixed, batchSize, samples.size(), judged.size());
    }
    int batch = fixed > 0 ? fixed : Math.min(batchSize(), samples.size());
    DataLoader training = training(samples, binding, batch);
    DataLoader evaluation = evaluation(judged, binding, fixed);
    Torch.seed(seed);
    Progress watched = new Stoppable(progress, () -> stopping);
    if (scheme != null) {
      return saveScheme(scheme, model, data, samples, batch, training, evaluation, watched, target);
    }
    try (TorchGraph floating = TorchGraph.of(model);
        QuantizedGraph net = QuantizedGraph.of(model, recipe, batchNorms)) {
      Score.requireClasses(floating, evaluation, List.of(samples, judged));
      final Score floatScore =
          scores ? score("judging the float model", floating, evaluation, watched) : null;
      net.calibrate(data.calibration().representative(recipe.samples()), watched);
      final Score before =
          scores ? score("judging the calibrated model", net, evaluation, watched) : null;
      if (learnRanges) {
        net.activationQuantizers().values().forEach(TensorQuantizer::learnScale);
      }
      List<EpochResult> results =
          train(net, floating, training, scores ? evaluation : null, batch, run(samples, batch));
      if (batchNorms == BatchNorms.SIMULATED && freezeBatchNormsAt >= epochs) {
        estimateStatistics(net, training);
      }
      Model quantized = net.toQuantizedModel();
      Evaluation after =
          Evaluation.run(
              quantized, model, data.evaluation(), EVALUATION_BATCH, Metric.standard(), watched);
      OnnxWriter.write(quantized, target);
      return new Result(floatScore, before, results, after, bytes(source), bytes(target));
    }
  }

  private Result saveScheme(
      TrainingScheme by,
      Model model,
      DataSet data,
      Dataset samples,
      int batch,
      DataLoader training,
      DataLoader evaluation,
      Progress watched,
      Path target) {
    try (TorchGraph floating = TorchGraph.of(model);
        LayerGraph net = LayerGraph.of(model);
        Optimizer optimizer = Optimizer.sgd(groups(net, List.of()), momentum, false)) {
      Score.requireClasses(floating, evaluation, List.of(samples, evaluation.dataset()));
      final Score floatScore =
          scores ? score("judging the float model", floating, evaluation, watched) : null;
      final List<EpochResult> results =
          trainScheme(
              by, net, optimizer, floating, training, evaluation, run(samples, batch), batch);
      Model quantized = traced(net, training);
      Evaluation after =
          Evaluation.run(
              quantized, model, data.evaluation(), EVALUATION_BATCH, Metric.standard(), watched);
      OnnxWriter.write(quantized, target);
      return new Result(floatScore, null, results, after, bytes(source), bytes(target));
    }
  }

  private List<EpochResult> trainScheme(
      TrainingScheme by,
      LayerGraph net,
      Optimizer optimizer,
      Module teacher,
      DataLoader training,
      DataLoader evaluation,
      Map<String, String> run,
      int batch) {
    try (TrainingScheme.Prepared prepared = by.prepare(net, optimizer, epochs, teacher)) {
      prepared.notes().forEach(notes);
      run.putAll(prepared.run());
      Trainer.Builder trainer =
          trainer(net, optimizer, batch, training, run).callbacks(prepared.callbacks());
      LearningRate rate = prepared.learningRate();
      if (rate != null) {
        trainer.learningRate(rate);
      }
      return trainer.build().fit(training, scores ? evaluation : null);
    }
  }

  private static Model traced(LayerGraph net, DataLoader samples) {
    try (Epoch batches = samples.epoch(0);
        Batch batch = batches.next()) {
      Tensor[] inputs = batch.inputs().values().toArray(Tensor[]::new);
      return net.trace().quantized(inputs);
    }
  }

  /** Over batches as another epoch of training would see them. */
  private void estimateStatistics(QuantizedGraph net, DataLoader training) {
    net.estimateStatistics(
        () -> {
          try (Epoch batches = training.epoch(epochs)) {
            for (int i = 0; i < STATISTICS_BATCHES && batches.hasNext() && !stopping; i++) {
              try (Scope scope = Scope.open();
                  Batch batch = batches.next()) {
                net.call(batch.inputs().values().toArray(Tensor[]::new));
              }
            }
          }
        });
  }

  private int batchSize() {
    return batchSize == null ? DEFAULT_BATCH : batchSize;
  }

  private DataLoader training(Dataset samples, InputBinding binding, int batch) {
    DataLoader.Builder builder =
        DataLoader.builder(samples)
            .batchSize(batch)
            .shuffle()
            .dropLast()
            .seed(seed)
            .workers(threads())
            .inputs(binding);
    if (augmentation != null) {
      builder.augment(augmentation);
    }
    return builder.build();
  }

  private static DataLoader evaluation(Dataset samples, InputBinding binding, int fixed) {
    DataLoader.Builder builder =
        DataLoader.builder(samples)
            .batchSize(fixed > 0 ? fixed : EVALUATION_BATCH)
            .workers(threads())
            .inputs(binding);
    if (fixed > 1) {
      builder.dropLast();
    }
    return builder.build();
  }

  /** As many as ONNX Runtime is given. */
  private static int threads() {
    return Integer.getInteger("octet.threads", Runtime.getRuntime().availableProcessors());
  }

  private static Score score(String stage, Module net, DataLoader samples, Progress watched) {
    watched.begin(stage, OptionalLong.of(samples.dataset().size()));
    Score score = Score.of(net, samples, watched::advance);
    watched.end();
    return score;
  }

  /** What decides how training goes on, for a checkpoint; its length may be changed. */
  private Map<String, String> run(Dataset samples, int batch) {
    Map<String, String> run = new TreeMap<>();
    run.put("the model", digest(source));
    run.put("the recipe", recipe.toYaml());
    run.put("the data", samples.size() + ", " + samples.description());
    run.put("the batch size", Integer.toString(batch));
    run.put("the learning rate", Double.toString(learningRate));
    run.put("momentum", Double.toString(momentum));
    run.put("weight decay", Double.toString(weightDecay));
    run.put("the limit of gradients", Double.toString(gradientLimit));
    run.put("the seed", Long.toString(seed));
    run.put("learned ranges", Boolean.toString(learnRanges));
    run.put("distillation", distillation + " at " + temperature);
    run.put("batch normalization", batchNorms + " until " + freezeBatchNormsAt);
    run.put("augmentation", Boolean.toString(augmentation != null));
    run.put("the type to compute in", String.valueOf(autocast));
    return run;
  }

  private List<EpochResult> train(
      QuantizedGraph net,
      Module teacher,
      DataLoader training,
      @Nullable DataLoader evaluation,
      int batch,
      Map<String, String> run) {
    List<Tensor> learned = new ArrayList<>();
    net.activationQuantizers().values().forEach(each -> learned.addAll(each.parameters().values()));
    net.weightQuantizers().values().forEach(each -> learned.addAll(each.parameters().values()));
    try (Optimizer optimizer = Optimizer.sgd(groups(net, learned), momentum, false)) {
      Trainer.Builder trainer = trainer(net, optimizer, batch, training, run);
      if (distillation > 0) {
        trainer.distillation(new Distillation(teacher, distillation, temperature));
      }
      if (freezeBatchNormsAt < epochs) {
        trainer.atEpoch(freezeBatchNormsAt, module -> net.freezeStatistics(true));
      }
      return trainer.build().fit(training, evaluation);
    }
  }

  private Trainer.Builder trainer(
      Module net, Optimizer optimizer, int batch, DataLoader training, Map<String, String> run) {
    Trainer.Builder trainer =
        Trainer.builder(net, optimizer)
            .epochs(epochs)
            .learningRate(LearningRate.cosine(0.01))
            .stopWhen(() -> stopping)
            .listener(new Steps(progress, batch, (long) training.batches() * batch));
    if (gradientLimit > 0) {
      trainer.clipGradients(gradientLimit);
    }
    if (autocast != null) {
      trainer.autocast(autocast);
    }
    if (checkpoint != null) {
      trainer.checkpoint(checkpoint, run);
    }
    listeners.forEach(trainer::listener);
    return trainer;
  }

  /** Weights; what is a vector (biases, norms), without decay; and ranges, slower. */
  private List<ParameterGroup> groups(Module net, List<Tensor> slower) {
    Set<Tensor> learned = Collections.newSetFromMap(new IdentityHashMap<>());
    learned.addAll(slower);
    // The optimizer's state goes by their order, which must be the same in every run.
    List<Tensor> ranges = new ArrayList<>();
    List<Tensor> weights = new ArrayList<>();
    List<Tensor> vectors = new ArrayList<>();
    for (Tensor parameter : net.parameters().values()) {
      if (learned.contains(parameter)) {
        ranges.add(parameter);
      } else {
        (parameter.dim() > 1 ? weights : vectors).add(parameter);
      }
    }
    List<ParameterGroup> groups = new ArrayList<>();
    addGroup(groups, weights, learningRate, weightDecay);
    addGroup(groups, vectors, learningRate, 0);
    addGroup(groups, ranges, learningRate * RANGE_RATE, 0);
    return groups;
  }

  private static void addGroup(
      List<ParameterGroup> groups, List<Tensor> parameters, double rate, double decay) {
    if (!parameters.isEmpty()) {
      groups.add(ParameterGroup.of(parameters, rate, decay));
    }
  }

  private static String digest(Path file) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      return HexFormat.of().formatHex(digest.digest(Files.readAllBytes(file)));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file, e);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }

  private static long bytes(Path file) {
    try {
      return Files.size(file);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot tell the size of " + file, e);
    }
  }

  /** Progress that ends the work once it is to stop. */
  private record Stoppable(Progress to, BooleanSupplier asked) implements Progress {
    @Override
    public void begin(String stage, OptionalLong total) {
      to.begin(stage, total);
    }

    @Override
    public void advance(long steps) {
      to.advance(steps);
      if (asked.getAsBoolean()) {
        throw new StoppedException("fine-tuning was stopped outside training");
      }
    }

    @Override
    public void end() {
      to.end();
    }
  }

  /** Training steps as progress. */
  private record Steps(Progress progress, int batch, long samples) implements TrainingListener {
    @Override
    public void onStep(int epoch, int step, int steps, double loss) {
      if (step == 0) {
        progress.begin("training, epoch " + epoch, OptionalLong.of(samples));
      }
      progress.advance(batch);
      if (step == steps - 1) {
        progress.end();
      }
    }
  }
}
