package dev.octet.torch.models;

import dev.octet.torch.Scope;
import dev.octet.torch.nn.AdaptiveAvgPool2d;
import dev.octet.torch.nn.AvgPool2d;
import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.nn.Dropout;
import dev.octet.torch.nn.Init;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.MaxPool2d;
import dev.octet.torch.nn.Module;
import dev.octet.torch.op.Ops;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Inception v3 for images of about 299x299, of 75x75 at least: {@code [N, 3, H, W]} to logits
 * {@code [N, classes]}. Szegedy et al., "Rethinking the Inception Architecture for Computer
 * Vision".
 *
 * <p>An auxiliary head gives out logits of its own for training ({@link #run}), on images large
 * enough to leave it 17x17; {@code call} and so a trace leave it out. {@link #dropAuxLogits} takes
 * it away, from a network that was loaded from a checkpoint with it, so that it is smaller and none
 * of its quantizers waits for data.
 */
public final class InceptionV3 extends Module {
  private final @Nullable Child<TransformInput> transform;
  private final List<Child<?>> toAux = new ArrayList<>();
  private final List<Child<?>> toEnd = new ArrayList<>();
  private @Nullable Child<Head> aux;
  private final Child<Dropout> dropout;
  private final Child<Linear> fc;

  private InceptionV3(Builder from) {
    transform = from.transformInput ? child("transform_input", new TransformInput()) : null;
    toAux.add(child("Conv2d_1a_3x3", new BasicConv2d(Conv2d.builder(3, 32, 3).stride(2), 32)));
    toAux.add(child("Conv2d_2a_3x3", new BasicConv2d(Conv2d.builder(32, 32, 3), 32)));
    toAux.add(child("Conv2d_2b_3x3", new BasicConv2d(32, 64, 3)));
    toAux.add(child("maxpool1", MaxPool2d.builder(3).stride(2).build()));
    toAux.add(child("Conv2d_3b_1x1", new BasicConv2d(64, 80, 1)));
    toAux.add(child("Conv2d_4a_3x3", new BasicConv2d(Conv2d.builder(80, 192, 3), 192)));
    toAux.add(child("maxpool2", MaxPool2d.builder(3).stride(2).build()));
    toAux.add(child("Mixed_5b", InceptionBlock.a(192, 32)));
    toAux.add(child("Mixed_5c", InceptionBlock.a(256, 64)));
    toAux.add(child("Mixed_5d", InceptionBlock.a(288, 64)));
    toAux.add(child("Mixed_6a", InceptionBlock.b(288)));
    toAux.add(child("Mixed_6b", InceptionBlock.c(768, 128)));
    toAux.add(child("Mixed_6c", InceptionBlock.c(768, 160)));
    toAux.add(child("Mixed_6d", InceptionBlock.c(768, 160)));
    toAux.add(child("Mixed_6e", InceptionBlock.c(768, 192)));
    aux = from.auxLogits ? child("AuxLogits", new Head(from.classes)) : null;
    toEnd.add(child("Mixed_7a", InceptionBlock.d(768)));
    toEnd.add(child("Mixed_7b", InceptionBlock.e(1280)));
    toEnd.add(child("Mixed_7c", InceptionBlock.e(2048)));
    toEnd.add(child("avgpool", AdaptiveAvgPool2d.of(1)));
    dropout = child("dropout", new Dropout(from.dropout));
    fc = child("fc", Linear.builder(2048, from.classes).build());
    if (from.initWeights) {
      modules().forEach(InceptionV3::init);
    }
  }

  private static void init(String path, Module module) {
    if (module instanceof Conv2d conv) {
      Init.truncNormal(conv.weight(), 0, 0.1, -2, 2);
    } else if (module instanceof Linear linear) {
      Init.truncNormal(linear.weight(), 0, path.startsWith("AuxLogits") ? 0.001 : 0.1, -2, 2);
    }
  }

  /** A builder; ImageNet has 1000 classes. */
  public static Builder builder(long classes) {
    return new Builder(classes);
  }

  @Override
  protected Tensor forward(Tensor images) {
    return compute(images, false).logits();
  }

  /**
   * Computes the logits and, in training, those of the auxiliary head.
   *
   * @param images {@code [N, 3, H, W]}
   * @return owned by the scope around the call; without one, by the caller
   */
  public InceptionOutputs run(Tensor images) {
    return inside(
        new Tensor[] {images},
        scope -> {
          InceptionOutputs made = compute(images, isTraining());
          return new InceptionOutputs(scope.give(made.logits()), give(scope, made.auxLogits()));
        });
  }

  private static @Nullable Tensor give(Scope scope, @Nullable Tensor tensor) {
    return tensor == null ? null : scope.give(tensor);
  }

  private InceptionOutputs compute(Tensor images, boolean head) {
    Tensor x = GoogLeNet.through(toAux, transform == null ? images : transform.call(images));
    Tensor side = head && aux != null ? aux.call(x) : null;
    x = Ops.flatten(GoogLeNet.through(toEnd, x), 1, -1);
    return new InceptionOutputs(fc.call(dropout.call(x)), side);
  }

  /** Takes the auxiliary head away, with its weights; nothing happens without one. */
  public void dropAuxLogits() {
    if (aux != null) {
      aux = null;
      removeChild("AuxLogits").close();
    }
  }

  /** A classifier on features half-way. */
  private static final class Head extends Module {
    private final Child<AvgPool2d> pool = child("pool", AvgPool2d.builder(5).stride(3).build());
    private final Child<BasicConv2d> conv0 = child("conv0", new BasicConv2d(768, 128, 1));
    private final Child<BasicConv2d> conv1 =
        child("conv1", new BasicConv2d(Conv2d.builder(128, 768, 5), 768));
    private final Child<AdaptiveAvgPool2d> avgpool = child("avgpool", AdaptiveAvgPool2d.of(1));
    private final Child<Linear> fc;

    Head(long classes) {
      fc = child("fc", Linear.builder(768, classes).build());
    }

    @Override
    protected Tensor forward(Tensor x) {
      Tensor y = conv1.call(conv0.call(pool.call(x)));
      return fc.call(Ops.flatten(avgpool.call(y), 1, -1));
    }
  }

  /** Settings of a network, by torchvision's names. */
  public static final class Builder {
    private final long classes;
    private boolean auxLogits = true;
    private boolean transformInput;
    private boolean initWeights = true;
    private double dropout = 0.5;

    private Builder(long classes) {
      this.classes = classes;
    }

    /** Whether there is an auxiliary head; there is unless told otherwise. */
    public Builder auxLogits(boolean on) {
      auxLogits = on;
      return this;
    }

    /**
     * Whether images come normalised by ImageNet's means and deviations, and are brought to the
     * range -1 to 1; not unless told otherwise. torchvision's own weights want it.
     */
    public Builder transformInput(boolean on) {
      transformInput = on;
      return this;
    }

    /**
     * Whether weights start from a normal distribution of deviation 0.1, 0.001 in the head's last
     * layer; they do unless told otherwise, and else as each layer starts.
     */
    public Builder initWeights(boolean on) {
      initWeights = on;
      return this;
    }

    /** The probability of dropout before the classifier, 0 to 1; default 0.5. */
    public Builder dropout(double probability) {
      dropout = probability;
      return this;
    }

    /**
     * The network, with fresh parameters.
     *
     * @throws IllegalArgumentException if a setting is out of range
     */
    public InceptionV3 build() {
      return new InceptionV3(this);
    }
  }
}
