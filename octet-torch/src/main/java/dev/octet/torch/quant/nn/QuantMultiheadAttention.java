package dev.octet.torch.quant.nn;

import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.MultiheadAttention;
import dev.octet.torch.quant.QuantizerConfig;
import dev.octet.torch.quant.TensorQuantizer;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A {@link MultiheadAttention} whose products are quantized: the projections of query, key and
 * value ({@code _input_quantizers.0} to {@code .2} and {@code _weight_quantizers.0} to {@code .2}),
 * the operands of both batched products ({@code matmul_q_input_quantizer}, {@code _k_}, {@code _a_}
 * for the weights of the values, {@code _v_}), what the softmax reads ({@code
 * softmax_input_quantizer}), and {@code out_proj}, which is a {@link QuantLinear}.
 *
 * <p>Masks are applied after the scores were quantized, so that minus infinity stays what it is.
 *
 * <p>Made by {@link #from}, or by the float layer's builder inside {@link
 * QuantModules#initialize()}.
 */
public final class QuantMultiheadAttention extends MultiheadAttention implements QuantizedLayer {
  /** How these layers are quantized when nothing else is said. */
  public static final LayerDefaults DEFAULTS = LayerDefaults.weightAxis(0);

  private final Map<Projection, Child<TensorQuantizer>> inputs;
  private final Map<Projection, Child<TensorQuantizer>> weights;
  private final Child<TensorQuantizer> query;
  private final Child<TensorQuantizer> key;
  private final Child<TensorQuantizer> attention;
  private final Child<TensorQuantizer> value;
  private final Child<TensorQuantizer> softmax;

  private QuantMultiheadAttention(
      MultiheadAttention from, QuantizerConfig input, QuantizerConfig weight) {
    super(from);
    inputs = byProjection("_input_quantizers", input);
    weights = byProjection("_weight_quantizers", weight);
    query = child("matmul_q_input_quantizer", new TensorQuantizer(input));
    key = child("matmul_k_input_quantizer", new TensorQuantizer(input));
    attention = child("matmul_a_input_quantizer", new TensorQuantizer(input));
    value = child("matmul_v_input_quantizer", new TensorQuantizer(input));
    softmax = child("softmax_input_quantizer", new TensorQuantizer(input));
    // The copy holds the other's module here; a layer of its own may be closed by itself.
    replace("out_proj", QuantLinear.from((Linear) from.get("out_proj"), input, weight));
  }

  private Map<Projection, Child<TensorQuantizer>> byProjection(
      String name, QuantizerConfig config) {
    Projection[] all = Projection.values();
    List<Child<TensorQuantizer>> places =
        child(name, new QuantizerList(config, all.length)).get().places();
    Map<Projection, Child<TensorQuantizer>> quantizers = new EnumMap<>(Projection.class);
    for (int i = 0; i < all.length; i++) {
      quantizers.put(all[i], places.get(i));
    }
    return quantizers;
  }

  private static Child<TensorQuantizer> of(
      Map<Projection, Child<TensorQuantizer>> quantizers, Projection which) {
    return Objects.requireNonNull(quantizers.get(which));
  }

  /** The quantized form of a layer, as the defaults say. */
  public static QuantMultiheadAttention from(MultiheadAttention from) {
    return from(from, DEFAULTS.input(), DEFAULTS.weight());
  }

  /** The quantized form of a layer; it shares the parameters, and both are to be closed. */
  public static QuantMultiheadAttention from(
      MultiheadAttention from, QuantizerConfig input, QuantizerConfig weight) {
    return Twin.sharing(from, () -> new QuantMultiheadAttention(from, input, weight));
  }

  @Override
  protected Tensor project(Projection which, Tensor x, Tensor weight, @Nullable Tensor bias) {
    return super.project(which, of(inputs, which).call(x), of(weights, which).call(weight), bias);
  }

  @Override
  protected Tensor scores(Tensor query, Tensor key) {
    return softmax.call(super.scores(this.query.call(query), this.key.call(key)));
  }

  @Override
  protected Tensor mix(Tensor weights, Tensor value) {
    return super.mix(attention.call(weights), this.value.call(value));
  }

  @Override
  public List<TensorQuantizer> inputQuantizers() {
    List<TensorQuantizer> all = new ArrayList<>();
    inputs.values().forEach(each -> all.add(each.get()));
    for (Child<TensorQuantizer> each : List.of(query, key, softmax, attention, value)) {
      all.add(each.get());
    }
    return all;
  }

  /** The projections; that of {@code out_proj} is the layer's there. */
  @Override
  public List<QuantizedWeight> quantizedWeights() {
    List<QuantizedWeight> all = new ArrayList<>();
    for (Projection each : Projection.values()) {
      all.add(
          new QuantizedWeight(
              each.name().toLowerCase(Locale.ROOT),
              of(weights, each).get(),
              List.of(weight(each))));
    }
    return all;
  }

  @Override
  public MultiheadAttention toFloat() {
    return Twin.sharing(
        this,
        () -> {
          MultiheadAttention plain = new MultiheadAttention(this);
          Module projection = get("out_proj");
          plain.replace(
              "out_proj",
              projection instanceof QuantLinear quantized
                  ? quantized.toFloat()
                  : new Linear((Linear) projection));
          return plain;
        });
  }
}
