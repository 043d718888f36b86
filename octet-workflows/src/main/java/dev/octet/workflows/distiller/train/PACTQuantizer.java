package dev.octet.workflows.distiller.train;

import dev.octet.torch.nn.Module;
import dev.octet.torch.train.Optimizer;
import dev.octet.torch.train.ParameterGroup;
import dev.octet.workflows.distiller.Overrides;
import dev.octet.workflows.distiller.QBits;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * PACT (arXiv 1805.06085): every ReLU becomes a cut to [0, α] with {@code 2^bits} levels, whose α
 * trains; weights as {@link DorefaQuantizer}. The clips are a group of parameters of their own, at
 * the learning rate of the optimizer's first group.
 */
public final class PACTQuantizer extends DorefaQuantizer {
  /** Where α starts when nothing else is said; Distiller's. */
  public static final float DEFAULT_CLIP = 8;

  private final Optimizer optimizer;
  private final float initialClip;
  private final @Nullable Double clipDecay;
  private final List<LearnedClippedLinearQuantization> clips = new ArrayList<>();

  /** A quantizer whose clips start at {@link #DEFAULT_CLIP} and decay as other parameters. */
  public PACTQuantizer(Module model, Optimizer optimizer, QBits bits, Overrides overrides) {
    this(model, optimizer, bits, overrides, DEFAULT_CLIP, null);
  }

  /**
   * A quantizer.
   *
   * @param optimizer of the model's parameters
   * @param actClipInitVal where α starts, above 0
   * @param actClipDecay the weight decay of α, which keeps it from staying wide; null for that of
   *     the optimizer's first group
   */
  public PACTQuantizer(
      Module model,
      Optimizer optimizer,
      QBits bits,
      Overrides overrides,
      float actClipInitVal,
      @Nullable Double actClipDecay) {
    super(model, optimizer, bits, overrides);
    if (!(actClipInitVal >= LearnedClippedLinearQuantization.SMALLEST)
        || Float.isInfinite(actClipInitVal)) {
      throw new IllegalArgumentException(
          "act_clip_init_val is "
              + actClipInitVal
              + "; choose "
              + LearnedClippedLinearQuantization.SMALLEST
              + " or more");
    }
    this.optimizer = optimizer;
    initialClip = actClipInitVal;
    clipDecay = actClipDecay;
  }

  @Override
  Module activation(int bits) {
    LearnedClippedLinearQuantization made = new LearnedClippedLinearQuantization(bits, initialClip);
    clips.add(made);
    return made;
  }

  @Override
  protected List<ParameterGroup> newParameterGroups() {
    if (clips.isEmpty()) {
      return List.of();
    }
    List<Tensor> parameters =
        clips.stream().map(LearnedClippedLinearQuantization::clipVal).toList();
    ParameterGroup first = optimizer.groups().get(0);
    double decay = clipDecay == null ? first.weightDecay() : clipDecay;
    return List.of(
        new ParameterGroup(parameters, first.learningRate(), decay, OptionalDouble.empty()));
  }

  @Override
  protected Map<String, @Nullable Object> arguments() {
    Map<String, @Nullable Object> data = super.arguments();
    data.put("act_clip_init_val", (double) initialClip);
    data.put("act_clip_decay", clipDecay);
    return data;
  }
}
