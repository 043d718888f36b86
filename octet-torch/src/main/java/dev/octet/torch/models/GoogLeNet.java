package dev.octet.torch.models;

import dev.octet.torch.Scope;
import dev.octet.torch.nn.Activation;
import dev.octet.torch.nn.AdaptiveAvgPool2d;
import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.Concat;
import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.nn.ConvNd;
import dev.octet.torch.nn.Dropout;
import dev.octet.torch.nn.Init;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.MaxPool2d;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.Sequential;
import dev.octet.torch.op.Ops;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * GoogLeNet with BatchNorm: images {@code [N, 3, H, W]} to logits {@code [N, classes]}. Szegedy et
 * al., "Going Deeper with Convolutions"; like torchvision's, the paper's 5x5 convolutions are 3x3.
 *
 * <p>Two auxiliary heads give out logits of their own for training ({@link #run}); {@code call} and
 * so a trace leave them out. {@link #dropAuxLogits} takes them away, from a network that was loaded
 * from a checkpoint with them, so that it is smaller and none of their quantizers waits for data.
 */
public final class GoogLeNet extends Module {
  private final @Nullable Child<TransformInput> transform;
  private final List<Child<?>> toAux1 = new ArrayList<>();
  private final List<Child<?>> toAux2 = new ArrayList<>();
  private final List<Child<?>> toEnd = new ArrayList<>();
  private @Nullable Child<Head> aux1;
  private @Nullable Child<Head> aux2;
  private final Child<Dropout> dropout;
  private final Child<Linear> fc;

  private GoogLeNet(Builder from) {
    transform = from.transformInput ? child("transform_input", new TransformInput()) : null;
    ConvNd.Builder<? extends Conv2d> stem = Conv2d.builder(3, 64, 7).stride(2).padding(3);
    toAux1.add(child("conv1", new BasicConv2d(stem, 64)));
    toAux1.add(child("maxpool1", halving(3)));
    toAux1.add(child("conv2", new BasicConv2d(64, 64, 1)));
    toAux1.add(child("conv3", new BasicConv2d(64, 192, 3)));
    toAux1.add(child("maxpool2", halving(3)));
    toAux1.add(child("inception3a", new Inception(192, 64, 96, 128, 16, 32, 32)));
    toAux1.add(child("inception3b", new Inception(256, 128, 128, 192, 32, 96, 64)));
    toAux1.add(child("maxpool3", halving(3)));
    toAux1.add(child("inception4a", new Inception(480, 192, 96, 208, 16, 48, 64)));
    toAux2.add(child("inception4b", new Inception(512, 160, 112, 224, 24, 64, 64)));
    toAux2.add(child("inception4c", new Inception(512, 128, 128, 256, 24, 64, 64)));
    toAux2.add(child("inception4d", new Inception(512, 112, 144, 288, 32, 64, 64)));
    toEnd.add(child("inception4e", new Inception(528, 256, 160, 320, 32, 128, 128)));
    toEnd.add(child("maxpool4", halving(2)));
    toEnd.add(child("inception5a", new Inception(832, 256, 160, 320, 32, 128, 128)));
    toEnd.add(child("inception5b", new Inception(832, 384, 192, 384, 48, 128, 128)));
    if (from.auxLogits) {
      aux1 = child("aux1", new Head(512, from.classes, from.dropoutAux));
      aux2 = child("aux2", new Head(528, from.classes, from.dropoutAux));
    }
    toEnd.add(child("avgpool", AdaptiveAvgPool2d.of(1)));
    dropout = child("dropout", new Dropout(from.dropout));
    fc = child("fc", Linear.builder(1024, from.classes).build());
    if (from.initWeights) {
      for (Module module : modules().values()) {
        if (module instanceof Conv2d conv) {
          Init.truncNormal(conv.weight(), 0, 0.01, -2, 2);
        } else if (module instanceof Linear linear) {
          Init.truncNormal(linear.weight(), 0, 0.01, -2, 2);
        }
      }
    }
  }

  /** A builder; ImageNet has 1000 classes. */
  public static Builder builder(long classes) {
    return new Builder(classes);
  }

  /** Halves height and width, rounded up. */
  private static MaxPool2d halving(long kernel) {
    return MaxPool2d.builder(kernel).stride(2).ceilMode(true).build();
  }

  @Override
  protected Tensor forward(Tensor images) {
    return compute(images, false).logits();
  }

  /**
   * Computes the logits and, in training, those of the heads.
   *
   * @param images {@code [N, 3, H, W]}
   * @return owned by the scope around the call; without one, by the caller
   */
  public GoogLeNetOutputs run(Tensor images) {
    return inside(
        new Tensor[] {images},
        scope -> {
          GoogLeNetOutputs made = compute(images, isTraining());
          return new GoogLeNetOutputs(
              scope.give(made.logits()),
              give(scope, made.auxLogits2()),
              give(scope, made.auxLogits1()));
        });
  }

  private static @Nullable Tensor give(Scope scope, @Nullable Tensor tensor) {
    return tensor == null ? null : scope.give(tensor);
  }

  private GoogLeNetOutputs compute(Tensor images, boolean heads) {
    Tensor x = through(toAux1, transform == null ? images : transform.call(images));
    Tensor first = heads && aux1 != null ? aux1.call(x) : null;
    x = through(toAux2, x);
    Tensor second = heads && aux2 != null ? aux2.call(x) : null;
    x = Ops.flatten(through(toEnd, x), 1, -1);
    return new GoogLeNetOutputs(fc.call(dropout.call(x)), second, first);
  }

  static Tensor through(List<Child<?>> steps, Tensor x) {
    Tensor result = x;
    for (Child<?> step : steps) {
      result = step.call(result);
    }
    return result;
  }

  /** Takes the auxiliary heads away, with their weights; nothing happens without them. */
  public void dropAuxLogits() {
    if (aux1 != null) {
      aux1 = null;
      aux2 = null;
      removeChild("aux1").close();
      removeChild("aux2").close();
    }
  }

  /** Four branches side by side. */
  private static final class Inception extends Module {
    private final Child<BasicConv2d> branch1;
    private final Child<Sequential> branch2;
    private final Child<Sequential> branch3;
    private final Child<Sequential> branch4;
    private final Child<Concat> cat = child("cat", Concat.of(1));

    /** Channels in the order of the paper's table 1: reductions before what reads them. */
    Inception(long in, long one, long reduce3, long three, long reduce5, long five, long pool) {
      branch1 = child("branch1", new BasicConv2d(in, one, 1));
      branch2 =
          child(
              "branch2",
              new Sequential(new BasicConv2d(in, reduce3, 1), new BasicConv2d(reduce3, three, 3)));
      branch3 =
          child(
              "branch3",
              new Sequential(new BasicConv2d(in, reduce5, 1), new BasicConv2d(reduce5, five, 3)));
      branch4 =
          child(
              "branch4",
              new Sequential(
                  MaxPool2d.builder(3).stride(1).padding(1).ceilMode(true).build(),
                  new BasicConv2d(in, pool, 1)));
    }

    @Override
    protected Tensor forward(Tensor x) {
      return cat.call(branch1.call(x), branch2.call(x), branch3.call(x), branch4.call(x));
    }
  }

  /** A classifier on features half-way. */
  private static final class Head extends Module {
    private final Child<AdaptiveAvgPool2d> avgpool = child("avgpool", AdaptiveAvgPool2d.of(4));
    private final Child<BasicConv2d> conv;
    private final Child<Linear> fc1;
    private final Child<Linear> fc2;
    private final Child<Activation> relu = child("relu", Activation.relu());
    private final Child<Dropout> dropout;

    Head(long in, long classes, double dropout) {
      conv = child("conv", new BasicConv2d(in, 128, 1));
      fc1 = child("fc1", Linear.builder(2048, 1024).build());
      fc2 = child("fc2", Linear.builder(1024, classes).build());
      this.dropout = child("dropout", new Dropout(dropout));
    }

    @Override
    protected Tensor forward(Tensor x) {
      Tensor y = Ops.flatten(conv.call(avgpool.call(x)), 1, -1);
      return fc2.call(dropout.call(relu.call(fc1.call(y))));
    }
  }

  /** Settings of a network, by torchvision's names. */
  public static final class Builder {
    private final long classes;
    private boolean auxLogits = true;
    private boolean transformInput;
    private boolean initWeights = true;
    private double dropout = 0.2;
    private double dropoutAux = 0.7;

    private Builder(long classes) {
      this.classes = classes;
    }

    /** Whether there are auxiliary heads; there are unless told otherwise. */
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
     * Whether weights start from a normal distribution of deviation 0.01; they do unless told
     * otherwise, and else as each layer starts.
     */
    public Builder initWeights(boolean on) {
      initWeights = on;
      return this;
    }

    /** The probability of dropout before the classifier, 0 to 1; default 0.2. */
    public Builder dropout(double probability) {
      dropout = probability;
      return this;
    }

    /** The probability of dropout in the auxiliary heads, 0 to 1; default 0.7. */
    public Builder dropoutAux(double probability) {
      dropoutAux = probability;
      return this;
    }

    /**
     * The network, with fresh parameters.
     *
     * @throws IllegalArgumentException if a setting is out of range
     */
    public GoogLeNet build() {
      return new GoogLeNet(this);
    }
  }
}
