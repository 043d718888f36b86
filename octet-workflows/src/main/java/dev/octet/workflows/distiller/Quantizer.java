package dev.octet.workflows.distiller;

import dev.octet.core.affine.QuantParams;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Module;
import dev.octet.torch.train.Optimizer;
import dev.octet.torch.train.ParameterGroup;
import dev.octet.workflows.distiller.Overrides.Resolved;
import dev.octet.workflows.distiller.QuantizerMetadata.DummyInput;
import dev.octet.workflows.distiller.ReplacementRules.Rule;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What Distiller's quantizers share: bits by layer, overrides by name, layers exchanged by type,
 * and parameters that are quantized while float copies of them train.
 *
 * <p>A subclass says in its constructor what becomes of which type ({@link #replace}), and
 * overrides {@link #quantizeParam} if it quantizes parameters. {@link #prepareModel} then changes
 * the model, once. The model itself is not exchanged, only what is inside it: a layer alone is put
 * into a {@code Sequential} first.
 *
 * <p>Weights and biases have bits only where the layer is exactly a Conv2d, Conv3d, Linear or
 * Embedding. A layer that occurs in several places is exchanged in all of them, as the settings of
 * the first say, with a warning.
 */
public abstract class Quantizer {
  private static final Logger LOG = LoggerFactory.getLogger(Quantizer.class);

  /** Where this differs from Distiller's last commit on purpose, and how to have it back. */
  public enum Compatibility {
    /** As the 2019 contract, without what is plainly a mistake in it. */
    NONE,
    /**
     * A bias has the bits of biases even if activations and weights of its layer are left float; by
     * default it is left float with them.
     */
    BIAS_WITHOUT_WEIGHTS
  }

  private final Module model;
  private final QBits bits;
  private final Overrides overrides;
  private final @Nullable Optimizer optimizer;
  private final boolean trainWithFpCopy;
  private Compatibility compatibility = Compatibility.NONE;

  private final Map<String, QBits> moduleBits = new LinkedHashMap<>();
  private final Map<String, Map<String, @Nullable Object>> moduleArguments = new LinkedHashMap<>();
  private final ReplacementRules rules = new ReplacementRules(getClass().getSimpleName());

  private boolean prepared;
  private @Nullable List<DummyInput> dummyInput;
  private final Map<String, String> replaced = new LinkedHashMap<>();
  private final List<ParamToQuant> params = new ArrayList<>();
  private final List<String> warnings = new ArrayList<>();

  /**
   * Looks up the bits of every layer.
   *
   * @param model is changed by {@link #prepareModel}, not before
   * @param bits what holds where no override says otherwise
   * @param optimizer of the model's parameters; takes those that the quantizer adds. Null for none
   * @param trainWithFpCopy whether float copies of quantized parameters train; otherwise {@link
   *     #quantizeParams} overwrites the parameters
   * @throws IllegalArgumentException if float copies are to train without an optimizer
   */
  protected Quantizer(
      Module model,
      QBits bits,
      Overrides overrides,
      @Nullable Optimizer optimizer,
      boolean trainWithFpCopy) {
    if (trainWithFpCopy && optimizer == null) {
      throw new IllegalArgumentException(
          "float copies of parameters train by an optimizer; give one, or switch them off");
    }
    this.model = model;
    this.bits = bits;
    this.overrides = overrides;
    this.optimizer = optimizer;
    this.trainWithFpCopy = trainWithFpCopy;
    Overrides.Session session = overrides.session();
    resolve(model, "", session);
    for (String warning : session.unused()) {
      warn(warning);
    }
  }

  private void resolve(Module module, String path, Overrides.Session session) {
    Resolved resolved = session.resolve(path, bits);
    moduleBits.put(path, ModuleTypes.bits(module, resolved.bits()));
    moduleArguments.put(path, resolved.arguments());
    module
        .children()
        .forEach((name, child) -> resolve(child, ModuleTypes.join(path, name), session));
  }

  // --- For subclasses ----------------------------------------------------------------------------

  /**
   * Says what becomes of the layers of exactly this class.
   *
   * @param arguments the settings that overrides of such a layer may have beside bits
   */
  protected final void replace(
      Class<? extends Module> type, Set<String> arguments, Replacement replacement) {
    replace(type, arguments, Set.of(), replacement);
  }

  /**
   * The same.
   *
   * @param withoutBits of the arguments, those with which a layer is exchanged even if it has no
   *     bits
   */
  protected final void replace(
      Class<? extends Module> type,
      Set<String> arguments,
      Set<String> withoutBits,
      Replacement replacement) {
    rules.put(type, new Rule(replacement, arguments, withoutBits));
  }

  /**
   * Says what becomes of activation functions of a name.
   *
   * @param function as the module prints itself: {@code ReLU}, {@code Sigmoid}
   */
  protected final void replaceActivation(
      String function, Set<String> arguments, Replacement replacement) {
    rules.put(function, new Rule(replacement, arguments, Set.of()));
  }

  /** Says what becomes of layers without children of all other classes. */
  protected final void replaceOthers(
      Set<String> arguments, Set<String> withoutBits, Replacement replacement) {
    rules.putOthers(new Rule(replacement, arguments, withoutBits));
  }

  /** Says that layers of a class, and of its subclasses, stay as they are. */
  protected final void leaveAlone(Class<? extends Module> type) {
    rules.leaveAlone(type);
  }

  /**
   * A parameter as it is after quantization. With float copies gradients are to pass through what
   * is computed here. The scope around owns the result.
   *
   * @param floating the parameter's float values
   */
  protected Tensor quantizeParam(Tensor floating, ParamToQuant param) {
    throw new UnsupportedOperationException(
        getClass().getSimpleName() + " says no quantizeParam for " + param.path());
  }

  /**
   * The integers that stand for a quantized parameter, for what is exported; null for none, which
   * leaves float values.
   *
   * @param floating the parameter's float values
   */
  protected @Nullable QuantParams integersOf(Tensor floating, ParamToQuant param) {
    return null;
  }

  private ParamRounding rounding() {
    return new ParamRounding() {
      @Override
      public Tensor apply(Tensor floating, ParamToQuant param) {
        return quantizeParam(floating, param);
      }

      @Override
      public @Nullable QuantParams integers(Tensor floating, ParamToQuant param) {
        return integersOf(floating, param);
      }
    };
  }

  /** Whether this class quantizes parameters by {@link #quantizeParam}; by default it does. */
  protected boolean quantizesParams() {
    return true;
  }

  /** Called before anything is exchanged; what it refuses can be prepared another time. */
  protected void beforePreparing(Tensor[] dummyInputs) {}

  /** Called when all is exchanged. */
  protected void afterPreparing(Tensor[] dummyInputs) {}

  /** Groups of the parameters that the exchanged layers brought, for the optimizer. */
  protected List<ParameterGroup> newParameterGroups() {
    return List.of();
  }

  /**
   * All arguments as plain data under Distiller's names. Subclasses add their own to the map, so
   * that {@link #metadata} holds every one.
   */
  protected Map<String, @Nullable Object> arguments() {
    Map<String, @Nullable Object> data = new LinkedHashMap<>();
    data.put("bits_activations", bits.acts());
    data.put("bits_weights", bits.wts());
    data.put("bits_bias", bits.bias());
    data.put("overrides", overrides.entries());
    data.put("train_with_fp_copy", trainWithFpCopy);
    data.put("compatibility", compatibility.name());
    return data;
  }

  /** Notes something that the user should know. */
  protected final void warn(String warning) {
    warnings.add(warning);
    LOG.warn("{}", warning);
  }

  // --- Use ---------------------------------------------------------------------------------------

  /**
   * Follows Distiller where {@link Compatibility} says; before {@link #prepareModel}.
   *
   * @return this
   */
  public Quantizer compatibility(Compatibility wanted) {
    requireUnprepared();
    compatibility = wanted;
    return this;
  }

  /**
   * Exchanges layers, registers parameters to quantize and gives new ones to the optimizer.
   *
   * @param dummyInputs what the model can be run on to see how its layers follow each other; some
   *     quantizers need it. Neither its values nor its batch size matter
   * @throws IllegalStateException on the second call
   * @throws IllegalArgumentException naming the layer if overrides have arguments that its type
   *     does not take, or any on a layer that has no bits. Nothing was changed then
   */
  public final void prepareModel(Tensor... dummyInputs) {
    requireUnprepared();
    checkArguments(model, "");
    beforePreparing(dummyInputs);
    prepared = true;
    dummyInput =
        dummyInputs.length == 0 ? null : Arrays.stream(dummyInputs).map(DummyInput::of).toList();
    new LayerExchange(model, rules, moduleBits, moduleArguments, replaced, this::warn).run();
    if (quantizesParams()) {
      registerParameters();
    }
    if (optimizer != null) {
      newParameterGroups().forEach(optimizer::addGroup);
    }
    afterPreparing(dummyInputs);
  }

  /**
   * Prepares the model as it was when the metadata were written.
   *
   * @param metadata this quantizer's, read back
   */
  public final void prepareModel(QuantizerMetadata metadata) {
    metadata.require(getClass());
    List<DummyInput> inputs = metadata.dummyInput();
    if (inputs == null) {
      prepareModel();
      return;
    }
    try (Scope scope = Scope.open()) {
      prepareModel(inputs.stream().map(DummyInput::zeros).toArray(Tensor[]::new));
    }
  }

  /**
   * Quantizes the parameters: their float copies into what the model computes with, or without
   * copies the parameters themselves. For the end of each step of training.
   *
   * @throws IllegalStateException before {@link #prepareModel}
   */
  public final void quantizeParams() {
    if (!prepared) {
      throw new IllegalStateException("prepareModel comes before quantizeParams");
    }
    if (trainWithFpCopy) {
      for (Module module : model.modules().values()) {
        if (module instanceof CopiedParameters.Layer layer) {
          layer.copies().refresh();
        }
      }
      return;
    }
    Map<String, Tensor> state = model.stateDict();
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      for (ParamToQuant param : params) {
        Tensor parameter = Tensors.check(state.get(param.path()), param.path());
        parameter.copy_(quantizeParam(parameter, param));
      }
    }
  }

  /** All that this quantizer was told. */
  public final QuantizerMetadata metadata() {
    return new QuantizerMetadata(getClass().getSimpleName(), arguments(), dummyInput);
  }

  /** The model. */
  public final Module model() {
    return model;
  }

  /** The optimizer, if there is one. */
  public final @Nullable Optimizer optimizer() {
    return optimizer;
  }

  /** Whether {@link #prepareModel} was called. */
  public final boolean isPrepared() {
    return prepared;
  }

  /** The bits of each module by path, the model itself as "". */
  public final Map<String, QBits> moduleBits() {
    return Collections.unmodifiableMap(moduleBits);
  }

  /** The settings beside bits that overrides have for each module, by path. */
  public final Map<String, Map<String, @Nullable Object>> moduleArguments() {
    return Collections.unmodifiableMap(moduleArguments);
  }

  /** The types of the layers that were exchanged, by path. */
  public final Map<String, String> replaced() {
    return Collections.unmodifiableMap(replaced);
  }

  /** The parameters that {@link #quantizeParams} quantizes. */
  public final List<ParamToQuant> paramsToQuantize() {
    return Collections.unmodifiableList(params);
  }

  /** What was noticed so far: overrides without effect, layers in several places, and the like. */
  public final List<String> warnings() {
    return Collections.unmodifiableList(warnings);
  }

  // ---------------------------------------------------------------------------------------------

  private void requireUnprepared() {
    if (prepared) {
      throw new IllegalStateException(
          "this model was prepared already; make another quantizer for another float model");
    }
  }

  private void checkArguments(Module container, String prefix) {
    container
        .children()
        .forEach(
            (name, module) -> {
              String path = ModuleTypes.join(prefix, name);
              rules.check(module, path, argumentsOf(path), leavesFloat(path)).ifPresent(this::warn);
              checkArguments(module, path);
            });
  }

  private Map<String, @Nullable Object> argumentsOf(String path) {
    return moduleArguments.getOrDefault(path, Map.of());
  }

  private boolean leavesFloat(String path) {
    return moduleBits.getOrDefault(path, QBits.NONE).leavesFloat();
  }

  private void registerParameters() {
    IdentityHashMap<Module, Module> copied = new IdentityHashMap<>();
    model
        .modules()
        .forEach(
            (path, module) -> {
              Map<String, ParamToQuant> own = new LinkedHashMap<>();
              for (String name : module.ownParameters().keySet()) {
                ParamToQuant param = paramToQuant(path, module, name);
                if (param != null) {
                  own.put(name, param);
                  params.add(param);
                }
              }
              if (trainWithFpCopy && !own.isEmpty()) {
                copied.put(module, CopiedParameters.layer(module, own, rounding()));
              }
            });
    if (!copied.isEmpty()) {
      CopiedParameters.putInPlace(model, copied);
      copied.keySet().forEach(Module::close);
      quantizeParams();
    }
  }

  private @Nullable ParamToQuant paramToQuant(String path, Module module, String name) {
    QBits own = moduleBits.getOrDefault(path, QBits.NONE);
    boolean isBias = name.endsWith("bias");
    Integer number = isBias ? own.bias() : own.wts();
    if (number == null
        || (isBias && own.wts() == null && compatibility != Compatibility.BIAS_WITHOUT_WEIGHTS)) {
      return null;
    }
    return new ParamToQuant(path, ModuleTypes.name(module), name, number);
  }
}
