package dev.octet.graph.opset;

import static java.util.Map.entry;

import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What happened to ONNX's operators from opset 7 to 22, from the changelog of the ONNX project:
 * which versions changed an operator incompatibly, and which operators there are at all.
 */
final class OperatorHistory {

  /** Upgrades by version, then by operator. An operator that is not listed passes unchanged. */
  private static final Map<Integer, Map<String, Upgrade>> CHANGES =
      Map.ofEntries(
          entry(
              9,
              Map.of(
                  "BatchNormalization", Upgrades::batchNormalization9,
                  "Upsample", Upgrades::upsample9,
                  "Scan", Upgrades.refused("the batch dimension of Scan went"))),
          entry(
              10,
              Map.of(
                  "Slice", Upgrades::slice10,
                  "TopK", Upgrades::topK10,
                  "Upsample", Upgrades.renamed("Resize"),
                  "Dropout", Upgrades::dropout10)),
          entry(
              11,
              Map.of(
                  "Clip", InputUpgrades::clip11,
                  "Pad", InputUpgrades::pad11,
                  "Resize", Upgrades::resize11,
                  "Scatter", Upgrades.renamed("ScatterElements"))),
          entry(12, Map.of("Dropout", InputUpgrades::dropout12)),
          entry(
              13,
              Map.of(
                  "Softmax", SoftmaxUpgrade::apply,
                  "LogSoftmax", SoftmaxUpgrade::apply,
                  "Hardmax", SoftmaxUpgrade::apply,
                  "Squeeze", InputUpgrades.listToInput("axes", 1),
                  "Unsqueeze", InputUpgrades.listToInput("axes", 1),
                  "ReduceSum", InputUpgrades.listToInput("axes", 1),
                  "Split", InputUpgrades.listToInput("split", 1))),
          entry(14, Map.of("BatchNormalization", Upgrades::batchNormalization14)),
          entry(16, Map.of("RoiAlign", Upgrades::roiAlign16)),
          entry(
              18,
              reductions(
                  "ReduceMean",
                  "ReduceMax",
                  "ReduceMin",
                  "ReduceProd",
                  "ReduceL1",
                  "ReduceL2",
                  "ReduceLogSum",
                  "ReduceLogSumExp",
                  "ReduceSumSquare")),
          entry(20, Map.of("GridSample", Upgrades::gridSample20, "DFT", InputUpgrades::dft20)),
          entry(
              21,
              Map.of(
                  "GroupNormalization",
                  Upgrades.refused("GroupNormalization's scale went from groups to channels"))));

  /** Operators that every version from 7 to 22 has or that came later, except those in CHANGES. */
  private static final Set<String> KNOWN =
      Stream.concat(
              CHANGES.values().stream().flatMap(m -> m.keySet().stream()),
              Arrays.stream(
                  """
                  Abs Acos Acosh Add AffineGrid And ArgMax ArgMin Asin Asinh Atan Atanh
                  AveragePool Bernoulli BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor
                  BlackmanWindow Cast CastLike Ceil Celu CenterCropPad Col2Im Compress Concat
                  ConcatFromSequence Constant ConstantOfShape Conv ConvInteger ConvTranspose Cos
                  Cosh CumSum DeformConv DepthToSpace DequantizeLinear Det Div DynamicQuantizeLinear
                  Einsum Elu Equal Erf Exp Expand EyeLike Flatten Floor GRU Gather GatherElements
                  GatherND Gelu Gemm GlobalAveragePool GlobalLpPool GlobalMaxPool Greater
                  GreaterOrEqual HammingWindow HannWindow HardSigmoid HardSwish Identity If
                  ImageDecoder InstanceNormalization IsInf IsNaN LRN LSTM LayerNormalization
                  LeakyRelu Less LessOrEqual Log Loop LpNormalization LpPool MatMul MatMulInteger
                  Max MaxPool MaxRoiPool MaxUnpool Mean MeanVarianceNormalization
                  MelWeightMatrix Min Mish Mod Mul Multinomial Neg NegativeLogLikelihoodLoss
                  NonMaxSuppression NonZero Not OneHot Optional OptionalGetElement
                  OptionalHasElement Or PRelu Pow QLinearConv QLinearMatMul QuantizeLinear RNN
                  RandomNormal RandomNormalLike RandomUniform RandomUniformLike Range Reciprocal
                  RegexFullMatch Relu Reshape ReverseSequence Round STFT ScatterElements
                  ScatterND Selu SequenceAt SequenceConstruct SequenceEmpty SequenceErase
                  SequenceInsert SequenceLength SequenceMap Shape Shrink Sigmoid Sign Sin Sinh
                  Size SoftmaxCrossEntropyLoss Softplus Softsign SpaceToDepth SplitToSequence
                  Sqrt StringConcat StringNormalizer StringSplit Sub Sum Tan Tanh
                  TfIdfVectorizer ThresholdedRelu Tile Transpose Trilu Unique Where Xor
                  """
                      .trim()
                      .split("\\s+", -1)))
          .collect(Collectors.toCollection(HashSet::new));

  private OperatorHistory() {}

  /** Whether {@code operator} is one of ONNX's own whose history is known. */
  static boolean isKnown(String operator) {
    return KNOWN.contains(operator);
  }

  /** What version {@code version} asks of a node of {@code operator}, or null for nothing. */
  static @Nullable Upgrade upgrade(String operator, int version) {
    return CHANGES.getOrDefault(version, Map.of()).get(operator);
  }

  /** The format version (ir_version) of the ONNX release that brought {@code opset}. */
  static long irVersion(long opset) {
    return switch ((int) opset) {
      case 7, 8, 9 -> 4; // 3 would do, but raising makes constants that are no inputs
      case 10 -> 5;
      case 11 -> 6;
      case 12, 13, 14 -> 7;
      case 15, 16, 17, 18 -> 8;
      case 19, 20 -> 9;
      default -> 10;
    };
  }

  private static Map<String, Upgrade> reductions(String... operators) {
    Map<String, Upgrade> result = new HashMap<>();
    for (String operator : operators) {
      result.put(operator, InputUpgrades.listToInput("axes", 1));
    }
    result.put("Split", Upgrades::split18);
    return Map.copyOf(result);
  }
}
