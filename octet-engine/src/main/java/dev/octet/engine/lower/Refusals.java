package dev.octet.engine.lower;

import dev.octet.engine.plan.Lowering;
import dev.octet.engine.plan.Refusal;
import java.util.function.BiConsumer;

/** Operators that a plan with fixed shapes, or an engine of numeric tensors, cannot have. */
final class Refusals {
  private Refusals() {}

  /** Gives every such operator, with its reason, to {@code register}. */
  static void forEach(BiConsumer<String, Lowering> register) {
    refuse(
        register,
        "how many results it has depends on the data",
        "NonZero",
        "Compress",
        "Unique",
        "NonMaxSuppression");
    refuse(register, "which of its nested graphs runs depends on the data", "If", "Loop", "Scan");
    refuse(
        register,
        "its result is random",
        "RandomNormal",
        "RandomNormalLike",
        "RandomUniform",
        "RandomUniformLike",
        "Multinomial",
        "Bernoulli");
    refuse(
        register,
        "it works on text",
        "StringNormalizer",
        "StringConcat",
        "StringSplit",
        "RegexFullMatch",
        "TfIdfVectorizer");
    refuse(
        register,
        "it works on sequences or on values that may be missing",
        "SequenceAt",
        "SequenceConstruct",
        "SequenceEmpty",
        "SequenceErase",
        "SequenceInsert",
        "SequenceLength",
        "SequenceMap",
        "SplitToSequence",
        "ConcatFromSequence",
        "Optional",
        "OptionalGetElement",
        "OptionalHasElement");
  }

  private static void refuse(
      BiConsumer<String, Lowering> register, String reason, String... operators) {
    Refusal refusal = new Refusal(reason);
    for (String operator : operators) {
      register.accept(operator, refusal);
    }
  }
}
