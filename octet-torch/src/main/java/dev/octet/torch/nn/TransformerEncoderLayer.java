package dev.octet.torch.nn;

import dev.octet.torch.op.Ops;
import org.bytedeco.pytorch.Tensor;

/**
 * Self-attention and two linear layers, each added to its input and normalised: {@code x = norm1(x
 * + self_attn(x))}, {@code x = norm2(x + linear2(f(linear1(x))))}; with {@code normFirst} the norms
 * stand before attention and linear layers instead.
 *
 * <p>Children: {@code self_attn}, {@code linear1}, {@code dropout}, {@code linear2}, {@code norm1},
 * {@code norm2}, {@code dropout1}, {@code dropout2}.
 */
public class TransformerEncoderLayer extends Module {
  /** The function between the linear layers. */
  public enum Activation {
    /** Zero below zero. */
    RELU,
    /** {@code x·Φ(x)}. */
    GELU
  }

  /** Collects the settings of a layer. */
  public static final class Builder {
    private final long dModel;
    private final long heads;
    private long feedforward = 2048;
    private double dropout = 0.1;
    private Activation activation = Activation.RELU;
    private double eps = 1e-5;
    private boolean batchFirst;
    private boolean normFirst;

    private Builder(long dModel, long heads) {
      this.dModel = dModel;
      this.heads = heads;
    }

    /** Features between the linear layers; 2048 unless set. */
    public Builder dimFeedforward(long features) {
      feedforward = features;
      return this;
    }

    /** Probability of each dropout; 0.1 unless set. */
    public Builder dropout(double probability) {
      dropout = probability;
      return this;
    }

    /** The function between the linear layers; relu unless set. */
    public Builder activation(Activation function) {
      activation = function;
      return this;
    }

    /** What the norms add to the variance; 1e-5 unless set. */
    public Builder layerNormEps(double value) {
      eps = value;
      return this;
    }

    /** Whether the batch comes before the sequence; not unless set. */
    public Builder batchFirst(boolean on) {
      batchFirst = on;
      return this;
    }

    /** Whether norms stand before attention and linear layers; not unless set. */
    public Builder normFirst(boolean on) {
      normFirst = on;
      return this;
    }

    /** The layer, with fresh parameters. */
    public TransformerEncoderLayer build() {
      return Substitution.of(new TransformerEncoderLayer(this));
    }
  }

  private final Child<MultiheadAttention> attention;
  private final Child<Linear> linear1;
  private final Child<Dropout> dropout;
  private final Child<Linear> linear2;
  private final Child<LayerNorm> norm1;
  private final Child<LayerNorm> norm2;
  private final Child<Dropout> dropout1;
  private final Child<Dropout> dropout2;
  private final Activation activation;
  private final boolean normFirst;

  private TransformerEncoderLayer(Builder from) {
    attention =
        child(
            "self_attn",
            MultiheadAttention.builder(from.dModel, from.heads)
                .dropout(from.dropout)
                .batchFirst(from.batchFirst)
                .build());
    linear1 = child("linear1", Linear.builder(from.dModel, from.feedforward).build());
    dropout = child("dropout", new Dropout(from.dropout));
    linear2 = child("linear2", Linear.builder(from.feedforward, from.dModel).build());
    norm1 = child("norm1", LayerNorm.builder(from.dModel).eps(from.eps).build());
    norm2 = child("norm2", LayerNorm.builder(from.dModel).eps(from.eps).build());
    dropout1 = child("dropout1", new Dropout(from.dropout));
    dropout2 = child("dropout2", new Dropout(from.dropout));
    activation = from.activation;
    normFirst = from.normFirst;
  }

  /** A layer of {@code dModel} features and {@code heads} heads. */
  public static Builder builder(long dModel, long heads) {
    return new Builder(dModel, heads);
  }

  /**
   * The output under masks.
   *
   * @param input [length, batch, features], batch first if so set, or without batch
   * @return in the layout of the input, owned by the scope around the call
   */
  public final Tensor run(Tensor input, AttentionMasks masks) {
    return inside(masks.with(input), scope -> scope.give(encode(input, masks)));
  }

  @Override
  protected Tensor forward(Tensor input) {
    return encode(input, AttentionMasks.NONE);
  }

  private Tensor encode(Tensor x, AttentionMasks masks) {
    if (normFirst) {
      Tensor attended = Ops.add(x, attend(norm1.call(x), masks));
      return Ops.add(attended, feedForward(norm2.call(attended)));
    }
    Tensor attended = norm1.call(Ops.add(x, attend(x, masks)));
    return norm2.call(Ops.add(attended, feedForward(attended)));
  }

  private Tensor attend(Tensor x, AttentionMasks masks) {
    // Without masks through call, which hooks see.
    Tensor attended =
        masks.isNone() ? attention.call(x) : attention.get().run(x, x, x, masks).output();
    return dropout1.call(attended);
  }

  private Tensor feedForward(Tensor x) {
    Tensor wide = linear1.call(x);
    Tensor active = activation == Activation.RELU ? Ops.relu(wide) : Ops.gelu(wide);
    return dropout2.call(linear2.call(dropout.call(active)));
  }
}
