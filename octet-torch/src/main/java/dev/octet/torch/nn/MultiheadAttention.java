package dev.octet.torch.nn;

import dev.octet.torch.Tensors;
import dev.octet.torch.op.Ops;
import dev.octet.torch.op.RecurrentOps;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * Attention by several heads: {@code softmax(q·kᵀ / √d)·v} of projected queries, keys and values,
 * the heads joined and projected again. {@code call(x)} attends to itself, {@code call(query, key,
 * value)} to others; {@link #run} also takes masks and gives the weights.
 *
 * <p>Query [target, batch, embedDim], key [source, batch, kdim], value [source, batch, vdim]; batch
 * first if so set; without batch also.
 *
 * <p>Parameters: {@code in_proj_weight [3·embedDim, embedDim]}, or {@code q_proj_weight}, {@code
 * k_proj_weight} and {@code v_proj_weight} if kdim or vdim differ; {@code in_proj_bias}, {@code
 * bias_k}, {@code bias_v}; the child {@code out_proj} is a {@link Linear}.
 *
 * <p>Vaswani et al., "Attention Is All You Need". It is computed from plain tracked operations, so
 * that a trace shows them and a subclass can put quantizers between: {@link #project}, {@link
 * #scores}, {@link #softmax}, {@link #mix}.
 */
public class MultiheadAttention extends Module {
  /** Collects the settings of an attention. */
  public static final class Builder {
    private final long embedDim;
    private final long numHeads;
    private double dropout;
    private boolean bias = true;
    private boolean addBiasKv;
    private boolean addZeroAttn;
    private long kdim;
    private long vdim;
    private boolean batchFirst;

    private Builder(long embedDim, long numHeads) {
      this.embedDim = Inputs.atLeast(1, "embed_dim", embedDim);
      this.numHeads = Inputs.atLeast(1, "num_heads", numHeads);
      if (embedDim % numHeads != 0) {
        throw new IllegalArgumentException(
            "embed_dim " + embedDim + " cannot be shared by " + numHeads + " heads");
      }
      kdim = embedDim;
      vdim = embedDim;
    }

    /** Probability with which a weight is dropped in training; 0 unless set. */
    public Builder dropout(double probability) {
      if (!(probability >= 0 && probability <= 1)) {
        throw new IllegalArgumentException("dropout is " + probability + "; choose 0 to 1");
      }
      dropout = probability;
      return this;
    }

    /** Whether the projections have biases; they do unless set. */
    public Builder bias(boolean on) {
      bias = on;
      return this;
    }

    /** Whether a learned key and value are added to every sequence; not unless set. */
    public Builder addBiasKv(boolean on) {
      addBiasKv = on;
      return this;
    }

    /** Whether a key and value of zeros are added to every sequence; not unless set. */
    public Builder addZeroAttn(boolean on) {
      addZeroAttn = on;
      return this;
    }

    /** Features of the keys; {@code embedDim} unless set. */
    public Builder kdim(long features) {
      kdim = Inputs.atLeast(1, "kdim", features);
      return this;
    }

    /** Features of the values; {@code embedDim} unless set. */
    public Builder vdim(long features) {
      vdim = Inputs.atLeast(1, "vdim", features);
      return this;
    }

    /** Whether the batch comes before the sequence; not unless set. */
    public Builder batchFirst(boolean on) {
      batchFirst = on;
      return this;
    }

    /** The layer, with fresh parameters. */
    public MultiheadAttention build() {
      return Substitution.of(new MultiheadAttention(this));
    }
  }

  /** What is projected. */
  public enum Projection {
    /** The query. */
    QUERY("q_proj_weight", 0),
    /** The key. */
    KEY("k_proj_weight", 1),
    /** The value. */
    VALUE("v_proj_weight", 2);

    private final String weightName;
    private final int third; // of the joint weight

    Projection(String weightName, int third) {
      this.weightName = weightName;
      this.third = third;
    }
  }

  private final long embedDim;
  private final int numHeads;
  private final double dropout;
  private final boolean addZeroAttn;
  private final boolean batchFirst;
  private final Child<Module> outProj;

  private MultiheadAttention(Builder from) {
    embedDim = from.embedDim;
    numHeads = Math.toIntExact(from.numHeads);
    dropout = from.dropout;
    addZeroAttn = from.addZeroAttn;
    batchFirst = from.batchFirst;
    if (from.kdim == embedDim && from.vdim == embedDim) {
      parameter("in_proj_weight", Init.xavierUniform(empty(3 * embedDim, embedDim), 1));
    } else {
      parameter("q_proj_weight", Init.xavierUniform(empty(embedDim, embedDim), 1));
      parameter("k_proj_weight", Init.xavierUniform(empty(embedDim, from.kdim), 1));
      parameter("v_proj_weight", Init.xavierUniform(empty(embedDim, from.vdim), 1));
    }
    if (from.bias) {
      parameter("in_proj_bias", Init.constant(empty(3 * embedDim), 0));
    }
    if (from.addBiasKv) {
      parameter("bias_k", Init.xavierNormal(empty(1, 1, embedDim), 1));
      parameter("bias_v", Init.xavierNormal(empty(1, 1, embedDim), 1));
    }
    Linear projection = Linear.builder(embedDim, embedDim).bias(from.bias).build();
    Tensor bias = projection.bias();
    if (bias != null) {
      Init.constant(bias, 0);
    }
    outProj = child("out_proj", projection);
  }

  /**
   * A layer over the same parameters. The child {@code out_proj} is the same module in both, so
   * close one of them.
   */
  public MultiheadAttention(MultiheadAttention from) {
    embedDim = from.embedDim;
    numHeads = from.numHeads;
    dropout = from.dropout;
    addZeroAttn = from.addZeroAttn;
    batchFirst = from.batchFirst;
    from.ownParameters().forEach(this::share);
    outProj = child("out_proj", from.outProj.get());
    sameModeAs(from);
  }

  private static Tensor empty(long... shape) {
    return Tensors.uninitialised(ScalarType.Float, shape);
  }

  /**
   * An attention of {@code numHeads} heads.
   *
   * @param embedDim features of queries and output, a multiple of the number of heads
   */
  public static Builder builder(long embedDim, long numHeads) {
    return new Builder(embedDim, numHeads);
  }

  /**
   * Output and weights.
   *
   * @param masks what may not be looked at; {@link AttentionMasks#NONE} for nothing
   * @return owned by the scope around the call. A query that may look at nothing gives NaN
   * @throws ModuleException if shapes or types do not fit
   */
  public final AttentionOutput run(Tensor query, Tensor key, Tensor value, AttentionMasks masks) {
    return inside(
        masks.with(query, key, value),
        scope -> {
          AttentionOutput made = attend(query, key, value, masks);
          return new AttentionOutput(scope.give(made.output()), scope.give(made.weights()));
        });
  }

  @Override
  protected Tensor forward(Tensor[] inputs) {
    return inputs.length == 3
        ? attend(inputs[0], inputs[1], inputs[2], AttentionMasks.NONE).output()
        : super.forward(inputs);
  }

  @Override
  protected Tensor forward(Tensor input) {
    return attend(input, input, input, AttentionMasks.NONE).output();
  }

  /**
   * Projects queries, keys or values.
   *
   * @param x [batch, length, features]
   * @param weight [embedDim, features]
   * @param bias [embedDim]
   * @return [batch, length, embedDim]
   */
  protected Tensor project(Projection which, Tensor x, Tensor weight, @Nullable Tensor bias) {
    return Ops.linear(x, weight, bias);
  }

  /** A query divided by √(features of a head), so that scores have the size of one of them. */
  protected Tensor scaled(Tensor query) {
    return Ops.mul(query, 1 / Math.sqrt((double) embedDim / numHeads));
  }

  /**
   * The first batched product: what each query has in common with each key.
   *
   * @param query divided by √(features of a head), [batch, heads, target, features]
   * @param key [batch, heads, source, features]
   * @return [batch, heads, target, source]
   */
  protected Tensor scores(Tensor query, Tensor key) {
    return Ops.matmul(query, Ops.transpose(key, 2, 3));
  }

  /** The weights of scores that masks were applied to, of the same shape. */
  protected Tensor softmax(Tensor scores) {
    return Ops.softmax(scores, 3);
  }

  /**
   * The second batched product: the values, weighted.
   *
   * @param weights [batch, heads, target, source]
   * @param value [batch, heads, source, features]
   * @return [batch, heads, target, features]
   */
  protected Tensor mix(Tensor weights, Tensor value) {
    return Ops.matmul(weights, value);
  }

  /** Features of queries and output. */
  public final long embedDim() {
    return embedDim;
  }

  /** How many heads there are. */
  public final int numHeads() {
    return numHeads;
  }

  /** Whether the batch comes before the sequence. */
  public final boolean batchFirst() {
    return batchFirst;
  }

  /** The weight that projects queries, keys or values: a view where all have one. */
  public final Tensor weight(Projection which) {
    Tensor joint = ownParameters().get("in_proj_weight");
    if (joint == null) {
      return Tensors.check(ownParameters().get(which.weightName), which.weightName);
    }
    return Ops.slice(joint, 0, which.third * embedDim, (which.third + 1) * embedDim);
  }

  /** The bias of the same, if there is one. */
  public final @Nullable Tensor bias(Projection which) {
    Tensor joint = ownParameters().get("in_proj_bias");
    return joint == null
        ? null
        : Ops.slice(joint, 0, which.third * embedDim, (which.third + 1) * embedDim);
  }

  @Override
  protected String settings() {
    return "embed_dim=" + embedDim + ", num_heads=" + numHeads;
  }

  private AttentionOutput attend(Tensor query, Tensor key, Tensor value, AttentionMasks masks) {
    boolean single = query.dim() == 2;
    check(query, key, value);
    Tensor q = heads(Projection.QUERY, ordered(query));
    Tensor k = projected(Projection.KEY, ordered(key));
    Tensor v = projected(Projection.VALUE, ordered(value));
    long source = k.size(1);
    checkMasks(masks, k.size(0), q.size(2), source, single, query);
    Tensor padding = masks.keyPadding();
    if (padding != null && single) {
      padding = Ops.unsqueeze(padding, 0);
    }
    Tensor attention = masks.attention();
    long added = 0;
    Tensor biasK = ownParameters().get("bias_k");
    Tensor biasV = ownParameters().get("bias_v");
    if (biasK != null && biasV != null) {
      Tensor zeros = Ops.unsqueeze(RecurrentOps.zeroRows(k, embedDim), 1);
      k = Ops.cat(List.of(k, Ops.add(zeros, biasK)), 1);
      v = Ops.cat(List.of(v, Ops.add(zeros, biasV)), 1);
      added++;
    }
    if (addZeroAttn) {
      Tensor zeros = Ops.unsqueeze(RecurrentOps.zeroRows(k, embedDim), 1);
      k = Ops.cat(List.of(k, zeros), 1);
      v = Ops.cat(List.of(v, zeros), 1);
      added++;
    }
    Tensor scores = scores(scaled(q), split(k));
    if (attention != null) {
      Tensor byHead =
          attention.dim() == 2
              ? attention
              : Ops.reshape(attention, -1, numHeads, attention.size(1), source);
      scores = masked(scores, byHead, added);
    }
    if (padding != null) {
      scores = masked(scores, Ops.unsqueeze(Ops.unsqueeze(padding, 1), 1), added);
    }
    Tensor weights = Ops.dropout(softmax(scores), dropout, isTraining());
    Tensor mixed = Ops.transpose(mix(weights, split(v)), 1, 2);
    Tensor output = outProj.call(Ops.reshape(mixed, mixed.size(0), -1, embedDim));
    if (single) {
      return new AttentionOutput(Ops.squeeze(output, 0), Ops.squeeze(weights, 0));
    }
    return new AttentionOutput(batchFirst ? output : Ops.transpose(output, 0, 1), weights);
  }

  /** [batch, length, features]. */
  private Tensor ordered(Tensor x) {
    if (x.dim() == 2) {
      return Ops.unsqueeze(x, 0);
    }
    return batchFirst ? x : Ops.transpose(x, 0, 1);
  }

  /**
   * Projects queries, keys or values by the layer's weight. A subclass that holds weights in a form
   * of its own overrides this, and may take those for all three away ({@code in_proj_weight},
   * {@code in_proj_bias}).
   *
   * @param x [batch, length, features]
   * @return [batch, length, embedDim]
   */
  protected Tensor projected(Projection which, Tensor x) {
    return project(which, x, weight(which), bias(which));
  }

  private Tensor heads(Projection which, Tensor x) {
    return split(projected(which, x));
  }

  /** [batch, length, embedDim] to [batch, heads, length, features of a head]. */
  private Tensor split(Tensor x) {
    Tensor apart = Ops.reshape(x, x.size(0), -1, numHeads, embedDim / numHeads);
    return Ops.transpose(apart, 1, 2);
  }

  /** Keys that were added are never forbidden. */
  private static Tensor masked(Tensor scores, Tensor mask, long added) {
    Tensor wide = added == 0 ? mask : Ops.pad(mask, 0, added);
    return Tensors.type(wide) == ScalarType.Bool
        ? Ops.maskedFill(scores, wide, Double.NEGATIVE_INFINITY)
        : Ops.add(scores, wide);
  }

  private void check(Tensor query, Tensor key, Tensor value) {
    long rank = query.dim();
    if ((rank != 2 && rank != 3) || key.dim() != rank || value.dim() != rank) {
      throw new IllegalArgumentException(
          "query, key and value have 3 dimensions, or 2 without a batch");
    }
    checkFeatures("the query", query, embedDim);
    checkFeatures("the key", key, features(Projection.KEY));
    checkFeatures("the value", value, features(Projection.VALUE));
    int batchAxis = batchFirst ? 0 : 1;
    if (rank == 3
        && (query.size(batchAxis) != key.size(batchAxis)
            || key.size(batchAxis) != value.size(batchAxis))) {
      throw new IllegalArgumentException("query, key and value differ in the batch");
    }
    int lengthAxis = rank == 2 || !batchFirst ? 0 : 1;
    if (key.size(lengthAxis) != value.size(lengthAxis)) {
      throw new IllegalArgumentException("key and value differ in length");
    }
  }

  private long features(Projection which) {
    Tensor own = ownParameters().get(which.weightName);
    return own == null ? embedDim : own.size(1);
  }

  private void checkFeatures(String what, Tensor x, long features) {
    if (x.size(-1) != features || x.numel() == 0) {
      throw new IllegalArgumentException(
          what
              + " is "
              + Tensors.describe(x)
              + "; it takes [..., "
              + features
              + "] with at least one element");
    }
    var own = ownParameters().values().iterator();
    Inputs.floating(x, own.hasNext() ? own.next() : null);
  }

  private void checkMasks(
      AttentionMasks masks, long batch, long target, long source, boolean single, Tensor query) {
    Tensor padding = masks.keyPadding();
    if (padding != null) {
      long[] wanted = single ? new long[] {source} : new long[] {batch, source};
      checkMask("the key padding mask", padding, query, wanted);
    }
    Tensor attention = masks.attention();
    if (attention != null) {
      long[] wanted =
          attention.dim() == 2
              ? new long[] {target, source}
              : new long[] {batch * numHeads, target, source};
      checkMask("the attention mask", attention, query, wanted);
    }
  }

  private static void checkMask(String what, Tensor mask, Tensor query, long[] wanted) {
    boolean typed =
        Tensors.type(mask) == ScalarType.Bool || Tensors.type(mask) == Tensors.type(query);
    if (!typed || !Arrays.equals(Tensors.shape(mask), wanted)) {
      throw new IllegalArgumentException(
          what
              + " is "
              + Tensors.describe(mask)
              + "; it is Bool, or floats of the query's type, of shape "
              + Arrays.toString(wanted));
    }
  }
}
