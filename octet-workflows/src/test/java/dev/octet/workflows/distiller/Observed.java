package dev.octet.workflows.distiller;

import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Module;
import dev.octet.workflows.distiller.stats.LayerStats;
import dev.octet.workflows.distiller.stats.ModelStats;
import dev.octet.workflows.distiller.stats.TensorStats;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/** Statistics of one batch, enough for tests. */
final class Observed {
  private Observed() {}

  static ModelStats stats(Module model, Tensor... inputs) {
    Map<String, LayerStats> layers = new LinkedHashMap<>();
    List<Module.Hook> hooks = new ArrayList<>();
    model
        .modules()
        .forEach(
            (path, module) -> {
              if (module.children().isEmpty() && !path.isEmpty()) {
                hooks.add(
                    module.afterForward(
                        (self, given, output) -> {
                          List<TensorStats> in = new ArrayList<>();
                          for (Tensor x : given) {
                            in.add(x.is_floating_point() ? Figures.of(x) : unknown());
                          }
                          LayerStats made = LayerStats.of(in, Figures.of(output));
                          LayerStats before = layers.get(path);
                          layers.put(path, before == null ? made : wider(before, made));
                          return output;
                        }));
              }
            });
    boolean training = model.isTraining();
    model.eval();
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      model.call(inputs);
    }
    model.train(training);
    hooks.forEach(Module.Hook::close);
    return new ModelStats(layers);
  }

  /** A quantizer that prepared a model by the statistics of one batch. */
  static PostTrainLinearQuantizer prepared(
      PostTrainLinearQuantizer.Builder builder, Module model, Tensor x) {
    PostTrainLinearQuantizer quantizer = builder.modelActivationStats(stats(model, x)).build();
    quantizer.prepareModel(x);
    return quantizer;
  }

  private static TensorStats unknown() {
    return TensorStats.of(1, -1, 1, -1);
  }

  private static LayerStats wider(LayerStats a, LayerStats b) {
    List<TensorStats> inputs = new ArrayList<>();
    a.inputs().forEach((index, stats) -> inputs.add(wider(stats, b.inputs().get(index))));
    return LayerStats.of(inputs, wider(a.output(), b.output()));
  }

  private static TensorStats wider(TensorStats a, TensorStats b) {
    return a.withRange(
        Math.min(a.min(), b.min()),
        Math.max(a.max(), b.max()),
        Math.min(a.avgMin(), b.avgMin()),
        Math.max(a.avgMax(), b.avgMax()));
  }

  static float largestDifference(Tensor a, Tensor b) {
    float[] x = Tensors.toFloats(a);
    float[] y = Tensors.toFloats(b);
    float largest = 0;
    for (int i = 0; i < x.length; i++) {
      largest = Math.max(largest, Math.abs(x[i] - y[i]));
    }
    return largest;
  }
}
