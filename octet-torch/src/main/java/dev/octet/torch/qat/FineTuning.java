package dev.octet.torch.qat;

import dev.octet.core.recipe.Recipe;
import dev.octet.graph.Model;
import dev.octet.graph.onnx.OnnxReader;
import dev.octet.graph.onnx.OnnxWriter;
import dev.octet.quantize.Progress;
import dev.octet.quantize.data.DataSet;
import dev.octet.quantize.data.InputBinding;
import dev.octet.quantize.data.Samples;
import dev.octet.quantize.evaluate.Evaluation;
import dev.octet.quantize.metric.Metric;
import dev.octet.quantize.run.ModelInputs;
import dev.octet.torch.Torch;
import dev.octet.torch.data.Augmentation;
import dev.octet.torch.data.DataLoader;
import dev.octet.torch.data.Dataset;
import dev.octet.torch.data.TrainingData;
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
import dev.octet.torch.train.Trainer;
import dev.octet.torch.train.TrainingListener;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
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
  /** Evaluation batches: nothing depends on it but time. */
  private static final int EVALUATION_BATCH = 100;

  /** What quantizers' own parameters train at, against the weights. */
  private static final double RANGE_RATE = 0.1;

  private final Path source;
  private Recipe recipe = Recipe.int8();
  private int epochs = 1;
  private int batchSize = 64;
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
  private final List<TrainingListener> listeners = new ArrayList<>();

  /**
   * What a run came to.
   *
   * @param floating the float model on the evaluation samples
   * @param before the model with calibrated ranges before training, fake-quantized
   * @param epochs the training
   * @param after the integer model as ONNX Runtime runs it, beside the float model
   * @param floatBytes size of the float file
   * @param bytes size of the written file
   */
  public record Result(
      Score floating,
      Score before,
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

  /** Of an ONNX file, whose first output is logits or log-probabilities [N, classes]. */
  public static FineTuning of(Path model) {
    return new FineTuning(model);
  }

  /** What is quantized and how; static or weight-only. Default: int8. */
  public FineTuning recipe(Recipe value) {
    recipe = value;
    return this;
  }

  /** Passes over the training samples; default 1. */
  public FineTuning epochs(int value) {
    epochs = positive("epochs", value);
    return this;
  }

  /** Samples in a training step; default 64. */
  public FineTuning batchSize(int value) {
    batchSize = positive("the batch size", value);
    return this;
  }

  /** The highest learning rate of SGD, from which a cosine leads to a hundredth; default 1e-3. */
  public FineTuning learningRate(double value) {
    learningRate = value;
    return this;
  }

  /** Momentum of SGD in [0, 1); default 0.9. */
  public FineTuning momentum(double value) {
    momentum = value;
    return this;
  }

  /** Weight decay on weights, not on biases, norms or ranges; default 1e-4. */
  public FineTuning weightDecay(double value) {
    weightDecay = value;
    return this;
  }

  /** Limits the norm of gradients; default: no limit. */
  public FineTuning clipGradients(double norm) {
    gradientLimit = norm;
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
    distillation = weight;
    temperature = softness;
    return this;
  }

  /** What becomes of BatchNormalization; default: folded at the start. */
  public FineTuning batchNorms(BatchNorms value) {
    batchNorms = value;
    return this;
  }

  /** From this epoch on, simulated BatchNormalization uses its running statistics. */
  public FineTuning freezeBatchNormsAt(int epoch) {
    freezeBatchNormsAt = epoch;
    return this;
  }

  /** Changes training images at random; default: not at all. */
  public FineTuning augment(Augmentation value) {
    augmentation = value;
    return this;
  }

  /** Computes convolutions and products in a smaller type; see {@link Torch#autocast}. */
  public FineTuning autocast(ScalarType type) {
    autocast = type;
    return this;
  }

  /** Writes the state here after each epoch, and continues what is here. */
  public FineTuning checkpoint(Path file) {
    checkpoint = file;
    return this;
  }

  /** Tells how calibration and evaluation go. */
  public FineTuning progress(Progress listener) {
    progress = listener;
    return this;
  }

  /** Tells how training goes. */
  public FineTuning listener(TrainingListener listener) {
    listeners.add(listener);
    return this;
  }

  /**
   * Calibrates, trains, writes the integer model, and measures it.
   *
   * @param data labelled; its training part is trained and calibrated on
   * @param target replaced only when all is done
   * @throws dev.octet.torch.train.TrainingException if the loss is no number, or a checkpoint does
   *     not fit
   */
  public Result save(DataSet data, Path target) {
    Model model = OnnxReader.read(source);
    InputBinding binding = InputBinding.of(ModelInputs.of(model.graph()));
    TrainingData samples = TrainingData.of(data);
    DataLoader training = training(samples.training(), binding);
    DataLoader evaluation =
        DataLoader.builder(samples.evaluation())
            .batchSize(binding.fixedBatch().orElse(EVALUATION_BATCH))
            .inputs(binding)
            .build();
    Torch.seed(seed);
    try (TorchGraph floating = TorchGraph.of(model);
        QuantizedGraph net = QuantizedGraph.of(model, recipe, batchNorms)) {
      final Score floatScore = Score.of(floating, evaluation);
      net.calibrate(data.calibration().representative(recipe.samples()));
      final Score before = Score.of(net, evaluation);
      if (learnRanges) {
        net.activationQuantizers().values().forEach(TensorQuantizer::learnScale);
      }
      List<EpochResult> results = train(net, floating, training, evaluation);
      Model quantized = net.toQuantizedModel();
      Samples judged = data.evaluation();
      Evaluation after =
          Evaluation.run(quantized, model, judged, EVALUATION_BATCH, Metric.standard(), progress);
      OnnxWriter.write(quantized, target);
      return new Result(floatScore, before, results, after, bytes(source), bytes(target));
    }
  }

  private DataLoader training(Dataset samples, InputBinding binding) {
    DataLoader.Builder builder =
        DataLoader.builder(samples)
            .batchSize(binding.fixedBatch().orElse(Math.min(batchSize, samples.size())))
            .shuffle()
            .dropLast()
            .seed(seed)
            .inputs(binding);
    if (augmentation != null) {
      builder.augment(augmentation);
    }
    return builder.build();
  }

  private List<EpochResult> train(
      QuantizedGraph net, Module teacher, DataLoader training, DataLoader evaluation) {
    try (Optimizer optimizer = Optimizer.sgd(groups(net), momentum, false)) {
      Trainer.Builder trainer =
          Trainer.builder(net, optimizer).epochs(epochs).learningRate(LearningRate.cosine(0.01));
      if (gradientLimit > 0) {
        trainer.clipGradients(gradientLimit);
      }
      if (distillation > 0) {
        trainer.distillation(new Distillation(teacher, distillation, temperature));
      }
      if (autocast != null) {
        trainer.autocast(autocast);
      }
      if (checkpoint != null) {
        trainer.checkpoint(checkpoint);
      }
      if (freezeBatchNormsAt < epochs) {
        trainer.atEpoch(freezeBatchNormsAt, module -> net.freezeStatistics(true));
      }
      listeners.forEach(trainer::listener);
      return trainer.build().fit(training, evaluation);
    }
  }

  /** Weights; what is a vector (biases, norms), without decay; and ranges, slower. */
  private List<ParameterGroup> groups(QuantizedGraph net) {
    Set<Tensor> ranges = Collections.newSetFromMap(new IdentityHashMap<>());
    net.activationQuantizers().values().forEach(each -> ranges.addAll(each.parameters().values()));
    net.weightQuantizers().values().forEach(each -> ranges.addAll(each.parameters().values()));
    List<Tensor> weights = new ArrayList<>();
    List<Tensor> vectors = new ArrayList<>();
    for (Tensor parameter : net.parameters().values()) {
      if (!ranges.contains(parameter)) {
        (parameter.dim() > 1 ? weights : vectors).add(parameter);
      }
    }
    List<ParameterGroup> groups = new ArrayList<>();
    addGroup(groups, weights, learningRate, weightDecay);
    addGroup(groups, vectors, learningRate, 0);
    addGroup(groups, new ArrayList<>(ranges), learningRate * RANGE_RATE, 0);
    return groups;
  }

  private static void addGroup(
      List<ParameterGroup> groups, List<Tensor> parameters, double rate, double decay) {
    if (!parameters.isEmpty()) {
      groups.add(ParameterGroup.of(parameters, rate, decay));
    }
  }

  private static int positive(String what, int value) {
    if (value < 1) {
      throw new IllegalArgumentException(what + " is " + value + "; choose 1 or more");
    }
    return value;
  }

  private static long bytes(Path file) {
    try {
      return Files.size(file);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot tell the size of " + file, e);
    }
  }
}
