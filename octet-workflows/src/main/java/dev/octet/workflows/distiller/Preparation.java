package dev.octet.workflows.distiller;

import dev.octet.graph.DataType;
import dev.octet.graph.Node;
import dev.octet.graph.Value;
import dev.octet.torch.nn.Activation;
import dev.octet.torch.nn.Identity;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.NormNd;
import dev.octet.workflows.distiller.stats.LayerStats;
import dev.octet.workflows.distiller.stats.ModelStats;
import dev.octet.workflows.distiller.stats.TensorStats;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * What is done to a model before its layers are exchanged, by who reads what: batch normalization
 * is folded, statistics are narrowed to what a reader can tell apart, and rectifiers that a layer
 * can apply itself are noted.
 */
final class Preparation {
  /** How far sigmoid and tanh still rise; beyond, inputs need not be told apart. */
  private static final double SIGMOID_REACH = 6;

  private static final double TANH_REACH = 4;

  private final Module model;
  private final Predicate<String> quantizesOutput;
  private @Nullable ModelStats stats;
  private final Set<String> fusedRectifiers = new HashSet<>();
  private final Set<String> identities = new HashSet<>();

  /**
   * Nothing is done yet.
   *
   * @param quantizesOutput whether the layer of a path will have a quantized output, inside of
   *     which a rectifier can be applied
   */
  Preparation(Module model, @Nullable ModelStats stats, Predicate<String> quantizesOutput) {
    this.model = model;
    this.stats = stats;
    this.quantizesOutput = quantizesOutput;
  }

  /** Does it, as a trace on these inputs shows the model. */
  void run(Tensor[] dummyInputs) {
    ModelGraph graph = ModelGraph.of(model, dummyInputs);
    fuse(foldBatchNorm(graph) ? ModelGraph.of(model, dummyInputs) : graph);
  }

  /** The statistics as they are now. */
  @Nullable ModelStats stats() {
    return stats;
  }

  /** A layer's statistics; null if there are none. */
  @Nullable LayerStats seen(String path) {
    return stats == null ? null : stats.layers().get(path);
  }

  /** Whether statistics, if there are any, know the layer. */
  boolean isRun(String path) {
    if (stats == null) {
      return true;
    }
    LayerStats own = seen(path);
    return own != null && own.output() != null && own.output().isSeen();
  }

  /** Whether a rectifier behind a layer is applied inside it. */
  boolean rectifies(String path) {
    return fusedRectifiers.contains(path);
  }

  /** Whether an activation has nothing left to do, since layers before it apply it. */
  boolean isIdentity(String path) {
    return identities.contains(path);
  }

  private boolean foldBatchNorm(ModelGraph graph) {
    boolean any = false;
    for (String path : List.copyOf(graph.paths())) {
      if (path.isEmpty()) {
        continue;
      }
      Module layer = model.get(path);
      Node reader = graph.onlySuccessor(path);
      if (!Layers.isLayer(layer)
          || reader == null
          || !reader.is("BatchNormalization")
          || !graph.isOneNode(reader)
          || !(model.get(ModelGraph.path(reader)) instanceof NormNd norm)
          || norm.runningMean() == null) {
        continue;
      }
      String normPath = ModelGraph.path(reader);
      Module folded = Layers.folded(layer, norm);
      model.replace(path, folded).close();
      model.replace(normPath, new Identity()).close();
      any = true;
      if (stats != null && stats.layers().get(normPath) != null) {
        LayerStats own = stats.layers().get(path);
        LayerStats behind = stats.layers().get(normPath);
        if (own != null && behind != null) {
          stats = stats.with(path, own.withOutput(behind.output())).without(normPath);
        }
      }
    }
    return any;
  }

  private void fuse(ModelGraph graph) {
    Set<Node> applied = new LinkedHashSet<>();
    for (String path : graph.paths()) {
      if (path.isEmpty() || !model.get(path).children().isEmpty()) {
        continue;
      }
      Node reader = graph.onlySuccessor(path);
      if (reader == null) {
        continue;
      }
      narrow(path, reader);
      boolean rectifies = reader.is("Relu") || isRelu6(reader);
      if (!rectifies || !quantizesOutput.test(path)) {
        continue;
      }
      fusedRectifiers.add(path);
      // With ReLU6 the upper bound is kept by statistics alone, where there are any.
      if (reader.is("Relu") || stats != null) {
        applied.add(reader);
      }
    }
    // A rectifier that was run several times goes only where it is applied before every time.
    for (Node node : applied) {
      String path = ModelGraph.path(node);
      if (model.get(path) instanceof Activation && applied.containsAll(graph.nodes(path))) {
        identities.add(path);
      }
    }
  }

  private static boolean isRelu6(Node node) {
    return node.is("Clip") && bound(node, 1) == 0 && bound(node, 2) == 6;
  }

  private static double bound(Node clip, int index) {
    Value value = clip.input(index);
    dev.octet.graph.Tensor constant = value == null ? null : value.constant();
    return constant == null || constant.type() != DataType.FLOAT || constant.elementCount() != 1
        ? Double.NaN
        : constant.toFloats()[0];
  }

  /** Narrows a layer's range to what its only reader can tell apart. */
  private void narrow(String path, Node reader) {
    double[] bounds = bounds(reader);
    LayerStats own = stats == null ? null : stats.layers().get(path);
    if (bounds == null || stats == null || own == null || own.output() == null) {
      return;
    }
    stats = stats.with(path, own.withOutput(own.output().clipped(bounds[0], bounds[1])));
    String readerPath = ModelGraph.path(reader);
    LayerStats behind = stats.layers().get(readerPath);
    TensorStats input = behind == null ? null : behind.inputs().get(0);
    if (!reader.is("Split") && behind != null && input != null) {
      stats = stats.with(readerPath, behind.withInput(0, input.clipped(bounds[0], bounds[1])));
    }
  }

  private double @Nullable [] bounds(Node reader) {
    if (reader.is("Relu")) {
      return new double[] {0, Double.POSITIVE_INFINITY};
    }
    if (isRelu6(reader)) {
      return new double[] {0, 6};
    }
    if (reader.is("Tanh")) {
      return new double[] {-TANH_REACH, TANH_REACH};
    }
    if (reader.is("Sigmoid")) {
      return new double[] {-SIGMOID_REACH, SIGMOID_REACH};
    }
    if (reader.is("Split")) {
      return boundsOfParts(reader);
    }
    return null;
  }

  /** Of parts that all rectify, or that all saturate: the wider of their bounds. */
  private double @Nullable [] boundsOfParts(Node split) {
    Set<String> operators = new LinkedHashSet<>();
    for (Value part : split.outputs()) {
      if (part == null || part.isOutput() || part.consumers().isEmpty()) {
        return null;
      }
      part.consumers().forEach(reader -> operators.add(reader.op()));
    }
    if (operators.equals(Set.of("Relu"))) {
      return new double[] {0, Double.POSITIVE_INFINITY};
    }
    if (operators.equals(Set.of("Tanh"))) {
      return new double[] {-TANH_REACH, TANH_REACH};
    }
    return Set.of("Tanh", "Sigmoid").containsAll(operators)
        ? new double[] {-SIGMOID_REACH, SIGMOID_REACH}
        : null;
  }
}
