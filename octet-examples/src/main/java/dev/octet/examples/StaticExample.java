package dev.octet.examples;

import dev.octet.quantize.data.SamplesOptions;
import dev.octet.torch.Scope;
import dev.octet.torch.Torch;
import dev.octet.torch.data.Batch;
import dev.octet.torch.data.DataLoader;
import dev.octet.torch.data.Epoch;
import dev.octet.torch.data.TrainingData;
import dev.octet.torch.models.MobileNetV2;
import dev.octet.torch.models.ModelWeights;
import dev.octet.torch.nn.Activation;
import dev.octet.torch.nn.BatchNorm2d;
import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.Sequential;
import dev.octet.torch.train.Score;
import dev.octet.workflows.pytorch.Backend;
import dev.octet.workflows.pytorch.Conversion;
import dev.octet.workflows.pytorch.Prepared;
import dev.octet.workflows.pytorch.QConfigMapping;
import dev.octet.workflows.pytorch.QConfigs;
import dev.octet.workflows.pytorch.QuantWrapper;
import dev.octet.workflows.pytorch.Quantization;
import dev.octet.workflows.pytorch.fx.ConvertedModule;
import dev.octet.workflows.pytorch.fx.FxConfig;
import dev.octet.workflows.pytorch.fx.GraphModule;
import dev.octet.workflows.pytorch.fx.QuantizeFx;
import dev.octet.workflows.pytorch.observer.FakeQuantizeBase;
import dev.octet.workflows.pytorch.quantized.QuantizedModules;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Tensor;

/**
 * PyTorch's tutorial of static quantization: MobileNetV2, calibrated with one range for each
 * weight, with a range for each channel and histograms, with Octet's defaults, and trained with
 * fake quantization; what each costs in accuracy, and gains in size and latency.
 *
 * <p>Usage: {@code octet-examples/run static CIFAR10 [WEIGHTS [SEED [IMAGES]]]}.
 */
public final class StaticExample {
  private static final String USAGE =
      """
      usage: octet-examples/run static CIFAR10 [WEIGHTS [SEED [IMAGES]]]
        CIFAR10  folder of CIFAR-10 binary files
        WEIGHTS  of MobileNetV2 for CIFAR-10, width 0.5, .safetensors or .pt;
                 "train" (the default) trains some for 3 epochs
        SEED     of training and order of images; default 1
        IMAGES   for each of the 3 passes of quantization-aware training; default 2000""";

  private static final int TRAINED_EPOCHS = 3;

  private final TrainingData data;
  private final DataLoader heldOut;
  private final Tensor example;
  private final Path weights;
  private final long seed;
  private final int images;
  private final FormTable table = new FormTable("top-1");

  private StaticExample(TrainingData data, Path weights, Tensor example, long seed, int images) {
    this.data = data;
    this.weights = weights;
    this.example = example;
    this.seed = seed;
    this.images = Math.min(images, data.training().size());
    heldOut = DataLoader.builder(data.evaluation()).batchSize(100).build();
  }

  /** Runs it. */
  public static void main(String[] args) throws Exception {
    if (args.length < 1 || args.length > 4 || args[0].startsWith("-")) {
      System.err.println(USAGE);
      System.exit(2);
    }
    final long seed = args.length > 2 ? Long.parseLong(args[2]) : 1;
    final int images = args.length > 3 ? Integer.parseInt(args[3]) : 2_000;
    TrainingData data = TrainingData.open(Path.of(args[0]), List.of(), SamplesOptions.defaults());
    Torch.seed(seed);
    Path given;
    if (args.length > 1 && !args[1].equals("train")) {
      given = Path.of(args[1]);
    } else {
      given = trained(data, seed);
    }
    Path weights = Results.file("mobilenetv2.float.safetensors");
    try (Module net = network()) {
      ModelWeights.load(net, given, true);
      ModelWeights.save(net, weights);
    }
    try (Scope scope = Scope.open();
        Epoch epoch = DataLoader.builder(data.evaluation()).batchSize(1).build().epoch(0);
        Batch batch = epoch.next()) {
      new StaticExample(data, weights, batch.input(), seed, images).run();
    }
  }

  private void run() throws IOException {
    try (table) {
      try (Module net = load()) {
        add("float", net, weights);
        inPlaceOfRelu6(net);
        add("float, ReLU in the place of ReLU6", net, weights);
      }
      calibrated(
          "per tensor, min-max (default_qconfig)",
          new QConfigMapping().setGlobal(QConfigs.DEFAULT_QCONFIG));
      calibrated("per channel, histogram (x86)", Backend.X86.qconfigMapping());
      calibrated("octet", Backend.OCTET.qconfigMapping());
      graphMode("octet, graph mode, ReLU6 as it is");
      aware("QAT, x86", Backend.X86);
      aware("QAT, octet", Backend.OCTET);
      System.out.printf(
          "%nMobileNetV2, width 0.5; %d test images; %d images for calibration; QAT: 3 passes over"
              + " %d images; seed %d.%n",
          data.evaluation().size(), Tutorial.CALIBRATION_IMAGES, images, seed);
      table.print(example);
    }
  }

  private static Module network() {
    return MobileNetV2.cifar(10).width(0.5).build();
  }

  private Module load() {
    Module net = network();
    ModelWeights.load(net, weights, true);
    net.eval();
    return net;
  }

  /** Weights of a network that learned a little. */
  private static Path trained(TrainingData data, long seed) throws IOException {
    Path file = Results.file("mobilenetv2.trained.safetensors");
    try (Module net = network()) {
      Tutorial.train(
          "float", net, Tutorial.augmented(data.training(), seed), TRAINED_EPOCHS, 0.1, m -> {});
      ModelWeights.save(net, file);
    }
    return file;
  }

  /** Fuse, prepare, calibrate, convert. */
  private void calibrated(String name, QConfigMapping mapping) throws IOException {
    Module net = load();
    inPlaceOfRelu6(net);
    Quantization.fuseModules(net, fusable(net));
    try (Module wrapped = new QuantWrapper(net)) {
      add(
          name,
          Quantization.quantize(
              wrapped, mapping, model -> Tutorial.calibrate(model, data.training())));
    }
  }

  /** The same on the traced graph, where no module has to be named. */
  private void graphMode(String name) throws IOException {
    Path file = Results.file("mobilenetv2." + Tutorial.slug(name) + ".onnx");
    try (Module net = load();
        GraphModule prepared = QuantizeFx.prepareFx(net, FxConfig.of(Backend.OCTET), example)) {
      Tutorial.calibrate(prepared, data.training());
      try (ConvertedModule converted = QuantizeFx.convertFx(prepared)) {
        converted.write(file);
        judge(name, OnEngine.of(converted.model()), file);
      }
    }
  }

  /** Fuse, prepare, train, convert. */
  private void aware(String name, Backend backend) throws IOException {
    Torch.seed(seed);
    Module net = load();
    net.train(true);
    inPlaceOfRelu6(net);
    Quantization.fuseModulesQat(net, fusable(net));
    try (Module wrapped = new QuantWrapper(net)) {
      Prepared prepared = Quantization.prepareQat(wrapped, backend.qatQConfigMapping());
      // In the last pass ranges and statistics stay, and the weights learn to live with them.
      Tutorial.train(
          name,
          wrapped,
          Tutorial.augmented(data.training().range(0, images), seed),
          TRAINED_EPOCHS,
          0.005,
          model -> {
            FakeQuantizeBase.disableObserver(model);
            Quantization.freezeBnStats(model);
          });
      add(name, Quantization.convert(prepared));
    }
  }

  private void add(String name, Conversion converted) throws IOException {
    converted.remarks().forEach(remark -> System.out.println("  " + remark));
    Path file = Results.file("mobilenetv2." + Tutorial.slug(name) + ".safetensors");
    QuantizedModules.save(converted.model(), file);
    add(name, converted.model(), file);
  }

  private void add(String name, Module net, Path file) throws IOException {
    judge(name, OnEngine.of(net, example), file);
  }

  private void judge(String name, OnEngine engine, Path file) throws IOException {
    table.add(name, Score.of(engine, heldOut).accuracy(), file, engine);
  }

  /** Eager mode fuses ReLU alone; the tutorial's network has it from the start, too. */
  private static void inPlaceOfRelu6(Module net) {
    net.modules()
        .forEach(
            (path, module) -> {
              if (module instanceof Activation activation && activation.name().equals("ReLU6")) {
                Module relu = Activation.relu();
                relu.train(net.isTraining());
                net.replace(path, relu).close();
              }
            });
  }

  /** Each convolution with the normalization and the ReLU behind it. */
  private static List<List<String>> fusable(Module net) {
    List<List<String>> groups = new ArrayList<>();
    net.modules()
        .forEach(
            (path, module) -> {
              if (module instanceof Sequential) {
                List<Module> parts = List.copyOf(module.children().values());
                for (int i = 0; i + 1 < parts.size(); i++) {
                  if (parts.get(i) instanceof Conv2d && parts.get(i + 1) instanceof BatchNorm2d) {
                    int end = i + 2;
                    if (end < parts.size() && parts.get(end) instanceof Activation) {
                      end++;
                    }
                    groups.add(IntStream.range(i, end).mapToObj(at -> path + "." + at).toList());
                  }
                }
              }
            });
    return groups;
  }
}
