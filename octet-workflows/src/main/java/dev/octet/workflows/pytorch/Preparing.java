package dev.octet.workflows.pytorch;

import dev.octet.core.descriptor.Granularity;
import dev.octet.torch.nn.Activation;
import dev.octet.torch.nn.ConvNd;
import dev.octet.torch.nn.Dropout;
import dev.octet.torch.nn.Embedding;
import dev.octet.torch.nn.EmbeddingBag;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.NormNd;
import dev.octet.torch.nn.PReLU;
import dev.octet.torch.nn.Sequential;
import dev.octet.workflows.pytorch.Remark.Kind;
import dev.octet.workflows.pytorch.observer.ActivationPostProcess;
import dev.octet.workflows.pytorch.observer.FakeQuantizeBase;
import dev.octet.workflows.pytorch.observer.ObserverBase;
import dev.octet.workflows.pytorch.observer.ObserverFactory;
import dev.octet.workflows.pytorch.observer.QScheme;
import dev.octet.workflows.pytorch.observer.QuantDtype;
import dev.octet.workflows.pytorch.observer.ReadyMade;
import dev.octet.workflows.pytorch.quantized.Functional;
import dev.octet.workflows.pytorch.quantized.Quantizable;
import dev.octet.workflows.pytorch.quantized.Quantized;
import dev.octet.workflows.pytorch.quantized.QuantizedModules;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/** Puts observers, and for training fake-quantized layers, into a model. */
final class Preparing {
  /** Activations whose range is known; observed in training only, and where a rule names them. */
  private static final Map<String, Fixed> FIXED =
      Map.of(
          "Sigmoid", Fixed.ZERO_TO_ONE,
          "Hardsigmoid", Fixed.ZERO_TO_ONE,
          "Softmax", Fixed.ZERO_TO_ONE,
          "Tanh", Fixed.MINUS_ONE_TO_ONE);

  private static final Set<String> OBSERVED_ACTIVATIONS =
      Set.of("ELU", "CELU", "Threshold", "Hardswish", "LeakyReLU", "ReLU6");

  /** Activations that keep the parameters of what comes in. */
  private static final Set<String> KEEPING = Set.of("ReLU", "Hardtanh");

  /** What knows a range, when training and when not. */
  private record Fixed(ObserverFactory training, ObserverFactory calibrating) {
    static final Fixed ZERO_TO_ONE =
        new Fixed(
            ReadyMade.DEFAULT_FIXED_QPARAMS_RANGE_0TO1_FAKE_QUANT,
            ReadyMade.DEFAULT_FIXED_QPARAMS_RANGE_0TO1_OBSERVER);
    static final Fixed MINUS_ONE_TO_ONE =
        new Fixed(
            ReadyMade.DEFAULT_FIXED_QPARAMS_RANGE_NEG1TO1_FAKE_QUANT,
            ReadyMade.DEFAULT_FIXED_QPARAMS_RANGE_NEG1TO1_OBSERVER);
  }

  private record Plan(String path, Module module, QConfig qconfig, ObserverFactory activation) {}

  private final QConfigMapping mapping;
  private final boolean training;
  private final Swapping swapping;
  private final IdentityHashMap<Module, QConfig> qconfigs = new IdentityHashMap<>();
  private final List<Plan> plans = new ArrayList<>();
  private final List<Remark> remarks = new ArrayList<>();

  private Preparing(QConfigMapping mapping, boolean training, List<CustomModule> custom) {
    this.mapping = mapping;
    this.training = training;
    swapping = new Swapping(mapping, custom);
  }

  static Prepared prepare(Module model, QConfigMapping mapping, List<CustomModule> custom) {
    return new Preparing(mapping, false, custom).run(model);
  }

  static Prepared prepareQat(Module model, QConfigMapping mapping, List<CustomModule> custom) {
    if (!model.isTraining()) {
      throw new IllegalStateException(
          "the model is in eval mode; call train(true) before prepareQat");
    }
    return new Preparing(mapping, true, custom).run(model);
  }

  private Prepared run(Module given) {
    for (Map.Entry<String, Module> each : given.modules().entrySet()) {
      if (each.getValue() instanceof ActivationPostProcess) {
        throw new IllegalStateException(
            "the model is prepared already: '" + each.getKey() + "' is " + each.getValue());
      }
    }
    Module observable = swapping.observable(given);
    Module model = training ? swapping.trainable(observable) : observable;
    visit("", model, Collections.newSetFromMap(new IdentityHashMap<>()));
    Prepared prepared = new Prepared(model, qconfigs, swapping.observed(), remarks);
    plans.forEach(plan -> insert(prepared, plan));
    return prepared;
  }

  // --- Observers -------------------------------------------------------------------------------

  private void visit(String path, Module module, Set<Module> seen) {
    if (!seen.add(module) || module instanceof ActivationPostProcess) {
      return;
    }
    if (module instanceof Dropout
        || module instanceof DeQuantStub
        || (module instanceof Quantized && !(module instanceof Quantizable))) {
      return;
    }
    QConfig qconfig = swapping.qconfig(path, module);
    CustomModule own = swapping.custom(module);
    if (own != null && own.toObserved() == null) {
      remark(path, Kind.LEFT_FLOAT, "modules of its class are to be left as they are");
      return;
    }
    if (own != null || isObserved(path, module)) {
      if (qconfig == null) {
        remark(path, Kind.LEFT_FLOAT, "its qconfig is null");
        return;
      }
      plan(path, module, qconfig);
      return;
    }
    if (Quantizable.isKind(module) && !(module instanceof Quantizable)) {
      String whole = Quantizable.whyNot(module);
      String why = qconfig == null ? "its qconfig is null" : Swapping.whyNotStatic(qconfig);
      remark(
          path,
          why == null ? Kind.NOT_SUPPORTED : Kind.LEFT_FLOAT,
          why == null ? String.valueOf(whole) : why);
      return;
    }
    if (module instanceof Activation activation) {
      explain(path, activation);
      return;
    }
    String previous = "";
    Module before = null;
    for (Map.Entry<String, Module> child : module.children().entrySet()) {
      String at = path.isEmpty() ? child.getKey() : path + "." + child.getKey();
      if (child.getValue() instanceof NormNd && before != null && fuses(before)) {
        remark(
            at,
            Kind.NOT_FUSED,
            module instanceof Sequential
                ? "it follows '" + previous + "'; fuse the two before preparing"
                : "if it follows '" + previous + "', fuse the two before preparing");
      }
      visit(at, child.getValue(), seen);
      previous = at;
      before = child.getValue();
    }
    if (module.children().isEmpty()
        && (!module.ownParameters().isEmpty() || QuantizedModules.whyNot(module) == null)) {
      String why = QuantizedModules.whyNot(module);
      remark(
          path,
          why == null ? Kind.LEFT_FLOAT : Kind.NOT_SUPPORTED,
          why == null ? "it is a class of its own, " + module.getClass().getName() : why);
    }
  }

  private static boolean fuses(Module before) {
    return before instanceof ConvNd || before.getClass() == Linear.class;
  }

  private void explain(String path, Activation activation) {
    if (FIXED.containsKey(activation.name())) {
      remark(
          path,
          Kind.LEFT_FLOAT,
          "the fixed parameters of "
              + activation.name()
              + " are inserted in training, and where the mapping names the module");
    } else if (!KEEPING.contains(activation.name())) {
      String why = QuantizedModules.whyNot(activation);
      remark(path, Kind.NOT_SUPPORTED, why == null ? "it is not observed" : why);
    }
  }

  private boolean isObserved(String path, Module module) {
    if (module instanceof Activation activation) {
      return OBSERVED_ACTIVATIONS.contains(activation.name())
          || (FIXED.containsKey(activation.name())
              && (module.isTraining() || mapping.names(path) || swapping.isPart(module)));
    }
    if (module instanceof QuantStub
        || module instanceof Functional
        || module instanceof FusedModule
        || module instanceof QatLayer
        || module instanceof QatEmbedding
        || module instanceof QatEmbeddingBag) {
      return true;
    }
    // Exactly these classes: a subclass may compute something else.
    return module.getClass().getPackage() == Module.class.getPackage()
        && QuantizedModules.whyNot(module) == null;
  }

  private void plan(String path, Module module, QConfig qconfig) {
    if (module instanceof FusedModule fused && fused.isForTraining()) {
      remark(
          path,
          Kind.LEFT_FLOAT,
          "it was fused for training; use fuseModules in eval mode, or prepareQat");
      return;
    }
    ObserverFactory weight = qconfig.weight();
    if (module instanceof Embedding || module instanceof EmbeddingBag) {
      String why = tableReason(weight);
      if (why != null) {
        remark(path, Kind.LEFT_FLOAT, why);
        return;
      }
    } else if (weight == null && needsWeight(module)) {
      remark(path, Kind.LEFT_FLOAT, "its qconfig has nothing for weights");
      return;
    } else if (weight != null) {
      checkWeight(path, module, weight);
    }
    qconfigs.put(module, qconfig);
    plans.add(new Plan(path, module, qconfig, activation(module, qconfig)));
  }

  private ObserverFactory activation(Module module, QConfig qconfig) {
    Fixed fixed = module instanceof Activation activation ? FIXED.get(activation.name()) : null;
    if (fixed == null) {
      return qconfig.activation();
    }
    if (module.isTraining()) {
      return fixed.training();
    }
    return swapping.isPart(module) ? fixed.calibrating() : qconfig.activation();
  }

  static boolean needsWeight(Module module) {
    return module instanceof ConvNd
        || module instanceof Linear
        || module instanceof QatLayer
        || (module instanceof FusedModule fused && !fused.kind().startsWith("BNReLU"));
  }

  private static @Nullable String tableReason(@Nullable ObserverFactory weight) {
    String wanted = "its qconfig has no float zero points; use FLOAT_QPARAMS_WEIGHT_ONLY_QCONFIG";
    if (weight == null) {
      return wanted;
    }
    try (Module made = weight.create()) {
      ObserverBase observer = observer(made);
      boolean fits =
          observer != null
              && observer.observerSettings().qscheme() == QScheme.PER_CHANNEL_AFFINE_FLOAT_QPARAMS;
      return fits ? null : wanted;
    }
  }

  static @Nullable ObserverBase observer(Module made) {
    if (made instanceof FakeQuantizeBase fake) {
      return fake.observer();
    }
    return made instanceof ObserverBase observer ? observer : null;
  }

  /** Scales for input channels would be scales for what is summed up. */
  static void checkWeight(String path, Module module, ObserverFactory weight) {
    Module layer = module instanceof FusedModule fused ? fused.children().get("0") : module;
    if (!(layer instanceof ConvNd || layer instanceof Linear)) {
      return;
    }
    int axis =
        QuantizedModules.weightGranularity(layer) instanceof Granularity.PerAxis perAxis
            ? perAxis.axis()
            : 0;
    try (Module made = weight.create()) {
      ObserverBase observer = observer(made);
      int given = observer == null ? -1 : observer.channelAxis();
      if (given >= 0 && given != axis) {
        throw new IllegalArgumentException(
            ("'%s': the qconfig keeps ranges of the weight along axis %d, and the output channels of %s"
                    + " are on axis %d; use a mapping such as Backend.qconfigMapping(), which knows")
                .formatted(path, given, layer, axis));
      }
    }
  }

  private static void insert(Prepared prepared, Plan plan) {
    Module made = plan.activation.create();
    boolean table = plan.module instanceof Embedding || plan.module instanceof EmbeddingBag;
    if (table
        || !(made instanceof ActivationPostProcess process)
        || (process.dtype() == QuantDtype.FLOAT32)) {
      made.close();
      return;
    }
    plan.module.attach(Quantization.POST_PROCESS, process);
    process.train(plan.module.isTraining());
    if (plan.module instanceof Functional) {
      return;
    }
    Module.Hook hook =
        process.isMemoryless()
            ? plan.module.beforeForward(
                (module, inputs) -> {
                  Tensor[] seen = inputs.clone();
                  seen[0] = process.call(inputs[0]);
                  return seen;
                })
            : plan.module.afterForward((module, inputs, output) -> process.call(output));
    prepared.hook(plan.module, hook);
  }

  private void remark(String path, Kind kind, String reason) {
    remarks.add(new Remark(path, kind, reason));
  }

  /** What a mapping calls a module's type. */
  static String type(Module module) {
    if (module instanceof Activation activation) {
      return activation.name();
    }
    if (module instanceof FusedModule fused) {
      return fused.kind();
    }
    if (module instanceof QatLayer layer) {
      return layer.kind();
    }
    if (module instanceof QatEmbedding) {
      return "Embedding";
    }
    if (module instanceof QatEmbeddingBag) {
      return "EmbeddingBag";
    }
    return module instanceof PReLU ? "PReLU" : module.getClass().getSimpleName();
  }
}
