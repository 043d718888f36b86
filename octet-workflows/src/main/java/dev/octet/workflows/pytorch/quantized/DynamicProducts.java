package dev.octet.workflows.pytorch.quantized;

import dev.octet.core.affine.Arithmetic;
import dev.octet.core.affine.QuantParams;
import dev.octet.core.descriptor.Granularity;
import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.core.format.Float16;
import dev.octet.core.range.Range;
import dev.octet.core.range.WeightRanges;
import dev.octet.core.range.parity.TorchQuantizationParameters;
import dev.octet.graph.DataType;
import dev.octet.torch.Tensors;
import dev.octet.torch.nn.CellWeights;
import dev.octet.torch.nn.GRU;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.StepLinear;
import dev.octet.torch.op.Ops;
import dev.octet.torch.op.Recurrence;
import dev.octet.torch.op.StoredWeight;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.BiFunction;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * The two products of a recurrent cell: that of the input is computed for all steps at once, with
 * one scale for them, and that of the hidden state in each step, as LibTorch does.
 */
record DynamicProducts(DynamicLinear input, DynamicLinear hidden) {
  /**
   * The hidden size from which a layer's products are integers in a trace. Measured on the engine:
   * two layers of 512 take 0.35 of the time of floats, two of 256 take 1.7 of it.
   */
  private static final int WIDE = 384;

  /** The products of float weights. */
  static DynamicProducts of(CellWeights weights, DynamicSpec.Settings settings) {
    return new DynamicProducts(
        linear(weights.ih(), weights.biasIh(), settings, false),
        linear(weights.hh(), weights.biasHh(), settings, false));
  }

  /** Those of float layers, by suffix, such as {@code _l1_reverse}. */
  static Map<String, DynamicProducts> of(
      Recurrence recurrence,
      BiFunction<Integer, Boolean, CellWeights> weights,
      DynamicSpec.Settings settings) {
    return each(
        recurrence,
        (layer, reverse) -> DynamicProducts.of(weights.apply(layer, reverse), settings));
  }

  /** Those of a cell in a file. */
  static DynamicProducts of(Parts parts, String suffix) {
    return new DynamicProducts(
        DynamicLinear.of(parts.child("ih" + suffix)), DynamicLinear.of(parts.child("hh" + suffix)));
  }

  /** As children {@code ih} and {@code hh} of a module. */
  DynamicProducts under(BiConsumer<String, Module> parent, String suffix) {
    parent.accept("ih" + suffix, input);
    parent.accept("hh" + suffix, hidden);
    return this;
  }

  /** What a file says of a layer, which is to be of this kind. */
  static Recurrence recurrence(Parts parts, Recurrence.Kind kind) {
    Recurrence recurrence = Description.need(parts.description().recurrence(), "recurrence");
    if (recurrence.kind() != kind || recurrence.projSize() != 0) {
      throw new IllegalArgumentException(recurrence + " is no " + kind + " of this kind");
    }
    return recurrence;
  }

  /** Those of a layer in one direction. */
  static DynamicProducts at(Map<String, DynamicProducts> products, int layer, boolean reverse) {
    DynamicProducts found = products.get(Recurrence.suffix(layer, reverse));
    if (found == null) {
      throw new IllegalArgumentException("there is no layer " + layer);
    }
    return found;
  }

  /** Those of a file. */
  static Map<String, DynamicProducts> of(Recurrence recurrence, Parts parts) {
    return each(
        recurrence,
        (layer, reverse) -> DynamicProducts.of(parts, Recurrence.suffix(layer, reverse)));
  }

  /** One for each layer and direction, by suffix. */
  static <T> Map<String, T> each(Recurrence recurrence, BiFunction<Integer, Boolean, T> make) {
    Map<String, T> products = new LinkedHashMap<>();
    for (int layer = 0; layer < recurrence.numLayers(); layer++) {
      for (int direction = 0; direction < recurrence.directions(); direction++) {
        boolean reverse = direction == 1;
        products.put(Recurrence.suffix(layer, reverse), make.apply(layer, reverse));
      }
    }
    return products;
  }

  /** A dynamic layer of a float weight. */
  static DynamicLinear linear(
      Tensor weight, @Nullable Tensor bias, DynamicSpec.Settings settings, boolean relu) {
    float[] shift = bias == null ? null : Tensors.toFloats(bias);
    if (settings.format() == WeightFormat.FLOAT16) {
      short[] half = Float16.encodeSaturating(Tensors.toFloats(weight));
      ByteBuffer bytes = ByteBuffer.allocate(2 * half.length).order(ByteOrder.LITTLE_ENDIAN);
      bytes.asShortBuffer().put(half);
      return new DynamicLinear(
          dev.octet.graph.Tensor.wrap(DataType.FLOAT16, Tensors.shape(weight), bytes), shift, relu);
    }
    return new DynamicLinear(
        coded(weight, settings.perChannel() ? Granularity.perAxis(0) : Granularity.perTensor()),
        shift,
        new Description.Dynamic(settings.perToken(), settings.reduceRange()),
        relu);
  }

  /** As PyTorch's default weight observers have it: symmetric, of all 256 integers. */
  static QuantizedTensor coded(Tensor weight, Granularity granularity) {
    int[] sizes = Arrays.stream(Tensors.shape(weight)).mapToInt(Math::toIntExact).toArray();
    List<Range> ranges =
        WeightRanges.find(
            Tensors.toFloats(weight),
            sizes,
            QuantDescriptor.builder().granularity(granularity).build());
    float[] scales = new float[ranges.size()];
    for (int i = 0; i < scales.length; i++) {
      scales[i] =
          TorchQuantizationParameters.symmetric(
                  ranges.get(i),
                  Dtype.QINT8.qmin(),
                  Dtype.QINT8.qmax(),
                  0,
                  TorchQuantizationParameters.EPS)
              .scale();
    }
    QuantParams params =
        QuantParams.affine(
            scales, new int[scales.length], granularity, Dtype.QINT8.qmin(), Dtype.QINT8.qmax());
    return QuantizedTensor.quantize(weight, params, Dtype.QINT8, Arithmetic.LIBTORCH_2_13);
  }

  /**
   * The weights of a layer that a trace writes as one node of float products: those of 16-bit
   * floats, which lose nothing, and narrow ones of integers, whose many small products would take
   * longer than those of floats do. Null for others.
   */
  static @Nullable List<StoredWeight> traced(
      Recurrence recurrence, Map<String, DynamicProducts> products) {
    List<StoredWeight> weights = new ArrayList<>();
    for (DynamicProducts each : products.values()) {
      StoredWeight ih = each.input.stored();
      StoredWeight hh = each.hidden.stored();
      if (ih == null || hh == null || !ih.fits(recurrence.directions())) {
        return null;
      }
      if (ih.scale() != null && recurrence.hiddenSize() >= WIDE) {
        return null;
      }
      weights.add(ih);
      weights.add(hh);
      Tensor biasIh = each.input.bias();
      Tensor biasHh = each.hidden.bias();
      if (biasIh != null && biasHh != null) {
        weights.add(StoredWeight.of(biasIh));
        weights.add(StoredWeight.of(biasHh));
      }
    }
    return weights;
  }

  /** What is added up for the gates. */
  StepLinear<Tensor> summed() {
    return new StepLinear<>() {
      @Override
      public List<Tensor> before(List<Tensor> inputs) {
        return together(inputs, input::call);
      }

      @Override
      public Tensor apply(Tensor product, Tensor state) {
        return Ops.add(product, hidden.call(state));
      }
    };
  }

  /** What a GRU's gates need apart. */
  StepLinear<GRU.Products> apart() {
    return new StepLinear<>() {
      @Override
      public List<Tensor> before(List<Tensor> inputs) {
        return together(inputs, input::call);
      }

      @Override
      public GRU.Products apply(Tensor product, Tensor state) {
        return new GRU.Products(product, hidden.call(state));
      }
    };
  }

  /** The same for a single step. */
  StepLinear<Tensor> summedStep() {
    return (x, state) -> Ops.add(input.call(x), hidden.call(state));
  }

  /** The same for a single step. */
  StepLinear<GRU.Products> apartStep() {
    return (x, state) -> new GRU.Products(input.call(x), hidden.call(state));
  }

  /** A product of the inputs of all steps at once. */
  static List<Tensor> together(List<Tensor> inputs, UnaryOperator<Tensor> product) {
    long rows = inputs.get(0).size(0);
    if (inputs.stream().allMatch(each -> each.size(0) == rows)) {
      // A dimension of its own for the steps: a trace then takes any batch.
      Tensor all = product.apply(Ops.stack(inputs, 1));
      List<Tensor> steps = new ArrayList<>();
      for (int i = 0; i < inputs.size(); i++) {
        steps.add(Ops.select(all, 1, i));
      }
      return steps;
    }
    long[] sizes = inputs.stream().mapToLong(each -> each.size(0)).toArray();
    return Ops.split(product.apply(Ops.cat(inputs, 0)), sizes, 0);
  }
}
