package dev.octet.torch.graph;

import dev.octet.graph.Graph;
import dev.octet.graph.Node;
import dev.octet.graph.Value;
import dev.octet.torch.Tensors;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/**
 * The mean over batches of what BatchNormalization saw in each: running statistics {@code r} that
 * take on {@code r' = (1 − m) · r + m · batch} tell the batch's, {@code (r' − (1 − m) · r) / m}.
 */
final class BatchStatistics {
  private static final int MEAN = 3;
  private static final int VARIANCE = 4;

  private static final class Running {
    final Tensor buffer;
    final double momentum;
    final double[] sum;
    float[] last;

    Running(Tensor buffer, double momentum) {
      this.buffer = buffer;
      this.momentum = momentum;
      last = Tensors.toFloats(buffer);
      sum = new double[last.length];
    }

    void add() {
      float[] now = Tensors.toFloats(buffer);
      for (int i = 0; i < now.length; i++) {
        sum[i] += (now[i] - (1 - momentum) * last[i]) / momentum;
      }
      last = now;
    }
  }

  private final List<Running> all = new ArrayList<>();
  private int batches;

  /** Leaves out statistics that never move, and those that several normalizations share. */
  BatchStatistics(Graph graph, Map<Value, Tensor> state) {
    for (Node node : graph.nodes()) {
      double momentum = 1 - node.floatAttribute("momentum", 0.9f);
      for (int i : new int[] {MEAN, VARIANCE}) {
        Value value = node.is("BatchNormalization") ? node.input(i) : null;
        Tensor buffer = value == null ? null : state.get(value);
        if (value != null && buffer != null && momentum > 0 && value.uses().size() == 1) {
          all.add(new Running(buffer, momentum));
        }
      }
    }
  }

  /** To be called after each batch. */
  void add() {
    all.forEach(Running::add);
    batches++;
  }

  /** Makes the means the running statistics; without batches they stay. */
  void keep() {
    if (batches == 0) {
      return;
    }
    for (Running each : all) {
      float[] mean = new float[each.sum.length];
      for (int i = 0; i < mean.length; i++) {
        mean[i] = (float) (each.sum[i] / batches);
      }
      each.buffer.copy_(Tensors.of(mean, Tensors.shape(each.buffer)));
    }
  }
}
