package dev.octet.workflows.distiller.stats;

import dev.octet.core.range.MeanDeviation;
import dev.octet.core.range.Moments;
import dev.octet.quantize.report.TextTable;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.ConvNd;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.RecurrentLayer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * What a model is made of: by layer its shapes, parameters and multiplications, by parameter how
 * many elements are zero and how they are spread.
 *
 * @param layers those without layers inside them, in the order in which they ran
 * @param parameters by path
 */
public record ModelSummary(List<Layer> layers, List<Parameter> parameters) {
  /**
   * A layer.
   *
   * @param name its path
   * @param type as it prints itself, such as {@code Conv2d}
   * @param input shape of the first input, batch included
   * @param output shape of the output
   * @param parameters elements of its own parameters
   * @param macs multiplications that are summed up, for the batch that was run: those of
   *     convolutions, linear and recurrent layers
   */
  public record Layer(
      String name, String type, List<Long> input, List<Long> output, long parameters, long macs) {
    public Layer {
      input = List.copyOf(input);
      output = List.copyOf(output);
    }
  }

  /**
   * A parameter.
   *
   * @param name its path
   * @param elements how many there are
   * @param nonZeros how many are not zero
   * @param bytes as it is held now
   * @param std the standard deviation
   * @param mean the mean
   * @param absMean the mean magnitude
   * @param zeroFilters the part of its {@link Structure#FILTERS} that is zero, in [0, 1]; of a
   *     matrix, rows. 0 below two dimensions, as the following
   * @param zeroChannels the part of its {@link Structure#CHANNELS}; of a matrix, columns
   * @param zeroKernels the part of its {@link Structure#KERNELS}
   */
  public record Parameter(
      String name,
      List<Long> shape,
      long elements,
      long nonZeros,
      long bytes,
      double std,
      double mean,
      double absMean,
      double zeroFilters,
      double zeroChannels,
      double zeroKernels) {
    public Parameter {
      shape = List.copyOf(shape);
    }

    /** The part of the elements that are zero, in [0, 1]. */
    public double sparsity() {
      return elements == 0 ? 0 : 1 - nonZeros / (double) elements;
    }
  }

  public ModelSummary {
    layers = List.copyOf(layers);
    parameters = List.copyOf(parameters);
  }

  /**
   * The summary of a model, which is run once, in eval mode.
   *
   * @param example inputs, one for each that the model takes
   */
  public static ModelSummary of(Module model, Tensor... example) {
    Map<String, Layer> ran = new LinkedHashMap<>();
    Map<String, Module> leaves = TensorHooks.layers(model, List.of(), module -> false);
    Map<String, List<Long>> firstInputs = new LinkedHashMap<>();
    boolean training = model.isTraining();
    model.eval();
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open();
        TensorHooks hooks =
            TensorHooks.on(
                leaves,
                (path, index, tensor) -> {
                  if (index == 0) {
                    firstInputs.put(path, shape(tensor));
                  } else if (index < 0) {
                    Layer layer =
                        layer(
                            path,
                            leaves.get(path),
                            firstInputs.getOrDefault(path, List.of()),
                            shape(tensor));
                    // A layer that is called several times multiplies several times.
                    ran.merge(path, layer, ModelSummary::joined);
                  }
                })) {
      model.call(example);
    } finally {
      model.train(training);
    }
    List<Parameter> parameters = new ArrayList<>();
    model.parameters().forEach((name, tensor) -> parameters.add(parameter(name, tensor)));
    return new ModelSummary(List.copyOf(ran.values()), parameters);
  }

  private static Layer joined(Layer a, Layer b) {
    return new Layer(
        a.name(), a.type(), a.input(), a.output(), a.parameters(), a.macs() + b.macs());
  }

  private static List<Long> shape(Tensor tensor) {
    return Arrays.stream(Tensors.shape(tensor)).boxed().toList();
  }

  private static Layer layer(String path, @Nullable Module module, List<Long> in, List<Long> out) {
    if (module == null) {
      throw new IllegalStateException("no layer '" + path + "'");
    }
    String text = module.toString();
    int settings = text.indexOf('(');
    long own = module.ownParameters().values().stream().mapToLong(Tensor::numel).sum();
    return new Layer(
        path,
        settings < 0 ? text : text.substring(0, settings),
        in,
        out,
        own,
        macs(module, in, out));
  }

  private static long macs(Module module, List<Long> in, List<Long> out) {
    long made = product(out);
    if (module instanceof ConvNd conv) {
      long[] weight = Tensors.shape(conv.weight());
      long perElement = Arrays.stream(weight).skip(1).reduce(1, (a, b) -> a * b);
      // A transposed convolution's weight is [in, out / groups, ...]: each input meets it all.
      return module.getClass().getSimpleName().contains("Transpose")
          ? product(in) * perElement
          : made * perElement;
    }
    if (module instanceof Linear linear) {
      return made * linear.weight().size(1);
    }
    if (module instanceof RecurrentLayer && in.size() == 3) {
      long weights =
          module.ownParameters().values().stream()
              .filter(parameter -> parameter.dim() == 2)
              .mapToLong(Tensor::numel)
              .sum();
      return weights * in.get(0) * in.get(1);
    }
    return 0;
  }

  private static long product(List<Long> sizes) {
    return sizes.stream().reduce(1L, (a, b) -> a * b);
  }

  private static Parameter parameter(String name, Tensor tensor) {
    float[] values = Tensors.toFloats(tensor);
    long nonZeros = 0;
    for (float value : values) {
      nonZeros += value != 0 ? 1 : 0;
    }
    Moments moments = new Moments();
    moments.add(values);
    MeanDeviation magnitudes = new MeanDeviation(0);
    magnitudes.add(values);
    boolean any = moments.count() > 0;
    long[] shape = Tensors.shape(tensor);
    boolean cut = any && shape.length > 1;
    return new Parameter(
        name,
        shape(tensor),
        values.length,
        nonZeros,
        tensor.nbytes(),
        any ? moments.standardDeviation() : 0,
        any ? moments.mean() : 0,
        any ? magnitudes.mean() : 0,
        cut ? Structure.FILTERS.sparsity(values, shape) : 0,
        cut ? Structure.CHANNELS.sparsity(values, shape) : 0,
        cut ? Structure.KERNELS.sparsity(values, shape) : 0);
  }

  /** Elements of all parameters. */
  public long totalParameters() {
    return parameters.stream().mapToLong(Parameter::elements).sum();
  }

  /** Multiplications of all layers. */
  public long totalMacs() {
    return layers.stream().mapToLong(Layer::macs).sum();
  }

  /** Bytes of all parameters. */
  public long totalBytes() {
    return parameters.stream().mapToLong(Parameter::bytes).sum();
  }

  /** The part of all elements that are zero, in [0, 1]. */
  public double sparsity() {
    long nonZeros = parameters.stream().mapToLong(Parameter::nonZeros).sum();
    return totalParameters() == 0 ? 0 : 1 - nonZeros / (double) totalParameters();
  }

  /** The layers as a table. */
  public String computeTable() {
    TextTable table = new TextTable(4);
    table.row("layer", "type", "input", "output", "parameters", "MACs");
    for (Layer layer : layers) {
      table.row(
          layer.name(),
          layer.type(),
          layer.input().toString(),
          layer.output().toString(),
          Long.toString(layer.parameters()),
          Long.toString(layer.macs()));
    }
    table.row("total", "", "", "", Long.toString(totalParameters()), Long.toString(totalMacs()));
    return table.print(0, 2);
  }

  /** The parameters as a table. */
  public String sparsityTable() {
    TextTable table = new TextTable(2);
    table.row(
        "parameter",
        "shape",
        "elements",
        "NNZ",
        "filters %",
        "channels %",
        "kernels %",
        "sparsity %",
        "bytes",
        "std",
        "mean",
        "abs-mean");
    for (Parameter each : parameters) {
      table.row(
          each.name(),
          each.shape().toString(),
          Long.toString(each.elements()),
          Long.toString(each.nonZeros()),
          number("%.2f", 100 * each.zeroFilters()),
          number("%.2f", 100 * each.zeroChannels()),
          number("%.2f", 100 * each.zeroKernels()),
          number("%.2f", 100 * each.sparsity()),
          Long.toString(each.bytes()),
          number("%.5f", each.std()),
          number("%.5f", each.mean()),
          number("%.5f", each.absMean()));
    }
    table.row(
        "total",
        "",
        Long.toString(totalParameters()),
        Long.toString(parameters.stream().mapToLong(Parameter::nonZeros).sum()),
        "",
        "",
        "",
        number("%.2f", 100 * sparsity()),
        Long.toString(totalBytes()),
        "",
        "",
        "");
    return table.print(0, 2);
  }

  private static String number(String format, double value) {
    return String.format(Locale.ROOT, format, value);
  }

  /** Both tables. */
  @Override
  public String toString() {
    return computeTable() + "\n" + sparsityTable();
  }
}
