package dev.octet.examples;

import dev.octet.graph.Model;
import dev.octet.graph.onnx.OnnxReader;
import dev.octet.graph.onnx.OnnxWriter;
import dev.octet.quantize.data.InputBinding;
import dev.octet.quantize.data.ModelInput;
import dev.octet.quantize.data.Samples;
import dev.octet.quantize.run.ModelInputs;
import dev.octet.torch.Scope;
import dev.octet.torch.data.Batch;
import dev.octet.torch.data.DataLoader;
import dev.octet.torch.data.Dataset;
import dev.octet.torch.data.Epoch;
import dev.octet.torch.nn.Embedding;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.train.Score;
import dev.octet.workflows.pytorch.Backend;
import dev.octet.workflows.pytorch.QConfig;
import dev.octet.workflows.pytorch.QConfigMapping;
import dev.octet.workflows.pytorch.QConfigs;
import dev.octet.workflows.pytorch.fx.BackendConfig;
import dev.octet.workflows.pytorch.fx.ConvertedModule;
import dev.octet.workflows.pytorch.fx.FxConfig;
import dev.octet.workflows.pytorch.fx.GraphModule;
import dev.octet.workflows.pytorch.fx.QuantizeFx;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * PyTorch's tutorial of dynamic quantization of a transformer: an imported text classifier, its
 * linear layers quantized in graph mode with the default dynamic qconfig and with Octet's, without
 * calibration.
 *
 * <p>Usage: {@code octet-examples/run dynamic-transformer MODEL TOKENS}.
 */
public final class DynamicTransformerExample {
  private static final String USAGE =
      """
      usage: octet-examples/run dynamic-transformer MODEL TOKENS
        MODEL   text classifier, ONNX, of token ids and attention mask
        TOKENS  sentences to judge it by, CSV: label, token ids""";

  private DynamicTransformerExample() {}

  /** Runs it. */
  public static void main(String[] args) throws Exception {
    if (args.length != 2 || args[0].startsWith("-")) {
      System.err.println(USAGE);
      System.exit(2);
    }
    Model model = OnnxReader.read(Path.of(args[0]));
    List<ModelInput> inputs = ModelInputs.of(model.graph());
    Dataset sentences = Dataset.of(Samples.tokens(Path.of(args[1])));
    InputBinding binding = InputBinding.of(inputs);
    DataLoader heldOut = DataLoader.builder(sentences).batchSize(20).inputs(binding).build();
    DataLoader single = DataLoader.builder(sentences).batchSize(1).inputs(binding).build();

    try (FormTable table = new FormTable("accuracy");
        Scope scope = Scope.open();
        Epoch epoch = single.epoch(0);
        Batch batch = epoch.next()) {
      Path written = Results.file("transformer.float.onnx");
      OnnxWriter.write(model, written);
      OnEngine floating = OnEngine.of(model);
      table.add("float", Score.of(floating, heldOut).accuracy(), written, floating);
      QConfig first = QConfigs.DEFAULT_DYNAMIC_QCONFIG;
      QConfig perChannel = QConfigs.PER_CHANNEL_DYNAMIC_QCONFIG;
      add(table, heldOut, model, "Linear int8 (PyTorch's default)", first, null);
      add(table, heldOut, model, "Linear int8, per channel", perChannel, null);
      add(
          table,
          heldOut,
          model,
          "the same, Embedding uint8",
          perChannel,
          QConfigs.FLOAT_QPARAMS_WEIGHT_ONLY_QCONFIG);
      System.out.printf("%n%d sentences; nothing is drawn at random.%n", sentences.size());
      table.print(batch.inputs().values().toArray(Tensor[]::new));
    }
  }

  private static void add(
      FormTable table,
      DataLoader heldOut,
      Model model,
      String name,
      QConfig linear,
      @Nullable QConfig embedding)
      throws IOException {
    FxConfig config =
        FxConfig.of(
                new QConfigMapping()
                    .setObjectType(Linear.class, linear)
                    .setObjectType(Embedding.class, embedding))
            .backend(BackendConfig.forBackend(Backend.OCTET.toString()));
    Path file = Results.file("transformer." + Tutorial.slug(name) + ".onnx");
    try (GraphModule prepared = QuantizeFx.prepareFx(model, config);
        ConvertedModule converted = QuantizeFx.convertFx(prepared)) {
      converted.report().warnings().forEach(warning -> System.out.println("  " + warning));
      System.out.println("  " + converted.report().quantized().size() + " operators are quantized");
      converted.write(file);
      OnEngine engine = OnEngine.of(converted.model());
      table.add(name, Score.of(engine, heldOut).accuracy(), file, engine);
    }
  }
}
