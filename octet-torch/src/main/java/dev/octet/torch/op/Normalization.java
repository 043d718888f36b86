package dev.octet.torch.op;

import dev.octet.graph.NodeSpec;
import dev.octet.graph.Value;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import java.util.stream.LongStream;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/**
 * Shifts and scales to mean 0 and variance 1, {@code (x - mean) / √(variance + epsilon)}, then by a
 * weight and a bias where there are some.
 */
public final class Normalization {
  private Normalization() {}

  /**
   * Over the batch and all positions of a channel.
   *
   * @param x {@code [N, C, ...]}
   * @param mean {@code [C]}, as are the three that follow; null where only the batch's own is used
   * @param batchStatistics whether to use mean and variance of this batch; {@code mean} and {@code
   *     variance} then move towards them, as far as {@code momentum} says
   * @throws TraceException if traced with the statistics of the batch
   */
  public static Tensor batchNorm(
      Tensor x,
      @Nullable Tensor mean,
      @Nullable Tensor variance,
      @Nullable Tensor weight,
      @Nullable Tensor bias,
      boolean batchStatistics,
      double momentum,
      double epsilon) {
    if (batchStatistics && Tracer.current() != null) {
      throw new TraceException(
          mean == null
              ? "batch normalisation without running statistics cannot be traced: a graph cannot"
                  + " take them from its batch; build the layer with trackRunningStats"
              : "batch normalisation in training cannot be traced; call eval() first");
    }
    try (Scope scope = Scope.open()) {
      Tensor output =
          torch.batch_norm(
              x,
              optional(weight),
              optional(bias),
              optional(mean),
              optional(variance),
              batchStatistics,
              momentum,
              epsilon,
              false);
      return scope.give(
          Nodes.track(output, nodes -> fixed(nodes, x, mean, variance, weight, bias, epsilon)));
    }
  }

  /**
   * Over all positions of one channel of one sample.
   *
   * @param x {@code [N, C, spatial...]}
   * @param mean {@code [C]}, as are the three that follow
   * @param ownStatistics whether to use mean and variance of each sample; else {@code mean} and
   *     {@code variance} are
   * @throws TraceException if traced while {@code mean} is updated
   */
  public static Tensor instanceNorm(
      Tensor x,
      @Nullable Tensor mean,
      @Nullable Tensor variance,
      @Nullable Tensor weight,
      @Nullable Tensor bias,
      boolean ownStatistics,
      double momentum,
      double epsilon) {
    if (ownStatistics && mean != null && Tracer.current() != null) {
      throw new TraceException(
          "instance normalisation that updates its statistics cannot be traced; call eval() first");
    }
    try (Scope scope = Scope.open()) {
      Tensor output =
          torch.instance_norm(
              x,
              optional(weight),
              optional(bias),
              optional(mean),
              optional(variance),
              ownStatistics,
              momentum,
              epsilon,
              false);
      return scope.give(
          Nodes.track(
              output,
              nodes ->
                  ownStatistics
                      ? nodes.add(
                          NodeSpec.of("InstanceNormalization")
                              .reads(
                                  nodes.of(x, "the input of InstanceNormalization"),
                                  or(nodes, weight, 1, x.size(1)),
                                  or(nodes, bias, 0, x.size(1)))
                              .with("epsilon", Nodes.floating(epsilon)))
                      : fixed(nodes, x, mean, variance, weight, bias, epsilon)));
    }
  }

  /**
   * Over the last dimensions.
   *
   * @param shape of those dimensions
   * @param weight of that shape, as is {@code bias}
   */
  public static Tensor layerNorm(
      Tensor x, long[] shape, @Nullable Tensor weight, @Nullable Tensor bias, double epsilon) {
    try (Scope scope = Scope.open()) {
      Tensor output = torch.layer_norm(x, shape, optional(weight), optional(bias), epsilon, false);
      return scope.give(
          Nodes.track(
              output,
              nodes -> {
                Value in = nodes.of(x, "the input of LayerNormalization");
                Value scale =
                    weight == null
                        ? nodes.filled(1, shape)
                        : nodes.of(weight, "the weight of LayerNormalization");
                NodeSpec spec =
                    NodeSpec.of("LayerNormalization")
                        .with("axis", -shape.length)
                        .with("epsilon", Nodes.floating(epsilon));
                return nodes.add(
                    bias == null
                        ? spec.reads(in, scale)
                        : spec.reads(in, scale, nodes.of(bias, "the bias of LayerNormalization")));
              }));
    }
  }

  /**
   * Over all positions of a group of channels of one sample.
   *
   * @param x {@code [N, C, ...]}
   * @param groups divides C
   * @param weight {@code [C]}, as is {@code bias}
   */
  public static Tensor groupNorm(
      Tensor x, long groups, @Nullable Tensor weight, @Nullable Tensor bias, double epsilon) {
    if (groups < 1) {
      throw new IllegalArgumentException("the number of groups is " + groups + ", not at least 1");
    }
    try (Scope scope = Scope.open()) {
      Tensor output = torch.group_norm(x, groups, optional(weight), optional(bias), epsilon, false);
      return scope.give(
          Nodes.track(
              output,
              nodes -> {
                // Operator set 17 has no group normalisation: a group is an instance's channel.
                Value in = nodes.of(x, "the input of group normalisation");
                Value grouped = nodes.add("Reshape", in, nodes.longs(0, groups, -1));
                Value normal =
                    nodes.add(
                        NodeSpec.of("InstanceNormalization")
                            .reads(grouped, nodes.filled(1, groups), nodes.filled(0, groups))
                            .with("epsilon", Nodes.floating(epsilon)));
                long[] shape = Tensors.shape(x);
                shape[0] = 0;
                Value result = nodes.add("Reshape", normal, nodes.longs(shape));
                long[] inner = LongStream.range(1, x.dim() - 1).toArray();
                result = perChannel(nodes, "Mul", result, weight, inner);
                return perChannel(nodes, "Add", result, bias, inner);
              }));
    }
  }

  private static Value perChannel(
      Nodes nodes, String op, Value x, @Nullable Tensor channels, long[] inner) {
    if (channels == null) {
      return x;
    }
    Value by = nodes.of(channels, "the second operand of " + op);
    return nodes.add(
        op, x, inner.length == 0 ? by : nodes.add("Unsqueeze", by, nodes.longs(inner)));
  }

  private static Value fixed(
      Nodes nodes,
      Tensor x,
      @Nullable Tensor mean,
      @Nullable Tensor variance,
      @Nullable Tensor weight,
      @Nullable Tensor bias,
      double epsilon) {
    long channels = x.size(1);
    return nodes.add(
        NodeSpec.of("BatchNormalization")
            .reads(
                nodes.of(x, "the input of BatchNormalization"),
                or(nodes, weight, 1, channels),
                or(nodes, bias, 0, channels),
                or(nodes, mean, 0, channels),
                or(nodes, variance, 1, channels))
            .with("epsilon", Nodes.floating(epsilon)));
  }

  private static Value or(Nodes nodes, @Nullable Tensor tensor, double value, long channels) {
    return tensor == null
        ? nodes.filled(value, channels)
        : nodes.of(tensor, "a channel's constant of a normalisation");
  }

  private static TensorOptional optional(@Nullable Tensor tensor) {
    return tensor == null ? new TensorOptional() : new TensorOptional(tensor);
  }
}
