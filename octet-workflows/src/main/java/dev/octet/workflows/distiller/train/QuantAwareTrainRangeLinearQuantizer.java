package dev.octet.workflows.distiller.train;

import dev.octet.core.affine.QuantParams;
import dev.octet.torch.nn.Add;
import dev.octet.torch.nn.Concat;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.Mul;
import dev.octet.torch.quant.DistillerFakeQuantize;
import dev.octet.torch.train.Optimizer;
import dev.octet.workflows.distiller.LinearQuantMode;
import dev.octet.workflows.distiller.ModuleQuantMode;
import dev.octet.workflows.distiller.Overrides;
import dev.octet.workflows.distiller.ParamToQuant;
import dev.octet.workflows.distiller.QBits;
import dev.octet.workflows.distiller.Replacement;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Trains with linear quantization of observed ranges: weights by their extremes at each step,
 * activations by the moving average of theirs ({@link FakeLinearQuantization}).
 *
 * <p>Quantized are the outputs of ReLU and ReLU6, the model's input, and what {@link
 * Settings#outputsOf} names besides. Everything else stays float: sums, pools and the output of the
 * last layer unless they are named.
 */
public class QuantAwareTrainRangeLinearQuantizer extends TrainingQuantizer {
  /** The name under which the model holds the range of its input. */
  public static final String INPUTS = "inputs_quant";

  /**
   * How ranges become integers.
   *
   * @param mode of activations and of weights
   * @param emaDecay of the moving average, in [0, 1)
   * @param perChannelWts whether each output channel of a weight of two or four dimensions has its
   *     own range; embeddings never do
   * @param quantizeInputs whether the model's one input is quantized
   * @param numBitsInputs bits of the input; null for those of activations
   * @param outputsOf further classes of layers whose outputs are quantized, of {@code Linear},
   *     {@code Add}, {@code Mul}, {@code Concat}
   */
  public record Settings(
      ModuleQuantMode mode,
      double emaDecay,
      boolean perChannelWts,
      boolean quantizeInputs,
      @Nullable Integer numBitsInputs,
      Set<Class<? extends Module>> outputsOf) {
    /** Checks and copies. */
    public Settings {
      if (!(emaDecay >= 0 && emaDecay < 1)) {
        throw new IllegalArgumentException("ema_decay " + emaDecay + " is not in [0, 1)");
      }
      if (numBitsInputs != null && (numBitsInputs < 2 || numBitsInputs > 32)) {
        throw new IllegalArgumentException(
            "num_bits_inputs is " + numBitsInputs + "; choose 2 to 32");
      }
      outputsOf = Set.copyOf(outputsOf);
      for (Class<? extends Module> type : outputsOf) {
        if (!List.of(Linear.class, Add.class, Mul.class, Concat.class).contains(type)) {
          throw new IllegalArgumentException(
              "outputs of "
                  + type.getSimpleName()
                  + " are not quantized here; choose among Linear, Add, Mul and Concat");
        }
      }
    }

    /** Distiller's: symmetric, 0.999, one range a weight, inputs quantized. */
    public static Settings defaults() {
      return new Settings(
          ModuleQuantMode.of(LinearQuantMode.SYMMETRIC), 0.999, false, true, null, Set.of());
    }

    /** The same with other modes. */
    public Settings mode(ModuleQuantMode other) {
      return new Settings(other, emaDecay, perChannelWts, quantizeInputs, numBitsInputs, outputsOf);
    }

    /** The same with another decay. */
    public Settings emaDecay(double other) {
      return new Settings(mode, other, perChannelWts, quantizeInputs, numBitsInputs, outputsOf);
    }

    /** The same with a range for each channel of a weight, or not. */
    public Settings perChannelWts(boolean on) {
      return new Settings(mode, emaDecay, on, quantizeInputs, numBitsInputs, outputsOf);
    }

    /** The same with the input quantized, or not. */
    public Settings quantizeInputs(boolean on) {
      return new Settings(mode, emaDecay, perChannelWts, on, numBitsInputs, outputsOf);
    }

    /** The same with other bits of the input; null for those of activations. */
    public Settings numBitsInputs(@Nullable Integer bits) {
      return new Settings(mode, emaDecay, perChannelWts, quantizeInputs, bits, outputsOf);
    }

    /** The same with further layers whose outputs are quantized. */
    public Settings outputsOf(Set<Class<? extends Module>> types) {
      return new Settings(mode, emaDecay, perChannelWts, quantizeInputs, numBitsInputs, types);
    }
  }

  private final Settings settings;
  private final QBits bits;

  /**
   * A quantizer.
   *
   * @param optimizer of the model's parameters
   * @param bits 2 to 16; more leave float
   */
  public QuantAwareTrainRangeLinearQuantizer(
      Module model, Optimizer optimizer, QBits bits, Overrides overrides, Settings settings) {
    super(model, optimizer, bits, overrides);
    this.settings = settings;
    this.bits = bits;
    Replacement wrapped = (module, name, own, arguments) -> wrapped(module, own.acts());
    replaceActivation("ReLU", Set.of(), wrapped);
    replaceActivation("ReLU6", Set.of(), wrapped);
    for (Class<? extends Module> type : settings.outputsOf()) {
      replace(type, Set.of(), wrapped);
    }
  }

  private Module wrapped(Module module, @Nullable Integer acts) {
    return acts == null || !rounds(acts)
        ? module
        : new FakeQuantizationWrapper(
            module, acts, settings.mode().activations(), (float) settings.emaDecay());
  }

  @Override
  protected void afterPreparing(Tensor[] dummyInputs) {
    Integer wanted = settings.numBitsInputs() == null ? bits.acts() : settings.numBitsInputs();
    if (!settings.quantizeInputs() || wanted == null || !rounds(wanted)) {
      return;
    }
    FakeLinearQuantization input =
        new FakeLinearQuantization(
            wanted, settings.mode().activations(), (float) settings.emaDecay());
    input.train(model().isTraining());
    model().attach(INPUTS, input);
    model()
        .beforeForward(
            (module, inputs) -> {
              if (inputs.length != 1) {
                throw new IllegalArgumentException(
                    "quantize_inputs is for models of one input, and this has "
                        + inputs.length
                        + "; switch it off");
              }
              return new Tensor[] {input.call(inputs[0])};
            });
  }

  @Override
  final Tensor quantizeWeight(Tensor weight, ParamToQuant param) {
    return DistillerFakeQuantize.straightThrough(weight, weightGrid(weight, param));
  }

  @Override
  final QuantParams weightGrid(Tensor weight, ParamToQuant param) {
    long dims = weight.dim();
    boolean perChannel =
        settings.perChannelWts()
            && (dims == 2 || dims == 4)
            && !param.moduleType().equals("Embedding");
    return LinearRanges.of(settings.mode().weights(), param.bits(), weight, perChannel);
  }

  @Override
  protected Map<String, @Nullable Object> arguments() {
    Map<String, @Nullable Object> data = super.arguments();
    Map<String, @Nullable Object> mode = new LinkedHashMap<>();
    mode.put("activations", settings.mode().activations().name());
    mode.put("weights", settings.mode().weights().name());
    data.put("mode", mode);
    data.put("ema_decay", settings.emaDecay());
    data.put("per_channel_wts", settings.perChannelWts());
    data.put("quantize_inputs", settings.quantizeInputs());
    data.put("num_bits_inputs", settings.numBitsInputs());
    data.put(
        "outputs_of", settings.outputsOf().stream().map(Class::getSimpleName).sorted().toList());
    return data;
  }
}
