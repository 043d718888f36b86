package dev.octet.workflows.pytorch;

import dev.octet.core.affine.QuantParams;
import dev.octet.core.range.CalibrationException;
import dev.octet.torch.Scope;
import dev.octet.torch.nn.Embedding;
import dev.octet.torch.nn.EmbeddingBag;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.NormNd;
import dev.octet.torch.nn.PReLU;
import dev.octet.torch.op.TraceException;
import dev.octet.workflows.pytorch.Remark.Kind;
import dev.octet.workflows.pytorch.observer.ActivationPostProcess;
import dev.octet.workflows.pytorch.observer.FakeQuantizeBase;
import dev.octet.workflows.pytorch.observer.NoopObserver;
import dev.octet.workflows.pytorch.observer.ObserverBase;
import dev.octet.workflows.pytorch.observer.ObserverFactory;
import dev.octet.workflows.pytorch.observer.PlaceholderObserver;
import dev.octet.workflows.pytorch.observer.QParams;
import dev.octet.workflows.pytorch.observer.QScheme;
import dev.octet.workflows.pytorch.observer.QuantDtype;
import dev.octet.workflows.pytorch.observer.RecordingObserver;
import dev.octet.workflows.pytorch.observer.ReuseInputObserver;
import dev.octet.workflows.pytorch.quantized.ConversionReport;
import dev.octet.workflows.pytorch.quantized.DeQuantize;
import dev.octet.workflows.pytorch.quantized.Functional;
import dev.octet.workflows.pytorch.quantized.Quantize;
import dev.octet.workflows.pytorch.quantized.QuantizedModules;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiFunction;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/** Puts quantized modules in the place of prepared ones. */
final class Converting {
  private final Prepared prepared;
  private final ConvertOptions options;
  private final List<Remark> remarks;
  private final IdentityHashMap<Module, Module> made = new IdentityHashMap<>();
  private final Map<String, Module> touched = new LinkedHashMap<>();

  private Converting(Prepared prepared, ConvertOptions options) {
    this.prepared = prepared;
    this.options = options;
    remarks = new ArrayList<>(prepared.remarks());
  }

  static Conversion convert(Prepared prepared, ConvertOptions options) {
    return new Converting(prepared, options).run();
  }

  private Conversion run() {
    prepared.requireOpen();
    Module model = prepared.model();
    List<String> unobserved = new ArrayList<>();
    visit("", model, unobserved, Collections.newSetFromMap(new IdentityHashMap<>()));
    if (!unobserved.isEmpty() && !options.allowUnobserved()) {
      made.values().forEach(Module::close);
      throw new IllegalStateException(
          "no values passed "
              + unobserved
              + "; call the prepared model on samples that reach them, keep them float with a null"
              + " qconfig, or allow it with ConvertOptions.withUnobserved()");
    }
    prepared.converted();
    touched.forEach((path, module) -> strip(module));
    Module root = Places.replaceAll(model, made);
    made.forEach(
        (old, replacement) -> {
          replacement.takeHooks(old, old);
          old.close();
        });
    root.eval();
    ConversionReport report = report(root);
    prepared.close();
    return new Conversion(root, report, remarks);
  }

  /** Trains and observes no more. */
  private void strip(Module module) {
    prepared.unhook(module);
    if (module.children().containsKey(Quantization.POST_PROCESS)) {
      module.detach(Quantization.POST_PROCESS).close();
    }
    if (!made.containsKey(module)) {
      // It stays, as a float layer.
      FakeQuantizeBase.disableFakeQuant(module);
    }
  }

  private ConversionReport report(Module root) {
    Tensor[] example = prepared.example();
    if (example == null) {
      return QuantizedModules.report(root);
    }
    try (Scope scope = Scope.open()) {
      return QuantizedModules.learnInputs(root, example);
    } catch (TraceException e) {
      remarks.add(
          new Remark(
              "",
              Kind.LEFT_FLOAT,
              "modules do not know the scales of their inputs, and multiply floats until"
                  + " QuantizedModules.learnInputs succeeds: "
                  + e.getMessage()));
      return QuantizedModules.report(root);
    }
  }

  private void visit(String path, Module module, List<String> unobserved, Set<Module> seen) {
    if (!seen.add(module) || module instanceof ActivationPostProcess) {
      return;
    }
    if (module instanceof DeQuantStub) {
      made.put(module, new DeQuantize());
      return;
    }
    QConfig qconfig = prepared.qconfig(module);
    if (qconfig == null) {
      module
          .children()
          .forEach(
              (name, child) ->
                  visit(path.isEmpty() ? name : path + "." + name, child, unobserved, seen));
      return;
    }
    touched.put(path, module);
    try {
      Module replacement = replacement(path, module, qconfig, unobserved);
      if (replacement != null) {
        made.put(module, replacement);
      }
    } catch (CalibrationException | IllegalArgumentException e) {
      made.values().forEach(Module::close);
      throw new IllegalArgumentException(
          "'" + path + "', " + module + ", cannot be converted: " + e.getMessage(), e);
    }
  }

  /** Null where the module stays float, which is remarked. */
  private @Nullable Module replacement(
      String path, Module module, QConfig qconfig, List<String> unobserved) {
    if (module instanceof Embedding || module instanceof EmbeddingBag) {
      boolean four = bits(qconfig) == 4;
      return QuantizedModules.from(
          module, four ? QuantParams.affine(1, 0, 0, 15) : null, List.of(), null, false);
    }
    Module attached = module.children().get(Quantization.POST_PROCESS);
    if (!(attached instanceof ActivationPostProcess process)) {
      remark(path, Kind.LEFT_FLOAT, "its qconfig observes no activation");
      return null;
    }
    if (module instanceof QatLayer layer && process.isDynamic()) {
      ObserverBase input = Preparing.observer(process);
      boolean perToken =
          input != null && input.observerSettings().qscheme() == QScheme.PER_TOKEN_AFFINE;
      return trained(
          layer,
          (plain, weight) -> QuantizedModules.dynamic(plain, weight, perToken, layer.hasRelu()));
    }
    String why = whyNoParameters(process);
    if (why != null) {
      remark(path, Kind.LEFT_FLOAT, why);
      return null;
    }
    if (!process.isObserved()) {
      unobserved.add("'" + path + "'");
      remark(path, Kind.NOT_OBSERVED, "no values passed its observer; it stays float");
      return null;
    }
    QuantParams output = process.calculateQParams().toQuantParams();
    CustomModule own = prepared.custom(module);
    if (own != null && own.toQuantized() != null) {
      return own.toQuantized().apply(module, output);
    }
    if (module instanceof QuantStub) {
      return new Quantize(output);
    }
    if (module instanceof Functional) {
      return QuantizedModules.from(module, null, List.of(), output, false);
    }
    if (module instanceof QatLayer layer) {
      return trained(
          layer,
          (plain, weight) ->
              QuantizedModules.from(plain, weight, List.of(), output, layer.hasRelu()));
    }
    if (module instanceof FusedModule fused) {
      Module first = fused.children().get("0");
      if (first == null) {
        throw new IllegalArgumentException("there is nothing in it");
      }
      QuantParams weight = first instanceof NormNd ? null : weight(first, qconfig);
      return QuantizedModules.from(first, weight, List.of(), output, true);
    }
    boolean weighted = Preparing.needsWeight(module) || module instanceof PReLU;
    return QuantizedModules.from(
        module, weighted ? weight(module, qconfig) : null, List.of(), output, false);
  }

  /** Why an activation cannot have a fixed scale. */
  static @Nullable String whyNoParameters(ActivationPostProcess process) {
    if (process.isDynamic()) {
      return "its qconfig is dynamic; use quantizeDynamic";
    }
    if (process instanceof PlaceholderObserver
        || process instanceof NoopObserver
        || process instanceof ReuseInputObserver
        || process instanceof RecordingObserver) {
      return process.getClass().getSimpleName() + " learns no range of its activation";
    }
    if (process.dtype() != QuantDtype.QUINT8 && process.dtype() != QuantDtype.QINT8) {
      return "activations of " + process.dtype() + " have no quantized modules";
    }
    return null;
  }

  private static int bits(QConfig qconfig) {
    ObserverFactory weight = qconfig.weight();
    if (weight == null) {
      throw new IllegalArgumentException("its qconfig has nothing for weights");
    }
    try (Module observer = weight.create()) {
      ObserverBase inside = Preparing.observer(observer);
      return inside == null ? 8 : inside.dtype().bits();
    }
  }

  private Module trained(QatLayer layer, BiFunction<Module, QuantParams, Module> make) {
    Module plain = layer.toFloat();
    try {
      if (!(layer.weightFakeQuant() instanceof ActivationPostProcess process)) {
        throw new IllegalArgumentException("its qconfig observes no weight");
      }
      if (!options.usePrecomputedFakeQuant()) {
        // As PyTorch: the weight that is converted is seen, whatever training saw.
        if (process instanceof FakeQuantizeBase fake) {
          fake.enableObserver(true);
        }
        observe(process, Folding.weight(plain));
      }
      return make.apply(plain, parameters(process));
    } finally {
      if (layer.norm() != null) {
        plain.close();
      }
    }
  }

  private QuantParams weight(Module layer, QConfig qconfig) {
    ObserverFactory factory = qconfig.weight();
    if (factory == null) {
      throw new IllegalArgumentException("its qconfig has nothing for weights");
    }
    try (Module observer = factory.create()) {
      if (!(observer instanceof ActivationPostProcess process)) {
        throw new IllegalArgumentException("its qconfig observes no weight");
      }
      observe(process, layer instanceof PReLU prelu ? prelu.weight() : Folding.weight(layer));
      return parameters(process);
    }
  }

  private static void observe(ActivationPostProcess process, Tensor weight) {
    try (Scope scope = Scope.open()) {
      process.call(weight.detach());
    }
  }

  private static QuantParams parameters(ActivationPostProcess process) {
    if (!process.isObserved()) {
      throw new IllegalArgumentException(
          process + " saw no finite weights; look at the weights, or train with the observer on");
    }
    QParams params = process.calculateQParams();
    if (params.dtype() != QuantDtype.QINT8 && params.dtype() != QuantDtype.QUINT8) {
      throw new IllegalArgumentException("weights of " + params.dtype() + " have no module");
    }
    return params.toQuantParams();
  }

  private void remark(String path, Kind kind, String reason) {
    remarks.add(new Remark(path, kind, reason));
  }
}
