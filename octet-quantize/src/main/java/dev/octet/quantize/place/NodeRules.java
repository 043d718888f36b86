package dev.octet.quantize.place;

import dev.octet.core.descriptor.Granularity;
import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.core.recipe.Mode;
import dev.octet.core.recipe.Recipe;
import dev.octet.core.recipe.Target;
import dev.octet.core.rules.Rule;
import dev.octet.core.rules.Rules;
import dev.octet.core.rules.Settings;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a recipe says about each node and value: its defaults, its rules, and what the target asks.
 */
final class NodeRules {
  /** Errors of recurrent weights come back at every step; blocks this short keep them small. */
  private static final int RECURRENT_BLOCK = 32;

  private final Recipe recipe;
  private final TargetTraits traits;
  private final Rules.Session session;

  NodeRules(Recipe recipe, TargetTraits traits) {
    this.recipe = recipe;
    this.traits = traits;
    this.session = recipe.rules().session();
  }

  boolean quantizesActivations() {
    return recipe.mode() == Mode.STATIC;
  }

  /** Why the recipe keeps {@code node} in float, or null if it does not. */
  @Nullable String reasonForFloat(Node node) {
    Optional<Rule> rule = session.forNode(node.name(), node.op());
    if (rule.isPresent() && rule.get().keepFloat()) {
      return "the recipe's rule " + rule.get().describe() + " keeps it in float";
    }
    if (OperatorRole.of(node) == OperatorRole.COMPUTE
        && !recipe.operators().isEmpty()
        && !recipe.operators().contains(node.op())) {
      return "the recipe quantizes " + String.join(", ", recipe.operators()) + " only";
    }
    return null;
  }

  /** Whether a rule keeps the value itself in float. */
  boolean keepsFloat(Value value) {
    return session.forTensor(value.name()).map(Rule::keepFloat).orElse(false);
  }

  /**
   * How the activation {@code value} is quantized: a rule for it, or for the node that makes it.
   */
  QuantDescriptor activation(Value value) {
    Settings settings =
        session
            .forTensor(value.name())
            .map(Rule::activation)
            .filter(s -> !s.equals(Settings.NONE))
            .or(() -> ofProducer(value))
            .orElse(Settings.NONE);
    QuantDescriptor descriptor = settings.applyTo(recipe.activation());
    if (!traits.unsignedActivations()) {
      descriptor = descriptor.toBuilder().signed(true).symmetric(true).build();
    }
    return descriptor.toBuilder().name(value.name()).granularity(Granularity.perTensor()).build();
  }

  private Optional<Settings> ofProducer(Value value) {
    Node producer = value.producer();
    return producer == null
        ? Optional.empty()
        : session.forNode(producer.name(), producer.op()).map(Rule::activation);
  }

  /** How the constant {@code weight} of {@code node} is quantized, on the operator's own axes. */
  QuantDescriptor weight(Node node, Value weight) {
    Settings settings =
        session
            .forTensor(weight.name())
            .or(() -> session.forNode(node.name(), node.op()))
            .map(Rule::weight)
            .orElse(Settings.NONE);
    QuantDescriptor descriptor = settings.applyTo(recipe.weight());
    Granularity wanted = descriptor.granularity();
    if (OperatorRole.of(node) == OperatorRole.RECURRENT
        && traits.blockedRecurrentWeights()
        && !computesOnIntegers(node)
        && settings.granularity() == null
        && wanted instanceof Granularity.PerAxis) {
      wanted = Granularity.perBlock(Weights.inputAxis(node), RECURRENT_BLOCK);
    }
    if (wanted instanceof Granularity.PerBlock && isIntegerProduct(node, descriptor)) {
      wanted = Granularity.perAxis(Weights.outputAxis(node));
    }
    if (node.is("Gather") && settings.bits() == null) {
      // A table is looked up, not summed over: nothing averages out the error of fewer bits.
      descriptor = descriptor.toBuilder().bits(Math.max(8, descriptor.bits())).build();
    }
    return descriptor.toBuilder()
        .name(weight.name())
        .granularity(granularity(wanted, node, weight))
        .build();
  }

  /** The dynamic LSTM of ONNX Runtime multiplies integers, which share a scale along a sum. */
  private boolean computesOnIntegers(Node node) {
    return recipe.mode() == Mode.DYNAMIC
        && recipe.target() == Target.ONNXRUNTIME
        && node.is("LSTM");
  }

  /**
   * Whether a runtime may multiply the stored integers as they are, which blocks do not allow: ONNX
   * Runtime makes a QLinearMatMul of such a node and then fails. It has none for fewer bits.
   */
  private boolean isIntegerProduct(Node node, QuantDescriptor weight) {
    return quantizesActivations() && weight.bits() > 4 && (node.is("MatMul") || node.is("Gemm"));
  }

  private static Granularity granularity(Granularity wanted, Node node, Value weight) {
    Tensor tensor = weight.constant();
    long[] shape = tensor == null ? new long[0] : tensor.shape();
    boolean lookup = node.is("Gather");
    boolean batched = node.is("MatMul") && shape.length != 2;
    if (wanted instanceof Granularity.PerBlock block && !lookup && !batched) {
      int axis = Weights.inputAxis(node);
      long run = shape[axis]; // elements that are summed over for one output
      for (int i = axis + 1; i < shape.length && node.is("Conv"); i++) {
        run *= shape[i];
      }
      // One block is one channel: the simpler form then says the same.
      return run <= block.size() || node.is("ConvTranspose")
          ? Granularity.perAxis(Weights.outputAxis(node))
          : Granularity.perBlock(axis, block.size());
    }
    if (wanted instanceof Granularity.PerTensor || shape.length < 2 || batched) {
      return Granularity.perTensor();
    }
    return Granularity.perAxis(lookup ? 0 : Weights.outputAxis(node));
  }

  List<String> warnings() {
    return session.unused();
  }
}
