package dev.octet.cli;

import dev.octet.core.descriptor.Granularity;
import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.core.descriptor.RangeMethod;
import dev.octet.core.recipe.Format;
import dev.octet.core.recipe.Mode;
import dev.octet.core.recipe.Recipe;
import dev.octet.core.recipe.Target;
import dev.octet.core.rules.Rule;
import dev.octet.core.rules.Rules;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What to do to a model: a recipe, and changes to it. */
final class RecipeOptions {
  @Option(
      names = {"-r", "--recipe"},
      paramLabel = "NAME|FILE",
      description =
          "A preset ('octet recipes' lists them) or a YAML file (default: int8). The options below"
              + " change it.")
  private String recipe = "int8";

  @Option(
      names = "--mode",
      paramLabel = "MODE",
      description = "What is quantized: static, dynamic, weight-only or float16.")
  private @Nullable Mode mode;

  @Option(
      names = "--format",
      paramLabel = "FORMAT",
      description = "How it is written: qdq or qoperator.")
  private @Nullable Format format;

  @Option(
      names = "--target",
      paramLabel = "RUNTIME",
      description = "Who is to run it: onnxruntime, tensorrt, openvino or octet.")
  private @Nullable Target target;

  @Option(names = "--weight-bits", paramLabel = "N", description = "Bits of a weight, 2 to 16.")
  private @Nullable Integer weightBits;

  @Option(
      names = "--activation-bits",
      paramLabel = "N",
      description = "Bits of an activation, 2 to 16.")
  private @Nullable Integer activationBits;

  @Option(
      names = "--weight-method",
      paramLabel = "METHOD",
      description =
          "How the range of weights is chosen: minmax, mse, entropy, percentile:99.99, octav,"
              + " aciq:laplace, aciq:gauss, nsigma:3.")
  private @Nullable String weightMethod;

  @Option(
      names = "--activation-method",
      paramLabel = "METHOD",
      description =
          "How the range of activations is learned: as for weights, or moving-average:0.01,"
              + " average.")
  private @Nullable String activationMethod;

  @Option(
      names = "--granularity",
      paramLabel = "SHARING",
      description = "Which weights share a scale: tensor, channel, or block:32.")
  private @Nullable String granularity;

  @Option(names = "--per-tensor", description = "The same as --granularity tensor.")
  private boolean perTensor;

  @Option(
      names = "--bias-correction",
      negatable = true,
      description = "Let biases take back the mean error of rounded weights.")
  private @Nullable Boolean biasCorrection;

  @Option(
      names = "--equalize",
      negatable = true,
      description = "Even out the scales of neighbouring layers first.")
  private @Nullable Boolean equalize;

  @Option(
      names = "--smooth-quant",
      paramLabel = "ALPHA",
      description = "Move outliers of activations into weights, with this strength from 0 to 1.")
  private @Nullable Double smoothQuant;

  @Option(
      names = "--float",
      paramLabel = "PATTERN",
      description =
          "Leave in float the nodes whose whole name matches this regular expression; repeatable.")
  private List<String> keepFloat = new ArrayList<>();

  @Option(
      names = "--only-operators",
      paramLabel = "OP",
      split = ",",
      description = "Quantize only these operators, such as Conv,Gemm.")
  private List<String> onlyOperators = new ArrayList<>();

  @Option(
      names = {"-n", "--samples"},
      paramLabel = "N",
      description = "Calibrate on at most so many samples (int8: 500).")
  private @Nullable Integer samples;

  @Option(
      names = "--batch",
      paramLabel = "N",
      description = "Samples in a calibration batch, where the model leaves that open (int8: 1).")
  private @Nullable Integer batch;

  /** The recipe with all changes. */
  Recipe recipe() {
    Recipe base = load(recipe);
    try {
      Recipe.Builder builder = base.toBuilder();
      if (mode != null) {
        builder.mode(mode);
      }
      if (format != null) {
        builder.format(format);
      }
      if (target != null) {
        builder.target(target);
      }
      builder.weight(weight(base.weight()));
      builder.activation(activation(base.activation()));
      if (biasCorrection != null) {
        builder.biasCorrection(biasCorrection);
      }
      if (equalize != null) {
        builder.crossLayerEqualization(equalize);
      }
      if (smoothQuant != null) {
        builder.smoothQuant(smoothQuant);
      }
      if (samples != null) {
        builder.samples(samples);
      }
      if (batch != null) {
        builder.batchSize(batch);
      }
      if (!onlyOperators.isEmpty()) {
        builder.operators(new LinkedHashSet<>(onlyOperators));
      }
      if (!keepFloat.isEmpty()) {
        builder.rules(withFloat(base.rules()));
      }
      return builder.build();
    } catch (IllegalArgumentException e) {
      throw new OptionException(e.getMessage() == null ? e.toString() : e.getMessage());
    }
  }

  private static Recipe load(String nameOrFile) {
    if (Recipe.presets().contains(nameOrFile)) {
      return Recipe.preset(nameOrFile);
    }
    if (!Files.isRegularFile(Path.of(nameOrFile))) {
      throw new OptionException(
          "--recipe",
          "'" + nameOrFile + "'",
          "that is neither a file nor one of " + String.join(", ", Recipe.presets()));
    }
    return Recipe.load(Path.of(nameOrFile));
  }

  private QuantDescriptor weight(QuantDescriptor base) {
    QuantDescriptor.Builder builder = base.toBuilder();
    if (weightBits != null) {
      builder.bits(weightBits);
      if (weightBits <= 4 && base.bits() > 4) {
        builder.method(new RangeMethod.Mse()); // as the presets of few bits have it
      }
    }
    if (weightMethod != null) {
      builder.method(RangeMethod.parse(weightMethod));
    }
    if (perTensor && granularity != null && !granularity.equals("tensor")) {
      throw new OptionException(
          "--per-tensor and --granularity " + granularity + " contradict each other; drop one");
    }
    if (perTensor) {
      builder.granularity(Granularity.perTensor());
    } else if (granularity != null) {
      builder.granularity(granularity(granularity));
    }
    return builder.build();
  }

  private QuantDescriptor activation(QuantDescriptor base) {
    QuantDescriptor.Builder builder = base.toBuilder();
    if (activationBits != null) {
      builder.bits(activationBits);
    }
    if (activationMethod != null) {
      builder.method(RangeMethod.parse(activationMethod));
    }
    return builder.build();
  }

  private static Granularity granularity(String text) {
    String word = text.toLowerCase(Locale.ROOT);
    if (word.equals("tensor")) {
      return Granularity.perTensor();
    }
    if (word.equals("channel")) {
      return Granularity.perAxis(0); // a recipe's axis stands for each operator's output channel
    }
    if (word.startsWith("block:")) {
      try {
        return Granularity.perBlock(1, Integer.parseInt(word.substring("block:".length())));
      } catch (NumberFormatException e) {
        // Said below.
      }
    }
    throw new OptionException(
        "--granularity", "'" + text + "'", "choose tensor, channel, or block:N such as block:32");
  }

  /** What the command line says comes before what the recipe says. */
  private Rules withFloat(Rules rules) {
    List<Rule> all = new ArrayList<>();
    keepFloat.forEach(pattern -> all.add(Rule.keepFloat(pattern, null)));
    all.addAll(rules.rules());
    return new Rules(all);
  }
}
