package dev.octet.workflows.pytorch.fx;

import dev.octet.core.recipe.Recipe;
import dev.octet.graph.Graph;
import dev.octet.graph.Model;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Value;
import dev.octet.quantize.QuantizationSteps;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.graph.TorchGraph;
import dev.octet.torch.nn.Module;
import dev.octet.torch.trace.Trace;
import dev.octet.workflows.pytorch.QConfigMapping;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.bytedeco.pytorch.Tensor;

/**
 * PyTorch's {@code quantize_fx}: prepare, calibrate or train, convert.
 *
 * <pre>{@code
 * try (GraphModule prepared = QuantizeFx.prepareFx(net, FxConfig.of(Backend.X86), example)) {
 *   batches.forEach(prepared::call);
 *   try (ConvertedModule int8 = QuantizeFx.convertFx(prepared)) {
 *     int8.write(Path.of("net.int8.onnx"));
 *   }
 * }
 * }</pre>
 *
 * <p>A Java module is traced on examples; {@code OnnxReader.read} and {@code TorchScript.read} give
 * models that are prepared in the same way. The module stays as it is: the graph has copies of its
 * weights.
 */
public final class QuantizeFx {
  private static final Recipe FORM = Recipe.int8();

  private QuantizeFx() {}

  // ---- fuse ----

  /**
   * The module as a graph in which normalizations are folded into the layers before them.
   *
   * @param examples one for each input
   */
  public static TorchGraph fuseFx(Module module, Tensor... examples) {
    return fuseFx(Trace.of(module).graph(examples));
  }

  /** The same for an imported model. */
  public static TorchGraph fuseFx(Model model) {
    TorchGraph fused = TorchGraph.of(QuantizationSteps.prepare(model, FORM, true));
    fused.eval();
    return fused;
  }

  // ---- prepare ----

  /**
   * A graph to calibrate, for PyTorch's {@code native} backend.
   *
   * @param examples one for each input, to trace the module on
   */
  public static GraphModule prepareFx(Module module, QConfigMapping mapping, Tensor... examples) {
    return prepareFx(module, FxConfig.of(mapping), examples);
  }

  /**
   * A graph to calibrate: BatchNormalization is folded, observers look at activations. In eval
   * mode.
   *
   * @param examples one for each input, to trace the module on
   * @throws IllegalArgumentException if operators that are fused have different qconfigs for their
   *     types, or the custom configuration names what is not there
   * @throws dev.octet.torch.op.TraceException naming the module that cannot be traced
   */
  public static GraphModule prepareFx(Module module, FxConfig config, Tensor... examples) {
    return traced(module, config, false, examples);
  }

  /** The same for an imported model. */
  public static GraphModule prepareFx(Model model, FxConfig config) {
    return imported(model, config, false);
  }

  /** A graph to train, for PyTorch's {@code native} backend. */
  public static GraphModule prepareQatFx(
      Module module, QConfigMapping mapping, Tensor... examples) {
    return prepareQatFx(module, FxConfig.of(mapping), examples);
  }

  /**
   * A graph to train: activations and weights are rounded, weights before a BatchNormalization as
   * they will be once it is folded. In training mode; {@link TorchGraph#freezeStatistics} is
   * PyTorch's {@code freeze_bn_stats}. A trace knows no dropout.
   *
   * @param examples one for each input, to trace the module on
   * @throws IllegalArgumentException if the module is in eval mode, or as {@link #prepareFx(Module,
   *     FxConfig, Tensor...)}
   */
  public static GraphModule prepareQatFx(Module module, FxConfig config, Tensor... examples) {
    if (!module.isTraining()) {
      throw new IllegalArgumentException(
          "the module is in eval mode; call train(true) before preparing it for training");
    }
    return traced(module, config, true, examples);
  }

  /** The same for an imported model. */
  public static GraphModule prepareQatFx(Model model, FxConfig config) {
    return imported(model, config, true);
  }

  private static GraphModule traced(
      Module module, FxConfig config, boolean training, Tensor... examples) {
    ModuleTypes types = ModuleTypes.of(module);
    Map<String, Module> originals = replaceObserved(module, config.custom());
    Model model;
    try {
      model = Trace.of(module).graph(examples);
    } finally {
      originals.forEach((path, original) -> module.replace(path, original).close());
    }
    Map<String, Object> preserved = new LinkedHashMap<>();
    config
        .custom()
        .preservedAttributes()
        .forEach(name -> preserved.put(name, attribute(module, name)));
    return prepare(model, config, types, originals.keySet(), preserved, training);
  }

  private static GraphModule imported(Model model, FxConfig config, boolean training) {
    if (config.custom().needsModules()) {
      throw new IllegalArgumentException(
          "the custom configuration names classes or attributes of modules, which an imported model"
              + " does not have; name paths");
    }
    return prepare(model, config, ModuleTypes.NONE, Set.of(), Map.of(), training);
  }

  /** Puts modules that quantize themselves in the place of others; gives those back, by path. */
  private static Map<String, Module> replaceObserved(Module module, PrepareCustomConfig custom) {
    Map<String, Module> originals = new LinkedHashMap<>();
    for (Map.Entry<Class<? extends Module>, Function<Module, Module>> each :
        custom.observed().entrySet()) {
      module
          .modules()
          .forEach(
              (path, child) -> {
                if (!path.isEmpty() && each.getKey().isInstance(child)) {
                  originals.put(path, module.replace(path, each.getValue().apply(child)));
                }
              });
    }
    return originals;
  }

  private static Object attribute(Module module, String name) {
    Tensor tensor = module.stateDict().get(name);
    if (tensor != null) {
      return Tensors.toHost(tensor);
    }
    try {
      Object value;
      try {
        Field field = module.getClass().getField(name);
        field.trySetAccessible(); // a public field of a class that is not public
        value = field.get(module);
      } catch (NoSuchFieldException none) {
        Method method = module.getClass().getMethod(name);
        method.trySetAccessible();
        value = method.invoke(module);
      }
      if (value != null) {
        return value;
      }
    } catch (NoSuchMethodException | IllegalAccessException e) {
      throw new IllegalArgumentException(
          "%s has no parameter, buffer, public field or method '%s' to preserve"
              .formatted(module.getClass().getSimpleName(), name),
          e);
    } catch (InvocationTargetException e) {
      throw new IllegalArgumentException(
          "attribute '" + name + "' cannot be read: " + e.getCause(), e);
    }
    throw new IllegalArgumentException("attribute '" + name + "' is null; leave it out");
  }

  private static GraphModule prepare(
      Model model,
      FxConfig config,
      ModuleTypes types,
      Set<String> replaced,
      Map<String, Object> preserved,
      boolean training) {
    if (training && config.equalization().isOn()) {
      throw new IllegalArgumentException(
          "weights are equalized after calibration, not in training; prepare without equalization");
    }
    Scopes scopes =
        new Scopes(config.qconfigMapping(), config.backend(), config.custom(), types, replaced);
    FxPlacement placing = new FxPlacement(scopes, types, config.equalization(), training);
    Model prepared = QuantizationSteps.prepare(model, FORM, !training);
    separate(prepared, placing);
    try (Scope scope = Scope.open()) {
      GraphModule made = new GraphModule(prepared, placing, preserved);
      made.train(training);
      return made;
    }
  }

  /** Puts in a node where a value is rounded twice, and where the model returns a rounded one. */
  private static void separate(Model model, FxPlacement placing) {
    Graph graph = model.graph();
    Plan plan = placing.plan(model);
    while (!plan.borders().isEmpty() || !plan.roundedOutputs().isEmpty()) {
      Map<String, Value> made = new LinkedHashMap<>();
      plan.borders()
          .forEach(
              (use, key) -> {
                Value apart =
                    made.computeIfAbsent(
                        key,
                        k -> {
                          Value from = Op.read(use);
                          Value to = graph.addFresh(from.name() + "_apart", from.type());
                          graph.add(border(from, to));
                          return to;
                        });
                graph.setInput(use.node(), use.index(), apart);
              });
      for (Value output : List.copyOf(plan.roundedOutputs())) {
        Value given = graph.addFresh(output.name() + "_raw", output.type());
        graph.add(border(output, given));
        graph.replace(output, given);
        // The two have exchanged names; readers go on reading what is made.
        graph.replaceUses(given, output);
      }
      plan = placing.plan(model);
    }
  }

  private static NodeSpec border(Value from, Value to) {
    return NodeSpec.of("Identity").named(Operators.borderName(to.name())).reads(from).makes(to);
  }

  // ---- convert ----

  /**
   * The model on integers, which runs on Octet's engine and, written, in ONNX Runtime.
   *
   * @throws IllegalStateException naming the observers that have seen nothing
   */
  public static ConvertedModule convertFx(GraphModule prepared) {
    return convertFx(prepared, ConvertCustomConfig.none());
  }

  /** The same with exceptions. */
  public static ConvertedModule convertFx(GraphModule prepared, ConvertCustomConfig custom) {
    Map<String, Object> kept = new LinkedHashMap<>();
    custom.preservedAttributes().forEach(name -> kept.put(name, prepared.attribute(name)));
    return new ConvertedModule(Conversion.of(prepared, custom.allowUnobserved()), kept);
  }

  /**
   * The model in its reference form, computed by LibTorch in float between rounding and back: what
   * other backends lower from, and what an integer kernel is compared with.
   *
   * @throws IllegalStateException naming the observers that have seen nothing
   */
  public static TorchGraph convertToReferenceFx(GraphModule prepared) {
    TorchGraph reference = TorchGraph.of(Conversion.of(prepared, false).model());
    reference.eval();
    return reference;
  }
}
