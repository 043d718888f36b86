package dev.octet.workflows.pytorch;

import dev.octet.torch.nn.ConvNd;
import dev.octet.torch.nn.Embedding;
import dev.octet.torch.nn.EmbeddingBag;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.MultiheadAttention;
import dev.octet.torch.nn.NormNd;
import dev.octet.workflows.pytorch.observer.ActivationPostProcess;
import dev.octet.workflows.pytorch.observer.ObserverFactory;
import dev.octet.workflows.pytorch.quantized.Quantizable;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Puts into a model the modules that are observed, or that train, in the place of float ones. */
final class Swapping {
  private final QConfigMapping mapping;
  private final Map<Class<?>, CustomModule> custom = new LinkedHashMap<>();
  private final IdentityHashMap<Module, QConfig> inherited = new IdentityHashMap<>();
  private final IdentityHashMap<Module, CustomModule> observed = new IdentityHashMap<>();

  Swapping(QConfigMapping mapping, List<CustomModule> custom) {
    this.mapping = mapping;
    for (CustomModule each : custom) {
      if (this.custom.put(each.type(), each) != null) {
        throw new IllegalArgumentException(each.type().getSimpleName() + " is customised twice");
      }
    }
  }

  /** What holds for a module: the parts of a layer follow it where no rule names them. */
  @Nullable QConfig qconfig(String path, Module module) {
    if (module instanceof QuantStub stub && stub.qconfig() != null) {
      return stub.qconfig();
    }
    QConfig around = inherited.get(module);
    return around == null || mapping.names(path)
        ? mapping.resolve(path, Preparing.type(module))
        : around;
  }

  /** Whether a module is a part of a layer that was taken apart. */
  boolean isPart(Module module) {
    return inherited.containsKey(module);
  }

  /** How modules of a module's class are treated, if they are a user's own. */
  @Nullable CustomModule custom(Module module) {
    CustomModule made = observed.get(module);
    return made == null ? custom.get(module.getClass()) : made;
  }

  /** The observed modules of a user's own classes. */
  IdentityHashMap<Module, CustomModule> observed() {
    return observed;
  }

  /** Takes layers apart, and puts the observed forms of a user's own classes in their place. */
  Module observable(Module model) {
    Map<String, Module> wanted = new LinkedHashMap<>();
    Set<Module> inside = Collections.newSetFromMap(new IdentityHashMap<>());
    model
        .modules()
        .forEach(
            (path, module) -> {
              CustomModule own = custom.get(module.getClass());
              if (inside.contains(module)) {
                return;
              }
              if (own != null) {
                inside.addAll(module.modules().values());
              }
              QConfig qconfig = qconfig(path, module);
              boolean apart =
                  Quantizable.isKind(module)
                      && !(module instanceof Quantizable)
                      && Quantizable.whyNot(module) == null
                      && qconfig != null
                      && whyNotStatic(qconfig) == null;
              if (qconfig != null && (own == null ? apart : own.toObserved() != null)) {
                wanted.put(path, module);
              }
            });
    IdentityHashMap<Module, Module> swapped = new IdentityHashMap<>();
    wanted.forEach(
        (path, module) -> {
          QConfig qconfig = qconfig(path, module);
          if (qconfig == null) {
            return;
          }
          CustomModule own = custom.get(module.getClass());
          Module made;
          if (own != null && own.toObserved() != null) {
            made = own.toObserved().apply(module, qconfig);
            observed.put(made, own);
          } else {
            made = Quantizable.of(module);
            made.modules().values().forEach(part -> inherited.put(part, qconfig));
          }
          if (made != module) {
            made.takeHooks(module, module);
            swapped.put(module, made);
          }
        });
    Module root = Places.replaceAll(model, swapped);
    swapped.forEach(
        (module, made) -> {
          if (made instanceof Quantizable) {
            module.close();
          }
        });
    return root;
  }

  /** Why a layer with this qconfig has no fixed scales; null where it has. */
  static @Nullable String whyNotStatic(QConfig qconfig) {
    if (qconfig.weight() == null) {
      return "its qconfig has nothing for weights";
    }
    try (Module made = qconfig.activation().create()) {
      return made instanceof ActivationPostProcess process
          ? Converting.whyNoParameters(process)
          : "its qconfig observes no activation";
    }
  }

  /** Puts layers that train with fake-quantized weights in the place of float ones. */
  Module trainable(Module model) {
    IdentityHashMap<Module, Module> swapped = new IdentityHashMap<>();
    Map<String, Module> wanted = new LinkedHashMap<>();
    Set<Module> inside = Collections.newSetFromMap(new IdentityHashMap<>());
    model
        .modules()
        .forEach(
            (path, module) -> {
              if (inside.contains(module)) {
                return;
              }
              if (custom(module) != null
                  || module instanceof FusedModule
                  || (module instanceof MultiheadAttention && !(module instanceof Quantizable))) {
                inside.addAll(module.modules().values());
              }
              QConfig qconfig = qconfig(path, module);
              if (custom(module) == null
                  && qconfig != null
                  && qconfig.weight() != null
                  && trains(module)) {
                Preparing.checkWeight(path, module, qconfig.weight());
                wanted.put(path, module);
              }
            });
    wanted.forEach(
        (path, module) -> {
          QConfig qconfig = qconfig(path, module);
          if (qconfig != null && qconfig.weight() != null) {
            Module made = trained(module, qconfig.weight());
            made.takeHooks(module, module);
            swapped.put(module, made);
            if (isPart(module)) {
              inherited.put(made, qconfig);
            }
          }
        });
    return Places.replaceAll(model, swapped);
  }

  private static boolean trains(Module module) {
    Class<?> type = module.getClass();
    return (module instanceof ConvNd conv && !conv.isTransposed() && Places.isPlain(conv))
        || type == Linear.class
        || type == Embedding.class
        || type == EmbeddingBag.class
        || (module instanceof FusedModule fused && !fused.kind().startsWith("BNReLU"));
  }

  private static Module trained(Module module, ObserverFactory weights) {
    if (module instanceof Embedding embedding) {
      QatEmbedding made = new QatEmbedding(embedding, weights);
      embedding.close();
      return made;
    }
    if (module instanceof EmbeddingBag bag) {
      QatEmbeddingBag made = new QatEmbeddingBag(bag, weights);
      bag.close();
      return made;
    }
    if (!(module instanceof FusedModule fused)) {
      return new QatLayer(Preparing.type(module), module, null, false, weights);
    }
    List<Module> parts = new ArrayList<>(fused.children().values());
    NormNd norm = parts.get(1) instanceof NormNd second ? second : null;
    return new QatLayer(fused.kind(), parts.get(0), norm, fused.kind().contains("ReLU"), weights);
  }
}
