package dev.octet.engine.reference;

import static dev.octet.engine.reference.Operator.single;

import dev.octet.graph.DataType;
import dev.octet.graph.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** Softmax and what centres and scales groups of numbers. */
final class Normalizations {

  private Normalizations() {}

  static void register(Map<String, Operator> operators) {
    operators.put("Softmax", single(c -> softmax(c, false)));
    operators.put("LogSoftmax", single(c -> softmax(c, true)));
    operators.put("LayerNormalization", Normalizations::layerNormalization);
    operators.put("RMSNormalization", single(Normalizations::rmsNormalization));
    operators.put("BatchNormalization", single(Normalizations::batchNormalization));
    operators.put("InstanceNormalization", single(Normalizations::instanceNormalization));
    operators.put("GroupNormalization", single(Normalizations::groupNormalization));
    operators.put("LRN", single(Normalizations::lrn));
    operators.put("LpNormalization", single(Normalizations::lpNormalization));
  }

  /** Before operator set 13 over all axes from the given one on, since then over that one. */
  private static Tensor softmax(Call call, boolean log) {
    Array x = call.array(0);
    boolean flat = call.opset() < 13;
    int axis = x.axis(call.integer("axis", flat ? 1 : -1));
    int count = flat ? x.product(axis, x.rank()) : x.shape[axis];
    int inner = flat ? 1 : x.product(axis + 1, x.rank());
    double[] y = new double[x.values.length];
    for (int i = 0; i < y.length; i++) {
      int first = i / (count * inner) * count * inner + i % inner;
      double largest = Double.NEGATIVE_INFINITY;
      for (int k = 0; k < count; k++) {
        largest = Math.max(largest, x.values[first + k * inner]);
      }
      double sum = 0;
      for (int k = 0; k < count; k++) {
        sum += Math.exp(x.values[first + k * inner] - largest);
      }
      double above = x.values[i] - largest;
      y[i] = log ? above - Math.log(sum) : Math.exp(above) / sum;
    }
    return new Array(x.shape, y).to(call.type());
  }

  /**
   * The elements of {@code x} in groups of {@code count} that lie side by side, centred, scaled.
   */
  private static final class Groups {
    final double[] mean;
    final double[] inverse;
    final double[] normal;

    Groups(Array x, int count, double epsilon, boolean centre) {
      mean = new double[x.values.length / Math.max(1, count)];
      inverse = new double[mean.length];
      normal = new double[x.values.length];
      for (int g = 0; g < mean.length; g++) {
        double[] group = Arrays.copyOfRange(x.values, g * count, (g + 1) * count);
        double middle = centre ? Arrays.stream(group).sum() / count : 0;
        double variance = Arrays.stream(group).map(v -> (v - middle) * (v - middle)).sum() / count;
        mean[g] = middle;
        inverse[g] = 1 / Math.sqrt(variance + epsilon);
        for (int i = 0; i < count; i++) {
          normal[g * count + i] = (group[i] - middle) * inverse[g];
        }
      }
    }
  }

  private static List<Tensor> layerNormalization(Call call) {
    Array x = call.array(0);
    int axis = x.axis(call.integer("axis", -1));
    Groups groups = new Groups(x, x.product(axis, x.rank()), call.real("epsilon", 1e-5), true);
    int[] outer = x.shape.clone();
    Arrays.fill(outer, axis, outer.length, 1);
    return List.of(
        scaled(call, new Array(x.shape, groups.normal)),
        new Array(outer, groups.mean).to(DataType.FLOAT),
        new Array(outer, groups.inverse).to(DataType.FLOAT));
  }

  private static Tensor rmsNormalization(Call call) {
    Array x = call.array(0);
    int count = x.product(x.axis(call.integer("axis", -1)), x.rank());
    return scaled(
        call, new Array(x.shape, new Groups(x, count, call.real("epsilon", 1e-5), false).normal));
  }

  private static Tensor scaled(Call call, Array normal) {
    Array product = Elementwise.pairs(normal, call.array(1), (a, b) -> a * b);
    return Elementwise.pairs(product, call.arrayOrZeros(2), Double::sum).to(call.type());
  }

  /** For inference: inputs are x, scale, bias, mean and variance. */
  private static Tensor batchNormalization(Call call) {
    if (call.flag("training_mode")) {
      throw new IllegalArgumentException("training is not inference");
    }
    Array x = call.array(0);
    double[] scale = call.array(1).values;
    double[] bias = call.array(2).values;
    double[] mean = call.array(3).values;
    double[] variance = call.array(4).values;
    double epsilon = call.real("epsilon", 1e-5);
    int inner = x.product(2, x.rank());
    double[] y = new double[x.values.length];
    for (int i = 0; i < y.length; i++) {
      int c = x.rank() == 1 ? 0 : i / inner % x.shape[1];
      y[i] = (x.values[i] - mean[c]) / Math.sqrt(variance[c] + epsilon) * scale[c] + bias[c];
    }
    return new Array(x.shape, y).to(call.type());
  }

  private static Tensor instanceNormalization(Call call) {
    Array x = call.array(0);
    return perChannel(call, x, x.product(2, x.rank()), 1);
  }

  /** Operator set 18 has a scale for each group, later ones for each channel. */
  private static Tensor groupNormalization(Call call) {
    Array x = call.array(0);
    int channels = x.shape[1] / call.integer("num_groups", 1);
    int inner = x.product(2, x.rank());
    return perChannel(call, x, channels * inner, call.opset() < 21 ? channels : 1);
  }

  private static Tensor perChannel(Call call, Array x, int count, int channelsOfScale) {
    double[] y = new Groups(x, count, call.real("epsilon", 1e-5), true).normal;
    double[] scale = call.array(1).values;
    double[] bias = call.array(2).values;
    int inner = x.product(2, x.rank());
    for (int i = 0; i < y.length; i++) {
      int c = i / inner % x.shape[1] / channelsOfScale;
      y[i] = y[i] * scale[c] + bias[c];
    }
    return new Array(x.shape, y).to(call.type());
  }

  /** Local response normalization over neighbouring channels. */
  private static Tensor lrn(Call call) {
    Array x = call.array(0);
    int size = call.integer("size", 1);
    double alpha = call.real("alpha", 1e-4);
    double beta = call.real("beta", 0.75);
    double bias = call.real("bias", 1);
    int inner = x.product(2, x.rank());
    double[] y = new double[x.values.length];
    for (int i = 0; i < y.length; i++) {
      int c = i / inner % x.shape[1];
      double sum = 0;
      int first = Math.max(0, c - (size - 1) / 2);
      int last = Math.min(x.shape[1] - 1, c + size / 2);
      for (int k = first; k <= last; k++) {
        double value = x.values[i + (k - c) * inner];
        sum += value * value;
      }
      y[i] = x.values[i] / Math.pow(bias + alpha / size * sum, beta);
    }
    return new Array(x.shape, y).to(call.type());
  }

  private static Tensor lpNormalization(Call call) {
    Array x = call.array(0);
    int axis = x.axis(call.integer("axis", -1));
    int p = call.integer("p", 2);
    int inner = x.product(axis + 1, x.rank());
    int count = x.shape[axis];
    double[] y = new double[x.values.length];
    for (int i = 0; i < y.length; i++) {
      int first = i / (count * inner) * count * inner + i % inner;
      double sum = 0;
      for (int k = 0; k < count; k++) {
        sum += Math.pow(Math.abs(x.values[first + k * inner]), p);
      }
      y[i] = sum == 0 ? 0 : x.values[i] / Math.pow(sum, 1.0 / p);
    }
    return new Array(x.shape, y).to(call.type());
  }
}
