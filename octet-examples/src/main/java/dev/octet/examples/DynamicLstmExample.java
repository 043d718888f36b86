package dev.octet.examples;

import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.models.ModelWeights;
import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.Embedding;
import dev.octet.torch.nn.Init;
import dev.octet.torch.nn.LSTM;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.Losses;
import dev.octet.torch.nn.Module;
import dev.octet.torch.op.Ops;
import dev.octet.torch.quant.flow.ParameterGroups;
import dev.octet.torch.train.Optimizer;
import dev.octet.workflows.pytorch.quantized.DynamicSpec;
import dev.octet.workflows.pytorch.quantized.QuantizedModules;
import dev.octet.workflows.pytorch.quantized.WeightFormat;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * PyTorch's tutorial of dynamic quantization of an LSTM: a language model of words, its LSTM and
 * linear layer quantized without calibration.
 *
 * <p>Usage: {@code octet-examples/run dynamic-lstm [TEXT [SEED [EPOCHS]]]}.
 */
public final class DynamicLstmExample {
  private static final String USAGE =
      """
      usage: octet-examples/run dynamic-lstm [TEXT [SEED [EPOCHS]]]
        TEXT    a file of lines, or "drawn" (the default) for the lines of a small grammar
        SEED    of weights, order and grammar; default 1
        EPOCHS  of training; default 3""";

  private static final int MOST_WORDS = 4_000;
  private static final int LINES = 4_000;
  private static final int WIDTH = 512;
  private static final int LENGTH = 35;
  private static final int BATCH = 20;

  private DynamicLstmExample() {}

  /** Word numbers {@code [N, T]} to scores of the next words {@code [N, T, words]}. */
  static final class LanguageModel extends Module {
    private final Child<Embedding> encoder;
    private final Child<LSTM> lstm;
    private final Child<Linear> decoder;

    LanguageModel(int words) {
      encoder = child("encoder", Embedding.builder(words, WIDTH).build());
      lstm = child("lstm", LSTM.builder(WIDTH, WIDTH).numLayers(2).batchFirst(true).build());
      decoder = child("decoder", Linear.builder(WIDTH, words).build());
      Init.uniform(encoder.get().weight(), -0.1, 0.1);
    }

    @Override
    protected Tensor forward(Tensor words) {
      return decoder.call(lstm.get().run(encoder.call(words), null).output());
    }
  }

  /** Runs it. */
  public static void main(String[] args) throws Exception {
    if (args.length > 3 || (args.length > 0 && args[0].startsWith("-"))) {
      System.err.println(USAGE);
      System.exit(2);
    }
    final long seed = args.length > 1 ? Long.parseLong(args[1]) : 1;
    final int epochs = args.length > 2 ? Integer.parseInt(args[2]) : 3;
    Words text =
        args.length == 0 || args[0].equals("drawn")
            ? Words.drawn(seed, LINES)
            : Words.read(Path.of(args[0]), MOST_WORDS);
    System.out.printf(
        "%d words to learn from, %d held out, %d different%n",
        text.training().length, text.heldOut().length, text.vocabulary().size());

    Torch.seed(seed);
    Torch.threads(1); // The tensors of a step are too small to share out.
    Path weights = Results.file("language.float.safetensors");
    try (LanguageModel net = new LanguageModel(text.vocabulary().size())) {
      train(net, text.training(), epochs, seed);
      ModelWeights.save(net, weights);
    }

    try (FormTable table = new FormTable("perplexity")) {
      DynamicSpec.Settings octet = DynamicSpec.Settings.perChannelPerToken();
      add(table, "float", text, weights, null);
      add(
          table,
          "LSTM, Linear int8 (PyTorch's default)",
          text,
          weights,
          DynamicSpec.of(DynamicSpec.Settings.pytorch()));
      add(table, "LSTM, Linear float16", text, weights, DynamicSpec.of(WeightFormat.FLOAT16));
      add(table, "LSTM, Linear int8, per channel and token", text, weights, DynamicSpec.of(octet));
      add(
          table,
          "the same, Embedding uint8",
          text,
          weights,
          DynamicSpec.of(octet).type(Embedding.class, DynamicSpec.Settings.of(WeightFormat.UINT8)));
      System.out.printf(
          "%nTwo layers of LSTM, %d wide; pieces of %d words; %d epochs, seed %d.%n",
          WIDTH, LENGTH, epochs, seed);
      try (Scope scope = Scope.open()) {
        table.print(piece(text.heldOut(), new int[] {0}, 0));
      }
    }
  }

  private static void add(
      FormTable table, String name, Words text, Path weights, @Nullable DynamicSpec spec)
      throws IOException {
    try (LanguageModel net = new LanguageModel(text.vocabulary().size());
        Scope scope = Scope.open()) {
      ModelWeights.load(net, weights, true);
      net.eval();
      Path file = weights;
      if (spec != null) {
        QuantizedModules.quantizeDynamic(net, spec)
            .leftFloat()
            .forEach(line -> System.out.println("  " + line));
        file = Results.file("language." + Tutorial.slug(name) + ".safetensors");
        QuantizedModules.save(net, file);
      }
      OnEngine engine = OnEngine.of(net, piece(text.heldOut(), new int[] {0}, 0));
      String perplexity =
          String.format(Locale.ROOT, "%.3f", Math.exp(loss(engine, text.heldOut())));
      table.add(name, perplexity, file, engine);
    }
  }

  private static Tensor piece(long[] part, int[] pieces, int shift) {
    return Tensors.of(Words.rows(part, pieces, LENGTH, shift), pieces.length, LENGTH);
  }

  /** The cross entropy of a batch of pieces; each begins without a state. */
  private static Tensor loss(Module net, long[] part, int[] pieces) {
    Tensor scores = net.call(piece(part, pieces, 0));
    Tensor target = piece(part, pieces, 1);
    return Losses.crossEntropy(Ops.transpose(scores, 1, 2), target);
  }

  /** The mean over all pieces, in nats. */
  private static double loss(Module net, long[] part) {
    int count = Words.pieces(part, LENGTH);
    double sum = 0;
    try (Torch.Switched noGrad = Torch.noGrad()) {
      for (int from = 0; from < count; from += BATCH) {
        int[] pieces = IntStream.range(from, Math.min(count, from + BATCH)).toArray();
        try (Scope scope = Scope.open()) {
          sum += loss(net, part, pieces).item_double() * pieces.length;
        }
      }
    }
    return sum / count;
  }

  private static void train(LanguageModel net, long[] part, int epochs, long seed) {
    List<Integer> order =
        IntStream.range(0, Words.pieces(part, LENGTH)).boxed().collect(Collectors.toList());
    Random random = new Random(seed);
    net.train(true);
    try (Optimizer optimizer =
        Optimizer.adamW(ParameterGroups.of(net).forOptimizer(0.002, 1e-4), 0.9, 0.999)) {
      for (int epoch = 0; epoch < epochs; epoch++) {
        Collections.shuffle(order, random);
        optimizer.scaleLearningRate(0.5 * (1 + Math.cos(Math.PI * epoch / epochs)));
        double sum = 0;
        int batches = order.size() / BATCH;
        for (int i = 0; i < batches; i++) {
          int[] pieces =
              order.subList(i * BATCH, (i + 1) * BATCH).stream().mapToInt(at -> at).toArray();
          try (Scope scope = Scope.open()) {
            Tensor loss = loss(net, part, pieces);
            optimizer.zeroGrad();
            loss.backward();
            optimizer.clipGradients(1);
            optimizer.step();
            sum += loss.item_double();
          }
        }
        System.out.printf(
            Locale.ROOT, "epoch %d: perplexity %.2f%n", epoch + 1, Math.exp(sum / batches));
      }
    }
    net.eval();
  }
}
