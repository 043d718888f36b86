package dev.octet.bench.torch;

import dev.octet.core.descriptor.RangeMethod;
import dev.octet.core.recipe.Recipe;
import dev.octet.graph.Model;
import dev.octet.graph.onnx.OnnxReader;
import dev.octet.quantize.data.DataSet;
import dev.octet.quantize.data.InputBinding;
import dev.octet.quantize.data.ModelInput;
import dev.octet.quantize.data.Samples;
import dev.octet.quantize.data.SamplesOptions;
import dev.octet.quantize.run.ModelInputs;
import dev.octet.torch.data.Augmentation;
import dev.octet.torch.data.DataLoader;
import dev.octet.torch.data.TrainingData;
import dev.octet.torch.graph.QuantizedGraph;
import dev.octet.torch.graph.QuantizedGraph.BatchNorms;
import dev.octet.torch.graph.TorchGraph;
import dev.octet.torch.qat.FineTuning;
import dev.octet.torch.train.Score;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/**
 * The toolkit's table for a model of CIFAR-10: float, calibrated by four methods, and fine-tuned,
 * at three widths.
 *
 * <p>Usage: {@code QatTable MODEL DATA ptq | qat BITS EPOCHS RATE SEED [simulated] [learned]
 * [distill=W]}; one line for each row, top-1 on all evaluation images. BITS is w8a8, w4a8 or w4a4.
 * A fine-tuned row is that of the integer model in ONNX Runtime.
 */
public final class QatTable {
  private static final int CALIBRATION = 500;

  private QatTable() {}

  /** Prints the rows that the arguments ask for. */
  public static void main(String[] args) throws Exception {
    Path source = Path.of(args[0]);
    Model model = OnnxReader.read(source);
    List<ModelInput> inputs = ModelInputs.of(model.graph());
    DataSet data =
        Samples.open(Path.of(args[1]), inputs, SamplesOptions.defaults().withPreset("cifar10"));
    if (args[2].equals("ptq")) {
      calibrated(model, inputs, data);
    } else {
      fineTuned(source, data, args);
    }
  }

  private static void calibrated(Model model, List<ModelInput> inputs, DataSet data) {
    DataLoader evaluation =
        DataLoader.builder(TrainingData.of(data).evaluation())
            .batchSize(100)
            .inputs(InputBinding.of(inputs))
            .build();
    try (TorchGraph floating = TorchGraph.of(model)) {
      print("float", Score.of(floating, evaluation).accuracy());
    }
    for (String bits : List.of("w8a8", "w4a8", "w4a4")) {
      for (String method : List.of("minmax", "percentile:99.99", "entropy", "mse")) {
        Recipe recipe = recipe(bits, method);
        try (QuantizedGraph net = QuantizedGraph.of(model, recipe, BatchNorms.FOLDED)) {
          net.calibrate(data.calibration().representative(CALIBRATION));
          print(bits + " " + method, Score.of(net, evaluation).accuracy());
        }
      }
    }
  }

  private static void fineTuned(Path source, DataSet data, String[] args) throws Exception {
    String bits = args[3];
    long seed = Long.parseLong(args[6]);
    FineTuning tuning =
        FineTuning.of(source)
            .recipe(recipe(bits, "mse"))
            .epochs(Integer.parseInt(args[4]))
            .learningRate(Double.parseDouble(args[5]))
            .augment(Augmentation.cifar10())
            .seed(seed)
            .withoutScores();
    for (String option : List.of(args).subList(7, args.length)) {
      if (option.equals("learned")) {
        tuning.learnRanges();
      } else if (option.equals("simulated")) {
        tuning.batchNorms(BatchNorms.SIMULATED);
      } else if (option.startsWith("distill=")) {
        tuning.distill(Double.parseDouble(option.substring("distill=".length())), 2);
      } else {
        throw new IllegalArgumentException("no option '" + option + "'");
      }
    }
    Path target = Files.createTempFile("octet-qat", ".onnx");
    try {
      long start = System.nanoTime();
      FineTuning.Result result = tuning.save(data, target);
      double seconds = (System.nanoTime() - start) / 1e9;
      print(
          String.format(
              Locale.ROOT,
              "%s fine-tuned, %s epochs at %s, seed %d, %s, agreement %.2f, %d bytes, %.0f s",
              bits,
              args[4],
              args[5],
              seed,
              String.join(" ", List.of(args).subList(7, args.length)),
              100 * result.after().value("agreement"),
              result.bytes(),
              seconds),
          result.after().value("top1"));
    } finally {
      Files.delete(target);
    }
  }

  private static Recipe recipe(String bits, String method) {
    int weightBits = bits.charAt(1) - '0';
    int activationBits = bits.charAt(3) - '0';
    Recipe base = Recipe.preset("int8");
    return base.toBuilder()
        .name(bits)
        .samples(CALIBRATION)
        .weight(
            base.weight().toBuilder()
                .bits(weightBits)
                .method(RangeMethod.parse(weightBits == 8 ? "minmax" : "mse"))
                .build())
        .activation(
            base.activation().toBuilder()
                .bits(activationBits)
                .method(RangeMethod.parse(method))
                .build())
        .build();
  }

  private static void print(String row, double top1) {
    System.out.printf(Locale.ROOT, "%6.2f  %s%n", 100 * top1, row);
  }
}
