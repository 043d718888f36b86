package dev.octet.examples;

import dev.octet.graph.Model;
import dev.octet.graph.onnx.OnnxReader;
import dev.octet.quantize.data.SamplesOptions;
import dev.octet.torch.Scope;
import dev.octet.torch.Torch;
import dev.octet.torch.data.Batch;
import dev.octet.torch.data.DataLoader;
import dev.octet.torch.data.Dataset;
import dev.octet.torch.data.Epoch;
import dev.octet.torch.data.TrainingData;
import dev.octet.torch.train.Score;
import dev.octet.workflows.pytorch.Backend;
import dev.octet.workflows.pytorch.QConfigMapping;
import dev.octet.workflows.pytorch.QConfigs;
import dev.octet.workflows.pytorch.fx.ConvertedModule;
import dev.octet.workflows.pytorch.fx.FxConfig;
import dev.octet.workflows.pytorch.fx.GraphModule;
import dev.octet.workflows.pytorch.fx.QuantizeFx;
import dev.octet.workflows.pytorch.observer.FakeQuantizeBase;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/**
 * PyTorch's tutorial of static quantization in graph mode, on an imported model: no module has to
 * be named, fused or wrapped. Calibrated with one range for each weight, with a range for each
 * channel and histograms, with Octet's defaults, and trained with fake quantization.
 *
 * <p>Usage: {@code octet-examples/run static-graph MODEL CIFAR10 [SEED [IMAGES]]}.
 */
public final class StaticGraphExample {
  private static final String USAGE =
      """
      usage: octet-examples/run static-graph MODEL CIFAR10 [SEED [IMAGES]]
        MODEL    an ONNX file that classifies CIFAR-10
        CIFAR10  folder of CIFAR-10 binary files
        SEED     of training and order of images; default 1
        IMAGES   for each of the 3 passes of quantization-aware training; default 2000""";

  private static final int TRAINED_EPOCHS = 3;
  private static final double RATE = 0.005;

  private final Path file;
  private final Model model;
  private final Dataset training;
  private final DataLoader heldOut;
  private final Tensor example;
  private final long seed;
  private final int images;
  private final FormTable table = new FormTable("top-1");

  private StaticGraphExample(Path file, TrainingData data, Tensor example, long seed, int images)
      throws IOException {
    this.file = file;
    model = OnnxReader.read(file);
    training = data.training();
    heldOut = DataLoader.builder(data.evaluation()).batchSize(100).build();
    this.example = example;
    this.seed = seed;
    this.images = Math.min(images, training.size());
  }

  /** Runs it. */
  public static void main(String[] args) throws Exception {
    if (args.length < 2 || args.length > 4 || args[0].startsWith("-")) {
      System.err.println(USAGE);
      System.exit(2);
    }
    final long seed = args.length > 2 ? Long.parseLong(args[2]) : 1;
    final int images = args.length > 3 ? Integer.parseInt(args[3]) : 2_000;
    TrainingData data = TrainingData.open(Path.of(args[1]), List.of(), SamplesOptions.defaults());
    try (Scope scope = Scope.open();
        Epoch epoch = DataLoader.builder(data.evaluation()).batchSize(1).build().epoch(0);
        Batch batch = epoch.next()) {
      new StaticGraphExample(Path.of(args[0]), data, batch.input(), seed, images).run();
    }
  }

  private void run() throws IOException {
    try (table) {
      judge("float", model, file);
      calibrated(
          "per tensor, min-max (default_qconfig)",
          FxConfig.of(new QConfigMapping().setGlobal(QConfigs.DEFAULT_QCONFIG)));
      calibrated("per channel, histogram (x86)", FxConfig.of(Backend.X86));
      calibrated("octet", FxConfig.of(Backend.OCTET));
      aware("QAT, x86", FxConfig.qat(Backend.X86));
      aware("QAT, octet", FxConfig.qat(Backend.OCTET));
      System.out.printf(
          "%n%s; %d test images; %d images for calibration; QAT: %d passes over %d images;"
              + " seed %d.%n",
          file.getFileName(),
          heldOut.dataset().size(),
          Tutorial.CALIBRATION_IMAGES,
          TRAINED_EPOCHS,
          images,
          seed);
      table.print(example);
    }
  }

  /** Prepare, calibrate, convert. */
  private void calibrated(String name, FxConfig config) throws IOException {
    try (GraphModule prepared = QuantizeFx.prepareFx(model, config)) {
      Tutorial.calibrate(prepared, training);
      converted(name, prepared);
    }
  }

  /** Prepare, train, convert. */
  private void aware(String name, FxConfig config) throws IOException {
    Torch.seed(seed);
    try (GraphModule prepared = QuantizeFx.prepareQatFx(model, config)) {
      // In the last pass ranges and statistics stay, and the weights learn to live with them.
      Tutorial.train(
          name,
          prepared,
          Tutorial.augmented(training.range(0, images), seed),
          TRAINED_EPOCHS,
          RATE,
          net -> {
            FakeQuantizeBase.disableObserver(net);
            prepared.freezeStatistics(true);
          });
      prepared.eval();
      converted(name, prepared);
    }
  }

  private void converted(String name, GraphModule prepared) throws IOException {
    try (ConvertedModule converted = QuantizeFx.convertFx(prepared)) {
      Path written = Results.file("static-graph." + Tutorial.slug(name) + ".onnx");
      converted.write(written);
      judge(name, converted.model(), written);
    }
  }

  private void judge(String name, Model made, Path written) throws IOException {
    OnEngine engine = OnEngine.of(made);
    table.add(name, Score.of(engine, heldOut).accuracy(), written, engine);
  }
}
