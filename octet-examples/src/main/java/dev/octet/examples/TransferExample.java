package dev.octet.examples;

import dev.octet.quantize.data.HostTensor;
import dev.octet.quantize.data.Sample;
import dev.octet.quantize.data.SamplesOptions;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.data.Batch;
import dev.octet.torch.data.DataLoader;
import dev.octet.torch.data.Dataset;
import dev.octet.torch.data.Epoch;
import dev.octet.torch.data.Example;
import dev.octet.torch.data.TrainingData;
import dev.octet.torch.models.ModelWeights;
import dev.octet.torch.models.ResNet;
import dev.octet.torch.nn.Identity;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.Sequential;
import dev.octet.torch.train.Score;
import dev.octet.workflows.pytorch.Backend;
import dev.octet.workflows.pytorch.Conversion;
import dev.octet.workflows.pytorch.Prepared;
import dev.octet.workflows.pytorch.QuantWrapper;
import dev.octet.workflows.pytorch.Quantization;
import dev.octet.workflows.pytorch.observer.FakeQuantizeBase;
import dev.octet.workflows.pytorch.quantized.QuantizedModules;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Tensor;

/**
 * PyTorch's tutorial of transfer learning with a quantized ResNet-18: a float classifier trained on
 * frozen int8 features, and fine-tuning of the whole network with fake quantization.
 *
 * <p>What is known already are the first five classes of CIFAR-10, what is to be learnt are the
 * other five. Usage: {@code octet-examples/run transfer CIFAR10 [WEIGHTS [SEED [EPOCHS]]]}.
 */
public final class TransferExample {
  private static final String USAGE =
      """
      usage: octet-examples/run transfer CIFAR10 [WEIGHTS [SEED [EPOCHS]]]
        CIFAR10  folder of CIFAR-10 binary files
        WEIGHTS  of a ResNet-18 with torchvision's names, .safetensors or .pt, to start from;
                 "train" (the default) trains one on classes 0 to 4
        SEED     of weights and order; default 1
        EPOCHS   of fine-tuning on classes 5 to 9, and of the training; default 2""";

  private static final int FEATURES = 512;
  private static final int CLASSES = 10;
  private static final int HEAD_EPOCHS = 15;

  private final Dataset training;
  private final DataLoader heldOut;
  private final Tensor example;
  private final Path weights;
  private final long seed;
  private final int epochs;
  private final FormTable table = new FormTable("top-1");

  private TransferExample(
      Dataset training, Dataset heldOut, Path weights, Tensor example, long seed, int epochs) {
    this.training = training;
    this.heldOut = DataLoader.builder(heldOut).batchSize(100).build();
    this.weights = weights;
    this.example = example;
    this.seed = seed;
    this.epochs = epochs;
  }

  /** Runs it. */
  public static void main(String[] args) throws Exception {
    if (args.length < 1 || args.length > 4 || args[0].startsWith("-")) {
      System.err.println(USAGE);
      System.exit(2);
    }
    final long seed = args.length > 2 ? Long.parseLong(args[2]) : 1;
    final int epochs = args.length > 3 ? Integer.parseInt(args[3]) : 2;
    final TrainingData data =
        TrainingData.open(Path.of(args[0]), List.of(), SamplesOptions.defaults());
    Torch.seed(seed);
    Path weights = Results.file("resnet18.features.safetensors");
    boolean given = args.length > 1 && !args[1].equals("train");
    try (Module net =
        given ? pretrained(Path.of(args[1])) : learned(of(data.training(), 0), epochs, seed)) {
      net.replace("fc", new Identity()).close();
      ModelWeights.save(net, weights);
    }
    Dataset heldOut = of(data.evaluation(), 5);
    try (Scope scope = Scope.open();
        Epoch epoch = DataLoader.builder(heldOut).batchSize(1).build().epoch(0);
        Batch batch = epoch.next()) {
      TransferExample tutorial =
          new TransferExample(
              of(data.training(), 5), heldOut, weights, batch.input(), seed, epochs);
      System.out.println(
          "It starts from "
              + (given ? args[1] : "what classes 0 to 4 taught it in " + epochs + " epochs"));
      tutorial.run();
    }
  }

  private void run() throws IOException {
    try (table) {
      frozen();
      fineTuned();
      System.out.printf(
          "%nResNet-18 at 32x32, classes 5 to 9: %d images to learn from, %d test images; %d epochs"
              + " of fine-tuning, seed %d.%n",
          training.size(), heldOut.dataset().size(), epochs, seed);
      table.print(example);
    }
  }

  /** The five classes from one on; the labels stay as they are. */
  private static Dataset of(Dataset all, int first) {
    return all.subset(
        IntStream.range(0, all.size())
            .filter(i -> all.label(i) >= first && all.label(i) < first + 5)
            .toArray());
  }

  /** A network whose classifier is that of the file, whatever it tells apart. */
  private static Module pretrained(Path file) {
    for (long classes : new long[] {1000, CLASSES}) {
      Module net = ResNet.resnet18(classes);
      try {
        ModelWeights.load(net, file, true);
        return net;
      } catch (IllegalArgumentException e) {
        net.close();
        if (classes == CLASSES) {
          throw e;
        }
      }
    }
    throw new AssertionError();
  }

  private static Module learned(Dataset known, int epochs, long seed) {
    Module net = ResNet.resnet18(CLASSES);
    Tutorial.train(
        "float, classes 0 to 4", net, Tutorial.augmented(known, seed), epochs, 0.05, model -> {});
    return net;
  }

  /** A network that gives out features {@code [N, 512]}, which knows what it knew. */
  private Module features() {
    Module net = ResNet.resnet18(CLASSES);
    net.replace("fc", new Identity()).close();
    ModelWeights.load(net, weights, true);
    net.eval();
    return net;
  }

  /** The features stay as they are, and a classifier is trained on them. */
  private void frozen() throws IOException {
    Path floatFile = Results.file("transfer.float.safetensors");
    try (Module net = features()) {
      Linear head = head(net);
      try (Module whole = new Sequential(net, head)) {
        ModelWeights.save(whole, floatFile);
        add("frozen float features, float head", whole, floatFile);
      }
    }
    Module net = features();
    Quantization.fuseModules(net, fusable(net));
    Module wrapped = new QuantWrapper(net);
    Conversion converted =
        Quantization.quantize(
            wrapped, Backend.OCTET.qconfigMapping(), model -> Tutorial.calibrate(model, training));
    report(converted);
    try (Module whole = new Sequential(wrapped, head(wrapped))) {
      Path file = Results.file("transfer.frozen.safetensors");
      QuantizedModules.save(whole, file);
      add("frozen int8 features, float head", whole, file);
    }
  }

  /** The whole network learns, in floats and with fake quantization. */
  private void fineTuned() throws IOException {
    Path file = Results.file("transfer.finetuned.safetensors");
    Torch.seed(seed);
    Module net = features();
    Linear head = head(net);
    Module floats = new Sequential(net, head);
    Tutorial.train("float", floats, Tutorial.augmented(training, seed), epochs, 0.01, model -> {});
    ModelWeights.save(floats, file);
    add("fine-tuned in floats", floats, file);
    floats.close();

    Torch.seed(seed);
    net = features();
    head = head(net);
    net.train(true);
    Quantization.fuseModulesQat(net, fusable(net));
    try (Module wrapped = new QuantWrapper(new Sequential(net, head))) {
      wrapped.train(true);
      Prepared prepared = Quantization.prepareQat(wrapped, Backend.OCTET.qatQConfigMapping());
      Tutorial.train(
          "QAT",
          wrapped,
          Tutorial.augmented(training, seed),
          epochs,
          0.01,
          model -> {
            FakeQuantizeBase.disableObserver(model);
            Quantization.freezeBnStats(model);
          });
      Conversion converted = Quantization.convert(prepared);
      report(converted);
      Path int8 = Results.file("transfer.qat.safetensors");
      QuantizedModules.save(converted.model(), int8);
      add("fine-tuned with QAT, int8", converted.model(), int8);
    }
  }

  private static void report(Conversion converted) {
    converted.remarks().forEach(remark -> System.out.println("  " + remark));
  }

  private void add(String name, Module net, Path file) throws IOException {
    OnEngine engine = OnEngine.of(net, example);
    table.add(name, Score.of(engine, heldOut).accuracy(), file, engine);
  }

  /** A classifier for what a network makes of each image, which is computed once. */
  private Linear head(Module net) {
    List<Example> seen = new ArrayList<>();
    try (OnEngine engine = OnEngine.of(net, example);
        Epoch epoch = DataLoader.builder(training).batchSize(100).build().epoch(0)) {
      while (epoch.hasNext()) {
        try (Batch batch = epoch.next();
            Scope scope = Scope.open()) {
          float[] rows = Tensors.toFloats(engine.call(batch.input()));
          long[] labels = Tensors.toLongs(batch.labels());
          for (int i = 0; i < labels.length; i++) {
            float[] row = Arrays.copyOfRange(rows, i * FEATURES, (i + 1) * FEATURES);
            HostTensor values = HostTensor.ofFloats(new int[] {1, FEATURES}, row);
            OptionalInt label = OptionalInt.of(Math.toIntExact(labels[i]));
            seen.add(new Example.Values(Sample.of(values, label, batch.origins().get(i))));
          }
        }
      }
    }
    Torch.seed(seed);
    Linear head = Linear.builder(FEATURES, CLASSES).build();
    DataLoader batches =
        DataLoader.builder(Dataset.of(seen)).batchSize(Tutorial.BATCH).shuffle().seed(seed).build();
    Tutorial.train("", head, batches, HEAD_EPOCHS, 0.01, model -> {});
    return head;
  }

  /** The convolutions with what follows them, by torchvision's names. */
  private static List<List<String>> fusable(Module net) {
    List<List<String>> groups = new ArrayList<>();
    for (String path : net.modules().keySet()) {
      String in = path.substring(0, path.lastIndexOf('.') + 1);
      if (path.endsWith("conv1")) {
        groups.add(List.of(path, in + "bn1", in + "relu"));
      } else if (path.endsWith("conv2")) {
        groups.add(List.of(path, in + "bn2"));
      } else if (path.endsWith("downsample.0")) {
        groups.add(List.of(path, in + "1"));
      }
    }
    return groups;
  }
}
