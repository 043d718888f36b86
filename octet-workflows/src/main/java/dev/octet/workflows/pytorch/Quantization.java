package dev.octet.workflows.pytorch;

import dev.octet.torch.nn.Module;
import dev.octet.workflows.pytorch.quantized.ConversionReport;
import dev.octet.workflows.pytorch.quantized.QuantizedModules;
import java.util.List;
import java.util.function.Consumer;

/**
 * PyTorch's eager mode: fuse, prepare, calibrate or train, convert. Models are changed in place.
 *
 * <pre>{@code
 * model.eval();
 * Quantization.fuseModules(model, List.of(List.of("conv", "bn", "relu")));
 * Prepared prepared = Quantization.prepare(model, Backend.OCTET.qconfigMapping());
 * samples.forEach(prepared.model()::call);
 * Conversion converted = Quantization.convert(prepared);
 * converted.remarks().forEach(System.out::println);
 * }</pre>
 *
 * <p>A converted module knows the scale of its input from a trace of the model on the first inputs
 * that the prepared one was called with.
 */
public final class Quantization {
  /** The name under which an observer hangs below what it observes. */
  public static final String POST_PROCESS = "activation_post_process";

  private Quantization() {}

  /**
   * Fuses modules for a model that is not trained: batch normalisation becomes a part of the layer
   * before it, ReLU is computed with it. The first place of a group gets the fused module, the
   * others an {@link dev.octet.torch.nn.Identity}; of hooks those before the first module and after
   * the last stay.
   *
   * <p>There are Conv1d to 3d with BatchNorm, BatchNorm and ReLU, or ReLU; Linear with BatchNorm1d
   * or ReLU; BatchNorm2d and 3d with ReLU; ConvTranspose1d to 3d with BatchNorm.
   *
   * @param groups paths of modules, in the order in which they compute
   * @throws IllegalArgumentException if modules of a group do not fuse; nothing is changed then
   * @throws IllegalStateException if modules are in training mode
   */
  public static void fuseModules(Module model, List<List<String>> groups) {
    fuseModules(model, groups, List.of());
  }

  /** {@link #fuseModules(Module, List)} with groups of your own. */
  public static void fuseModules(Module model, List<List<String>> groups, List<Fuser> own) {
    Fusion.fuse(model, groups, own, false);
  }

  /**
   * Fuses modules for a model that is trained further: the same groups, but for transposed
   * convolutions; batch normalisation goes on learning until the conversion.
   *
   * @param groups paths of modules, in the order in which they compute
   * @throws IllegalArgumentException if modules of a group do not fuse; nothing is changed then
   * @throws IllegalStateException if modules are in eval mode
   */
  public static void fuseModulesQat(Module model, List<List<String>> groups) {
    fuseModulesQat(model, groups, List.of());
  }

  /** {@link #fuseModulesQat(Module, List)} with groups of your own. */
  public static void fuseModulesQat(Module model, List<List<String>> groups, List<Fuser> own) {
    Fusion.fuse(model, groups, own, true);
  }

  /**
   * Puts observers behind the modules that have a quantized form: by hooks on their output, or on
   * their input where the observer remembers nothing. Modules are matched by their exact class.
   * LSTM, LSTMCell and MultiheadAttention are taken apart ({@link
   * dev.octet.workflows.pytorch.quantized.Quantizable}), so that what is inside is observed.
   *
   * @param mapping which qconfig holds where
   * @throws IllegalArgumentException if a qconfig does not fit a layer, naming it
   */
  public static Prepared prepare(Module model, QConfigMapping mapping) {
    return prepare(model, mapping, List.of());
  }

  /**
   * {@link #prepare(Module, QConfigMapping)} with modules of classes of your own.
   *
   * @param custom how they are observed and converted; a class that has a form here may be among
   *     them
   */
  public static Prepared prepare(Module model, QConfigMapping mapping, List<CustomModule> custom) {
    return Preparing.prepare(model, mapping, custom);
  }

  /** {@link #prepare(Module, QConfigMapping)} with one qconfig for all. */
  public static Prepared prepare(Module model, QConfig qconfig) {
    return prepare(model, new QConfigMapping().setGlobal(qconfig));
  }

  /**
   * Puts fake-quantized layers in the place of Conv1d to 3d, Linear, Embedding, EmbeddingBag and
   * fused ones, over the same parameters, and fake-quantize modules behind all that have a
   * quantized form. A dynamic qconfig, such as {@link QConfigs#DEFAULT_DYNAMIC_QAT_QCONFIG}, makes
   * layers that are converted to dynamic ones.
   *
   * @param model in training mode
   * @throws IllegalStateException if it is in eval mode
   */
  public static Prepared prepareQat(Module model, QConfigMapping mapping) {
    return prepareQat(model, mapping, List.of());
  }

  /** {@link #prepareQat(Module, QConfigMapping)} with modules of classes of your own. */
  public static Prepared prepareQat(
      Module model, QConfigMapping mapping, List<CustomModule> custom) {
    return Preparing.prepareQat(model, mapping, custom);
  }

  /** {@link #prepareQat(Module, QConfigMapping)} with one qconfig for all. */
  public static Prepared prepareQat(Module model, QConfig qconfig) {
    return prepareQat(model, new QConfigMapping().setGlobal(qconfig));
  }

  /**
   * Puts quantized modules in the place of prepared ones; the old ones are closed. The model is in
   * eval mode afterwards.
   *
   * @throws IllegalStateException naming the modules that no values passed
   */
  public static Conversion convert(Prepared prepared) {
    return convert(prepared, ConvertOptions.defaults());
  }

  /** {@link #convert(Prepared)} with options. */
  public static Conversion convert(Prepared prepared, ConvertOptions options) {
    return Converting.convert(prepared, options);
  }

  /**
   * Prepares, calibrates and converts a model.
   *
   * @param run calls the model on samples
   */
  public static Conversion quantize(Module model, QConfigMapping mapping, Consumer<Module> run) {
    model.eval();
    Prepared prepared = prepare(model, mapping);
    run.accept(prepared.model());
    return convert(prepared);
  }

  /**
   * Prepares, trains and converts a model.
   *
   * @param run trains the model
   */
  public static Conversion quantizeQat(Module model, QConfigMapping mapping, Consumer<Module> run) {
    model.train(true);
    Prepared prepared = prepareQat(model, mapping);
    run.accept(prepared.model());
    return convert(prepared);
  }

  /**
   * {@code quantize_dynamic} by qconfigs: layers that a mapping gives one become dynamic, in place.
   * {@link QConfigs#DEFAULT_DYNAMIC_QCONFIG} and its neighbours are PyTorch's, with 7 bits for
   * activations and one scale for the tensor; {@link QConfigs#PER_TOKEN_DYNAMIC_QCONFIG} gives each
   * row its own, of 8 bits. Specs by type or format: {@link
   * dev.octet.workflows.pytorch.quantized.QuantizedModules#quantizeDynamic}.
   *
   * @return what became of each layer with parameters, and why it is float where it is
   * @throws IllegalArgumentException naming a layer whose qconfig is not for dynamic layers, or not
   *     for it
   */
  public static ConversionReport quantizeDynamic(Module model, QConfigMapping mapping) {
    return QuantizedModules.quantizeDynamic(model, DynamicQConfigs.spec(model, mapping));
  }

  /** Lets batch normalisations inside fake-quantized layers learn their statistics (again). */
  public static void updateBnStats(Module model) {
    freeze(model, false);
  }

  /** Keeps the statistics of batch normalisations inside fake-quantized layers, in training too. */
  public static void freezeBnStats(Module model) {
    freeze(model, true);
  }

  private static void freeze(Module model, boolean on) {
    for (Module module : model.modules().values()) {
      if (module instanceof QatLayer layer) {
        layer.freezeStatistics(on);
      }
    }
  }
}
