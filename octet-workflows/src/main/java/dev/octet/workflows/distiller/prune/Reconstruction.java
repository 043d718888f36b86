package dev.octet.workflows.distiller.prune;

import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.Module;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import java.util.stream.LongStream;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Fits weights that lose input channels to the outputs that they gave with all of them.
 *
 * <p>With X the inputs of the kept channels, one row for a place of an output, and Y the outputs,
 * it is {@code W' = W + (XᵀX + λ)⁻¹ Xᵀ(Y − XW)}: of many weights that fit, those next to the old.
 */
final class Reconstruction {
  /** Of the mean square of the inputs. */
  private static final double RIDGE = 1e-4;

  private static final int LEAST_PLACES = 10;

  /** Rows of inputs, all channels, and of outputs without bias. */
  private record Samples(Tensor inputs, Tensor outputs) {}

  private Reconstruction() {}

  static void fit(
      ZerosMaskDict masks,
      Map<String, boolean[]> keptChannels,
      Tensor[] inputs,
      RandomGenerator random) {
    Map<String, Module> layers = new LinkedHashMap<>();
    for (String parameter : keptChannels.keySet()) {
      layers.put(parameter, layer(masks.model(), parameter));
    }
    Map<String, Samples> samples = new LinkedHashMap<>();
    List<Module.Hook> hooks = new ArrayList<>();
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      layers.forEach(
          (parameter, module) ->
              hooks.add(
                  module.afterForward(
                      (layer, in, output) -> {
                        if (!samples.containsKey(parameter)) {
                          samples.put(parameter, samples(layer, in[0], output, random));
                        }
                        return output;
                      })));
      Ranking.runInEval(masks.model(), inputs);
      keptChannels.forEach(
          (parameter, kept) -> {
            Samples seen = samples.get(parameter);
            if (seen == null) {
              throw new IllegalArgumentException(
                  "the layer of '" + parameter + "' did not run on the inputs");
            }
            fit(masks.parameter(parameter), kept, seen);
          });
    } finally {
      hooks.forEach(Module.Hook::close);
      samples.values().forEach(each -> each.inputs().close());
      samples.values().forEach(each -> each.outputs().close());
    }
  }

  private static Module layer(Module model, String parameter) {
    Module layer = model.modules().get(ParameterNames.layer(parameter));
    if (layer instanceof Linear || (layer instanceof Conv2d conv && conv.groups() == 1)) {
      return layer;
    }
    throw new IllegalArgumentException(
        "'"
            + parameter
            + "' is not of a Linear, nor of a Conv2d of one group, whose outputs could be fitted");
  }

  private static Samples samples(Module layer, Tensor x, Tensor y, RandomGenerator random) {
    try (Scope scope = Scope.open()) {
      Tensor rows;
      Tensor outputs;
      Tensor bias;
      if (layer instanceof Conv2d conv) {
        long[] padding = Arrays.copyOf(conv.padding(), 2);
        if (!Arrays.equals(padding, Arrays.copyOfRange(conv.padding(), 2, 4))) {
          throw new IllegalArgumentException("its padding differs from side to side: " + conv);
        }
        Tensor columns =
            torch.im2col(
                x.to(ScalarType.Double),
                conv.kernelSize(),
                conv.dilation(),
                padding,
                conv.stride());
        long places = columns.size(2);
        long wanted = Math.max(LEAST_PLACES, 2 * columns.size(1) / x.size(0) + 1);
        Tensor at = places(Math.min(places, wanted), places, random);
        rows = columns.index_select(2, at).permute(0, 2, 1).reshape(-1, columns.size(1));
        outputs = y.flatten(2, -1).index_select(2, at).permute(0, 2, 1).reshape(-1, y.size(1));
        bias = conv.bias();
      } else {
        rows = x.to(ScalarType.Double).reshape(-1, x.size(-1));
        outputs = y.reshape(-1, y.size(-1));
        bias = ((Linear) layer).bias();
      }
      Tensor unbiased = bias == null ? outputs : outputs.sub(bias);
      return new Samples(
          Scope.keep(rows.contiguous()), Scope.keep(unbiased.to(ScalarType.Double).contiguous()));
    }
  }

  private static Tensor places(long wanted, long count, RandomGenerator random) {
    long[] drawn =
        wanted == count
            ? LongStream.range(0, count).toArray()
            : random.longs(wanted, 0, count).toArray();
    return Tensors.of(drawn, drawn.length);
  }

  private static void fit(Tensor weight, boolean[] kept, Samples seen) {
    int window = Math.toIntExact(weight.numel() / weight.size(0) / kept.length);
    List<Long> columns = new ArrayList<>();
    for (int i = 0; i < kept.length * window; i++) {
      if (kept[i / window]) {
        columns.add((long) i);
      }
    }
    if (columns.isEmpty()) {
      return;
    }
    try (Scope scope = Scope.open()) {
      Tensor at = Tensors.of(columns.stream().mapToLong(Long::longValue).toArray(), columns.size());
      Tensor x = seen.inputs().index_select(1, at);
      Tensor flat = weight.to(ScalarType.Double).reshape(weight.size(0), -1);
      Tensor w = flat.index_select(1, at).t();
      Tensor square = x.t().matmul(x);
      double ridge = RIDGE * (square.trace().item_double() / columns.size()) + 1e-12;
      Tensor regular = square.add(torch.eye(columns.size()).mul(new Scalar(ridge)));
      Tensor left = x.t().matmul(seen.outputs().sub(x.matmul(w)));
      Tensor fitted = w.add(torch.linalg_solve(regular, left)).t();
      flat.index_copy_(1, at, fitted);
      weight.copy_(flat.reshape(Tensors.shape(weight)));
    }
  }
}
