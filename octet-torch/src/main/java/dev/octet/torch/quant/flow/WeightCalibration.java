package dev.octet.torch.quant.flow;

import dev.octet.core.descriptor.Granularity;
import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.core.descriptor.RangeMethod;
import dev.octet.core.range.Range;
import dev.octet.core.range.WeightRanges;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.nn.ConvNd;
import dev.octet.torch.nn.Module;
import dev.octet.torch.quant.QuantizerConfig;
import dev.octet.torch.quant.TensorQuantizer;
import dev.octet.torch.quant.nn.QuantizedLayer;
import dev.octet.torch.quant.nn.QuantizedWeight;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/**
 * Finds the ranges of weights, which need no data. The search looks at the weights themselves, not
 * at a histogram of them, for the largest magnitude and the least squared error.
 */
public final class WeightCalibration {
  private WeightCalibration() {}

  /**
   * Sets the ranges of all enabled weight quantizers, in the granularity of their descriptors.
   *
   * @param method such as min-max, percentile or squared error; not an average of batches
   * @throws IllegalArgumentException if a weight is NaN or infinite, naming it, or the method
   *     averages
   */
  public static void run(Module model, RangeMethod method) {
    model
        .modules()
        .forEach(
            (path, module) -> {
              if (module instanceof QuantizedLayer layer) {
                for (QuantizedWeight weight : layer.quantizedWeights()) {
                  if (weight.quantizer().isEnabled()) {
                    calibrate(path, weight, method);
                  }
                }
              }
            });
  }

  /**
   * Gives every enabled weight quantizer one range for each output channel, and sets them: axis 1
   * of transposed convolutions, else axis 0.
   */
  public static void perChannel(Module model, RangeMethod method) {
    regroup(
        model,
        layer -> Granularity.perAxis(layer instanceof ConvNd conv && conv.isTransposed() ? 1 : 0));
    run(model, method);
  }

  /** Gives every enabled weight quantizer one range for the tensor, and sets it. */
  public static void perTensor(Module model, RangeMethod method) {
    regroup(model, layer -> Granularity.perTensor());
    run(model, method);
  }

  private interface Choice {
    Granularity of(QuantizedLayer layer);
  }

  private static void regroup(Module model, Choice choice) {
    for (Module module : model.modules().values()) {
      if (module instanceof QuantizedLayer layer) {
        for (TensorQuantizer quantizer : layer.weightQuantizers()) {
          if (quantizer.isEnabled()) {
            QuantizerConfig config = quantizer.config();
            QuantDescriptor descriptor = config.descriptor();
            quantizer.config(
                config.toBuilder()
                    .descriptor(descriptor.toBuilder().granularity(choice.of(layer)).build())
                    .build());
          }
        }
      }
    }
  }

  private static void calibrate(String path, QuantizedWeight weight, RangeMethod method) {
    TensorQuantizer quantizer = weight.quantizer();
    QuantDescriptor descriptor = quantizer.config().descriptor().toBuilder().method(method).build();
    try (Scope scope = Scope.open()) {
      Tensor value = weight.value();
      long[] shape = Tensors.shape(value);
      List<Range> ranges =
          WeightRanges.find(
              Tensors.toFloats(value),
              Arrays.stream(shape).mapToInt(Math::toIntExact).toArray(),
              descriptor);
      quantizer.setRanges(ranges, rangesShape(shape, descriptor.granularity()));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "weight '" + weight.name() + "' of '" + path + "': " + e.getMessage(), e);
    }
  }

  /** As a quantizer's state has them: size 1 along axes that share. */
  private static long[] rangesShape(long[] shape, Granularity granularity) {
    if (granularity instanceof Granularity.PerTensor) {
      return new long[0];
    }
    long[] ranges = shape.clone();
    if (granularity instanceof Granularity.PerBlock block) {
      int axis = Math.floorMod(block.axis(), shape.length);
      ranges[axis] = (shape[axis] + block.size() - 1) / block.size();
      return ranges;
    }
    int kept = Math.floorMod(((Granularity.PerAxis) granularity).axis(), shape.length);
    for (int axis = 0; axis < ranges.length; axis++) {
      ranges[axis] = axis == kept ? ranges[axis] : 1;
    }
    return ranges;
  }
}
