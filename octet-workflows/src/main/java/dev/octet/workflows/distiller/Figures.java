package dev.octet.workflows.distiller;

import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.workflows.distiller.stats.TensorStats;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** What the values of a tensor at hand are like. */
final class Figures {
  private Figures() {}

  /** Of all values; the first dimension counts samples, and the deviation is the unbiased one. */
  static TensorStats of(Tensor x) {
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      if (x.numel() == 0) {
        throw new IllegalArgumentException("a tensor without values has no range");
      }
      long samples = x.dim() == 0 ? 1 : x.size(0);
      Tensor rows = x.detach().reshape(samples, -1);
      Tensor low = rows.amin(new long[] {1}, false);
      Tensor high = rows.amax(new long[] {1}, false);
      Tensor mean = rows.mean();
      return new TensorStats(
          low.min().item_float(),
          high.max().item_float(),
          low.mean().item_float(),
          high.mean().item_float(),
          mean.item_float(),
          x.numel() == 1 ? 0 : torch.std(rows).item_float(),
          rows.sub(mean).abs().mean().item_float(),
          "",
          x.numel());
    }
  }

  /**
   * Of each index of the first dimension, which has no samples: its average extremes are its own.
   */
  static List<TensorStats> ofChannels(Tensor x) {
    List<TensorStats> figures = new ArrayList<>();
    try (Scope scope = Scope.open()) {
      for (long channel = 0; channel < Tensors.check(x, "a weight").size(0); channel++) {
        figures.add(of(x.select(0, channel).reshape(1, -1)));
      }
    }
    return figures;
  }
}
