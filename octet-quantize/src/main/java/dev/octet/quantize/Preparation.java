package dev.octet.quantize;

import dev.octet.core.descriptor.Granularity;
import dev.octet.core.recipe.Recipe;
import dev.octet.graph.Model;
import dev.octet.graph.ModelException;
import dev.octet.graph.Node;
import dev.octet.graph.opset.OpsetRaise;
import dev.octet.graph.pass.DeduplicateInitializers;
import dev.octet.graph.pass.FoldBatchNorm;
import dev.octet.graph.pass.Passes;
import dev.octet.graph.pass.RewriteResult;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Makes a model ready: simpler, and in an operator set that knows the number formats. */
final class Preparation {
  /** QuantizeLinear and DequantizeLinear have an axis from here on. */
  private static final long PER_CHANNEL_OPSET = 13;

  /** Opset 17 is what every current runtime reads, and needs no older form of any operator. */
  private static final long COMMON_OPSET = 17;

  /** Four-bit and sixteen-bit integers, and blocks of scales. */
  private static final long BLOCK_OPSET = 21;

  private Preparation() {}

  /** Changes {@code model} in place and returns it. */
  static Model prepare(Model model, Recipe recipe) {
    Passes.simplify(model);
    return raise(model, recipe);
  }

  /**
   * The same for a model that is to be trained: equal constants stay apart, because training makes
   * them differ.
   *
   * @param foldNorms whether BatchNormalization is folded into the layer before it
   */
  static Model prepareForTraining(Model model, Recipe recipe, boolean foldNorms) {
    Passes.simplify(
        model,
        pass ->
            !(pass instanceof DeduplicateInitializers)
                && (foldNorms || !(pass instanceof FoldBatchNorm)));
    return raise(model, recipe);
  }

  private static Model raise(Model model, Recipe recipe) {
    long needed = neededOpset(model, recipe);
    if (model.opset() < needed) {
      RewriteResult raised = OpsetRaise.to(model, needed);
      if (model.opset() < needed) {
        throw new ModelException(
            "the model's operator set "
                + model.opset()
                + " cannot be raised to "
                + needed
                + ", which the recipe's number formats need: "
                + String.join("; ", raised.refusals())
                + "; export the model with operator set "
                + needed);
      }
    }
    return model;
  }

  private static long neededOpset(Model model, Recipe recipe) {
    boolean recurrent =
        model.graph().nodes().stream()
            .map(Node::op)
            .anyMatch(op -> op.equals("LSTM") || op.equals("GRU") || op.equals("RNN"));
    boolean newFormats =
        recurrent
            || needsNewFormats(recipe.weight().bits(), recipe.weight().granularity())
            || needsNewFormats(recipe.activation().bits(), null)
            || recipe.rules().rules().stream()
                .flatMap(rule -> Stream.of(rule.weight(), rule.activation()))
                .anyMatch(settings -> needsNewFormats(settings.bits(), settings.granularity()));
    if (newFormats) {
      return BLOCK_OPSET;
    }
    return model.opset() < PER_CHANNEL_OPSET ? COMMON_OPSET : PER_CHANNEL_OPSET;
  }

  private static boolean needsNewFormats(
      @Nullable Integer bits, @Nullable Granularity granularity) {
    return granularity instanceof Granularity.PerBlock || (bits != null && (bits <= 4 || bits > 8));
  }
}
