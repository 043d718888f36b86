package dev.octet.workflows.pytorch.quantized;

import dev.octet.core.affine.Arithmetic;
import dev.octet.core.affine.QuantParams;
import dev.octet.core.descriptor.Granularity;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.nn.Activation;
import dev.octet.torch.nn.BatchNorm2d;
import dev.octet.torch.nn.BatchNorm3d;
import dev.octet.torch.nn.ConvNd;
import dev.octet.torch.nn.Embedding;
import dev.octet.torch.nn.EmbeddingBag;
import dev.octet.torch.nn.GroupNorm;
import dev.octet.torch.nn.InstanceNorm1d;
import dev.octet.torch.nn.InstanceNorm2d;
import dev.octet.torch.nn.InstanceNorm3d;
import dev.octet.torch.nn.LayerNorm;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.PReLU;
import dev.octet.torch.quant.FakeQuantize;
import dev.octet.torch.trace.Trace;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Quantized modules in the place of float ones.
 *
 * <pre>{@code
 * // Dynamic: no data needed.
 * ConversionReport report =
 *     QuantizedModules.quantizeDynamic(model, DynamicSpec.of(WeightFormat.INT8));
 *
 * // One file, and back without preparing and converting again.
 * QuantizedModules.save(model, Path.of("model.int8.safetensors"));
 * QuantizedModules.load(freshFloatModel, Path.of("model.int8.safetensors"));
 * }</pre>
 *
 * <p>Static conversion of a prepared model calls {@link #from} for each module.
 */
public final class QuantizedModules {
  private static final Set<String> ACTIVATIONS =
      Set.of(
          "ELU",
          "CELU",
          "Threshold",
          "Hardswish",
          "LeakyReLU",
          "ReLU6",
          "Sigmoid",
          "Hardsigmoid",
          "Tanh",
          "Softmax");

  private QuantizedModules() {}

  // --- Static ----------------------------------------------------------------------------------

  /**
   * Why a module has no static form; null where {@link #from} takes it.
   *
   * @param layer of exactly a class of octet-torch, or a {@link Functional}
   */
  public static @Nullable String whyNot(Module layer) {
    if (layer instanceof ConvNd
        || layer instanceof Linear
        || layer instanceof Functional
        || Functional.Call.of(layer) != null
        || layer instanceof LayerNorm
        || layer instanceof GroupNorm
        || layer instanceof BatchNorm2d
        || layer instanceof BatchNorm3d
        || layer instanceof InstanceNorm1d
        || layer instanceof InstanceNorm2d
        || layer instanceof InstanceNorm3d
        || layer instanceof PReLU) {
      return null;
    }
    if (layer instanceof Embedding || layer instanceof EmbeddingBag) {
      boolean renorms =
          layer instanceof Embedding embedding
              ? embedding.maxNorm().isPresent()
              : ((EmbeddingBag) layer).maxNorm().isPresent();
      return renorms ? "rows of a table with max_norm change when they are used" : null;
    }
    if (layer instanceof Activation activation) {
      return ACTIVATIONS.contains(activation.name())
          ? null
          : activation.name() + " has no quantized form; it computes on what it is given";
    }
    return layer.getClass().getSimpleName() + " has no quantized form";
  }

  /**
   * The quantized form of a module.
   *
   * <p>Weights follow LibTorch's rounding. Biases stay float. The layer is not changed, and stays
   * its owner's; nothing native is shared but the float parameters of normalisations and PReLU, of
   * which each has a handle of its own.
   *
   * @param layer one that {@link #whyNot} has nothing against; BatchNorm before it is folded
   *     already
   * @param weight scales and zero points of the weight, 8-bit integers, per tensor or with the axis
   *     of the output channels; for embeddings null, or integers from 0 to 15 for 4 bits, to 3 for
   *     2: their rows' scales are found here. Null for modules without a weight; for PReLU optional
   * @param inputs of each activation that comes in, as far as they are known; may be empty: then
   *     they are learned when a trace passes ({@link #learnInputs}), and until then the module
   *     multiplies floats by its dequantized weights
   * @param output of the result; null leaves it as floats. Of embeddings always null
   * @param relu whether ReLU follows inside
   * @throws IllegalArgumentException naming what does not fit
   */
  public static Module from(
      Module layer,
      @Nullable QuantParams weight,
      List<QuantParams> inputs,
      @Nullable QuantParams output,
      boolean relu) {
    String reason = whyNot(layer);
    if (reason != null) {
      throw new IllegalArgumentException(reason);
    }
    try (Scope scope = Scope.open()) {
      if (layer instanceof Linear linear) {
        return new QuantizedLinear(
            coded(linear, linear.weight(), weight), floats(linear.bias()), inputs, output, relu);
      }
      if (layer instanceof ConvNd conv) {
        return new QuantizedConv(
            conv.convSettings(),
            coded(conv, conv.weight(), weight),
            floats(conv.bias()),
            inputs,
            output,
            relu);
      }
      if (layer instanceof Embedding || layer instanceof EmbeddingBag) {
        if (output != null || relu || !inputs.isEmpty()) {
          throw new IllegalArgumentException(
              layer + " gives rows as real numbers: no parameters of activations, no ReLU");
        }
        return table(
            layer, weight == null ? WeightFormat.UINT8 : WeightFormat.ofTable(weight.qmax()));
      }
      Functional.Call call = Functional.Call.of(layer);
      if (layer instanceof Functional || call != null) {
        if (relu) {
          throw new IllegalArgumentException("ReLU of a Functional is its addRelu");
        }
        if (output == null) {
          throw new IllegalArgumentException(
              layer + " has no parameters of its results; observe them");
        }
        return new QFunctional(output, inputs, call);
      }
      return new QuantizedLayer(copy(layer, weight), inputs, output, relu);
    }
  }

  private static QuantizedTensor coded(Module layer, Tensor weight, @Nullable QuantParams params) {
    if (params == null) {
      throw new IllegalArgumentException(layer + " has no parameters of its weight");
    }
    return QuantizedTensor.quantize(
        weight, params, params.qmin() < 0 ? Dtype.QINT8 : Dtype.QUINT8, Arithmetic.LIBTORCH_2_13);
  }

  static float @Nullable [] floats(@Nullable Tensor bias) {
    return bias == null ? null : Tensors.toFloats(bias);
  }

  static Module table(Module layer, WeightFormat format) {
    return layer instanceof Embedding embedding
        ? new QuantizedEmbedding(embedding, format)
        : new QuantizedEmbeddingBag((EmbeddingBag) layer, format);
  }

  /** A float layer of its own handles. */
  private static Module copy(Module layer, @Nullable QuantParams weight) {
    if (layer instanceof Activation activation) {
      return new Activation(activation);
    }
    if (layer instanceof PReLU prelu) {
      PReLU made = new PReLU(prelu.weight().numel(), 0);
      Tensor slope = prelu.weight().detach();
      QuantParams whole =
          weight != null && weight.count() == 1
              ? QuantParams.affine(
                  weight.scale(0), weight.zeroPoint(0), weight.qmin(), weight.qmax())
              : weight;
      made.weight().detach().copy_(whole == null ? slope : FakeQuantize.affine(slope, whole));
      return made;
    }
    if (layer instanceof LayerNorm norm) {
      return new LayerNorm(norm);
    }
    if (layer instanceof GroupNorm norm) {
      return new GroupNorm(norm);
    }
    if (layer instanceof BatchNorm2d norm) {
      return new BatchNorm2d(norm);
    }
    if (layer instanceof BatchNorm3d norm) {
      return new BatchNorm3d(norm);
    }
    if (layer instanceof InstanceNorm1d norm) {
      return new InstanceNorm1d(norm);
    }
    if (layer instanceof InstanceNorm2d norm) {
      return new InstanceNorm2d(norm);
    }
    if (layer instanceof InstanceNorm3d norm) {
      return new InstanceNorm3d(norm);
    }
    throw new IllegalArgumentException(layer + " has no quantized form");
  }

  /** Whether a module is one of this package. */
  public static boolean isQuantized(Module module) {
    return module instanceof Quantized;
  }

  /**
   * Lets quantized modules learn the parameters of their inputs from a trace of the model: those of
   * the quantized module whose result comes in, through what PyTorch's kernels leave at its scale
   * (pooling, ReLU, changes of shape).
   *
   * @param examples one for each input of the model
   * @return the layers that compute in floats nevertheless, with their reasons
   * @throws dev.octet.torch.op.TraceException naming the module where the computation cannot be
   *     followed
   */
  public static ConversionReport learnInputs(Module model, Tensor... examples) {
    Trace.of(model).graph(examples);
    return report(model);
  }

  /** What is quantized in a model, and why other layers with parameters are not. */
  public static ConversionReport report(Module model) {
    List<ConversionReport.Line> lines = new ArrayList<>();
    List<String> done = new ArrayList<>();
    model
        .modules()
        .forEach(
            (path, module) -> {
              if (isBelow(path, done) || module instanceof Quantizable) {
                return; // it is said already, or its parts will be
              }
              if (module instanceof Quantized) {
                done.add(path);
                lines.add(
                    new ConversionReport.Line(
                        path,
                        module.toString(),
                        module instanceof QuantizedModule one ? one.whyFloat() : null));
              } else if (!module.ownParameters().isEmpty()) {
                lines.add(
                    new ConversionReport.Line(path, module.toString(), "it was not converted"));
              }
            });
    return new ConversionReport(lines);
  }

  static boolean isBelow(String path, List<String> parents) {
    return parents.stream().anyMatch(parent -> parent.isEmpty() || path.startsWith(parent + "."));
  }

  // --- Dynamic ---------------------------------------------------------------------------------

  /**
   * {@code quantize_dynamic} in place: modules that a spec names become dynamic ones, and the float
   * ones are closed; what is quantized already stays so. The model is in eval mode afterwards.
   *
   * @param model whose modules are replaced; itself it cannot be
   * @return what became of each layer with parameters, and why it is float where it is
   * @throws IllegalArgumentException if a name is that of no module, or of one without a dynamic
   *     form in that format, or a class of the spec does not occur; nothing is changed then
   */
  public static ConversionReport quantizeDynamic(Module model, DynamicSpec spec) {
    return DynamicModules.quantize(model, spec);
  }

  /**
   * The dynamic form of one module; the float one stays its owner's.
   *
   * @param relu whether ReLU follows inside; of Linear and convolutions only
   * @throws IllegalArgumentException if it has none in that format, with the reason
   */
  public static Module dynamic(Module module, DynamicSpec.Settings settings, boolean relu) {
    return DynamicModules.of(module, settings, relu);
  }

  /**
   * The same of a layer whose scales of the weight are known, from training for instance. Its input
   * becomes integers of 8 bits.
   *
   * @param layer a Linear or a convolution
   * @param weight as of {@link #from}; of axis 0, or one
   * @param perToken as of {@link DynamicSpec.Settings}; of Linear only
   */
  public static Module dynamic(Module layer, QuantParams weight, boolean perToken, boolean relu) {
    if (!(layer instanceof ConvNd || layer instanceof Linear)
        || (perToken && layer instanceof ConvNd)) {
      throw new IllegalArgumentException(
          layer + " has no dynamic form" + (perToken ? " with a scale for each row" : ""));
    }
    try (Scope scope = Scope.open()) {
      Tensor values = layer instanceof ConvNd conv ? conv.weight() : ((Linear) layer).weight();
      return DynamicModules.of(layer, coded(layer, values, weight), perToken, relu);
    }
  }

  // --- Files -----------------------------------------------------------------------------------

  /**
   * Writes a model with quantized modules to one safetensors file, whole or not at all: integers,
   * scales, what other modules hold, and what each quantized module is.
   *
   * @param file named {@code .safetensors}
   * @throws dev.octet.torch.weights.WeightsException if it cannot be written
   */
  public static void save(Module model, Path file) {
    ConvertedFile.write(model, file);
  }

  /**
   * Puts the quantized modules of a file into the place of a model's, and the other weights into
   * the rest: the model that was saved, without preparing, calibrating or converting.
   *
   * @param model float, as built: fused layers need not be fused. What is replaced is closed
   * @throws dev.octet.torch.weights.WeightsException if the file cannot be read or is damaged
   * @throws IllegalArgumentException if it is of another model
   */
  public static void load(Module model, Path file) {
    ConvertedFile.read(model, file);
  }

  /** The module that a file describes. */
  static Module build(Parts parts, Module floatLayer) {
    Description is = parts.description();
    return switch (is.kind()) {
      case QuantizedLinear.KIND -> QuantizedLinear.of(parts);
      case QuantizedConv.KIND -> QuantizedConv.of(parts);
      case Quantize.KIND -> Quantize.of(parts);
      case DeQuantize.KIND -> new DeQuantize();
      case QFunctional.KIND -> QFunctional.of(parts);
      case QuantizedEmbedding.KIND -> QuantizedEmbedding.of(parts);
      case QuantizedEmbeddingBag.KIND -> QuantizedEmbeddingBag.of(parts);
      case DynamicLinear.KIND -> DynamicLinear.of(parts);
      case DynamicLSTM.KIND -> DynamicLSTM.of(parts);
      case DynamicGRU.KIND -> DynamicGRU.of(parts);
      case DynamicLSTMCell.KIND -> DynamicLSTMCell.of(parts);
      case DynamicGRUCell.KIND -> DynamicGRUCell.of(parts);
      case DynamicRNNCell.KIND -> DynamicRNNCell.of(parts);
      case QuantizableLSTM.KIND -> QuantizableLSTM.of(parts);
      case QuantizableLSTMCell.KIND -> QuantizableLSTMCell.of(parts);
      case QuantizableMultiheadAttention.KIND ->
          QuantizableMultiheadAttention.of(parts, floatLayer);
      case DynamicMultiheadAttention.KIND -> DynamicMultiheadAttention.of(parts, floatLayer);
      case QuantizedLayer.KIND -> {
        Module layer =
            floatLayer instanceof QuantizedLayer quantized ? quantized.layer() : floatLayer;
        String reason = whyNot(layer);
        if (reason != null) {
          throw new IllegalArgumentException(
              "the model has " + layer + " where the file has a quantized layer: " + reason);
        }
        yield new QuantizedLayer(copy(layer, null), is.knownInputs(), is.knownOutput(), is.relu());
      }
      default ->
          throw new IllegalArgumentException("the file has an unknown module '" + is.kind() + "'");
    };
  }

  /** What a weight's scales belong to where output channels lie on an axis. */
  public static Granularity weightGranularity(Module layer) {
    return Granularity.perAxis(layer instanceof ConvNd conv && conv.isTransposed() ? 1 : 0);
  }
}
