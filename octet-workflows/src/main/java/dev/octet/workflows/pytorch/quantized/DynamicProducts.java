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
import dev.octet.torch.nn.StepLinear;
import dev.octet.torch.op.Ops;
import dev.octet.torch.op.Recurrence;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * The two products of a recurrent cell: that of the input is computed for all steps at once, with
 * one scale for them, and that of the hidden state in each step, as LibTorch does.
 */
record DynamicProducts(DynamicLinear input, DynamicLinear hidden) {

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

  /** Those of a file. */
  static Map<String, DynamicProducts> of(Recurrence recurrence, Parts parts) {
    return each(
        recurrence,
        (layer, reverse) -> {
          String suffix = Recurrence.suffix(layer, reverse);
          return new DynamicProducts(
              DynamicLinear.of(parts.child("ih" + suffix)),
              DynamicLinear.of(parts.child("hh" + suffix)));
        });
  }

  private static Map<String, DynamicProducts> each(
      Recurrence recurrence, BiFunction<Integer, Boolean, DynamicProducts> make) {
    Map<String, DynamicProducts> products = new LinkedHashMap<>();
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
    float[] values = Tensors.toFloats(weight);
    long[] shape = Tensors.shape(weight);
    if (settings.format() == WeightFormat.FLOAT16) {
      short[] half = Float16.encodeSaturating(values);
      ByteBuffer bytes = ByteBuffer.allocate(2 * half.length).order(ByteOrder.LITTLE_ENDIAN);
      bytes.asShortBuffer().put(half);
      return new DynamicLinear(
          dev.octet.graph.Tensor.wrap(DataType.FLOAT16, shape, bytes), shift, relu);
    }
    return new DynamicLinear(
        QuantizedTensor.quantize(
            weight,
            params(values, shape, settings.perChannel()),
            Dtype.QINT8,
            Arithmetic.LIBTORCH_2_13),
        shift,
        new Description.Dynamic(settings.perToken(), settings.reduceRange()),
        relu);
  }

  /** As PyTorch's default weight observers have it: symmetric, of all 256 integers. */
  private static QuantParams params(float[] values, long[] shape, boolean perChannel) {
    Granularity granularity = perChannel ? Granularity.perAxis(0) : Granularity.perTensor();
    int[] sizes = Arrays.stream(shape).mapToInt(Math::toIntExact).toArray();
    List<Range> ranges =
        WeightRanges.find(
            values, sizes, QuantDescriptor.builder().granularity(granularity).build());
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
    return QuantParams.affine(
        scales, new int[scales.length], granularity, Dtype.QINT8.qmin(), Dtype.QINT8.qmax());
  }

  /** What is added up for the gates. */
  StepLinear<Tensor> summed() {
    return new StepLinear<>() {
      @Override
      public List<Tensor> before(List<Tensor> inputs) {
        return together(inputs);
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
        return together(inputs);
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

  private List<Tensor> together(List<Tensor> inputs) {
    long rows = inputs.get(0).size(0);
    if (inputs.stream().allMatch(each -> each.size(0) == rows)) {
      // A dimension of its own for the steps: a trace then takes any batch.
      Tensor product = input.call(Ops.stack(inputs, 1));
      List<Tensor> steps = new ArrayList<>();
      for (int i = 0; i < inputs.size(); i++) {
        steps.add(Ops.select(product, 1, i));
      }
      return steps;
    }
    long[] sizes = inputs.stream().mapToLong(each -> each.size(0)).toArray();
    return Ops.split(input.call(Ops.cat(inputs, 0)), sizes, 0);
  }
}
