package dev.octet.torch.nn;

import java.util.function.Supplier;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Encoder layers one after the other, and a last norm if there is one. Children: {@code layers.0},
 * {@code layers.1}, ..., {@code norm}.
 */
public final class TransformerEncoder extends Module {
  private final ModuleList<TransformerEncoderLayer> layers;
  private final @Nullable Child<LayerNorm> norm;

  /**
   * An encoder.
   *
   * @param count how many layers, at least 1
   * @param layer builds each
   * @param norm the last one, or null
   */
  public TransformerEncoder(
      int count, Supplier<TransformerEncoderLayer> layer, @Nullable LayerNorm norm) {
    Inputs.atLeast(1, "the number of layers", count);
    layers = new ModuleList<>(Stream.generate(layer).limit(count).toList());
    child("layers", layers);
    this.norm = norm == null ? null : child("norm", norm);
  }

  /**
   * The output under masks, which every layer applies.
   *
   * @param input [length, batch, features], batch first if the layers are so, or without batch
   * @return in the layout of the input, owned by the scope around the call
   */
  public Tensor run(Tensor input, AttentionMasks masks) {
    return inside(masks.with(input), scope -> scope.give(encode(input, masks)));
  }

  @Override
  protected Tensor forward(Tensor input) {
    return encode(input, AttentionMasks.NONE);
  }

  private Tensor encode(Tensor input, AttentionMasks masks) {
    Tensor x = input;
    for (int i = 0; i < layers.size(); i++) {
      x = masks.isNone() ? layers.callAt(i, x) : layers.at(i).run(x, masks);
    }
    return norm == null ? x : norm.call(x);
  }
}
