package dev.octet.workflows.pytorch.fx;

import dev.octet.graph.Model;
import dev.octet.graph.Node;
import dev.octet.graph.Value;
import dev.octet.quantize.adjust.InputWeightEqualization;
import dev.octet.quantize.place.Placement;
import dev.octet.quantize.place.Placement.Group;
import dev.octet.quantize.place.Placement.WeightSite;
import dev.octet.quantize.place.Weights;
import dev.octet.torch.graph.GraphPlacement;
import dev.octet.torch.nn.Module;
import dev.octet.workflows.pytorch.observer.ActivationPostProcess;
import dev.octet.workflows.pytorch.observer.FakeQuantizeBase;
import dev.octet.workflows.pytorch.observer.ObserverBase;
import dev.octet.workflows.pytorch.observer.ObserverFactory;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Places the observers that qconfigs name. */
final class FxPlacement implements GraphPlacement<Module> {
  private final Scopes scopes;
  private final ModuleTypes types;
  private final EqualizationMapping equalization;
  private final boolean training;
  private @Nullable Plan newest;

  FxPlacement(
      Scopes scopes, ModuleTypes types, EqualizationMapping equalization, boolean training) {
    this.scopes = scopes;
    this.types = types;
    this.equalization = equalization;
    this.training = training;
  }

  boolean isTraining() {
    return training;
  }

  Scopes scopes() {
    return scopes;
  }

  /** The plan for a graph as it is to be trained or calibrated. */
  Plan plan(Model model) {
    return Planner.plan(model.graph(), scopes, types, training);
  }

  /** The plan for a graph as it is to be converted. */
  Plan planToConvert(Model model) {
    return Planner.plan(model.graph(), scopes, types, false);
  }

  /** The plan that the modules were made for. */
  Plan planned() {
    if (newest == null) {
      throw new IllegalStateException("nothing was placed yet");
    }
    return newest;
  }

  @Override
  public Placement place(Model folded) {
    newest = plan(folded);
    return newest.placement();
  }

  @Override
  public Module activation(Group group) {
    ObserverFactory observer = planned().observers().get(group);
    if (observer == null) {
      throw new IllegalStateException("nothing observes '" + group.name() + "'");
    }
    Module made = observer.create();
    Node layer = equalized(planned()).get(group);
    return layer != null && made instanceof ActivationPostProcess process
        ? new EqualizingObserver(process, InputWeightEqualization.channelAxis(layer) < 0)
        : made;
  }

  @Override
  public @Nullable Module weight(WeightSite site) {
    Plan.PlannedWeight planned = planned().weights().get(site);
    return training && planned != null ? presented(site, planned.observer().create()) : null;
  }

  /** The observer, shown what it expects: output channels along its axis. */
  static Module presented(WeightSite site, Module made) {
    if (!(made instanceof ActivationPostProcess process)) {
      return made;
    }
    ObserverBase observer =
        process instanceof FakeQuantizeBase fake ? fake.observer() : (ObserverBase) process;
    int own = observer.channelAxis();
    int axis = Weights.outputAxis(site.node());
    if (own < 0 || own == axis) {
      return made;
    }
    if (own == 0) {
      return new OutputsFirst(process, axis);
    }
    made.close();
    throw new IllegalArgumentException(
        "the weights of '%s' are observed by channel of axis %d, which is not that of its outputs"
            .formatted(site.node().label(), own));
  }

  /** What an observer stands in. */
  static @Nullable ActivationPostProcess process(@Nullable Module module) {
    if (module instanceof EqualizingObserver equalizing) {
      return equalizing.whole();
    }
    if (module instanceof OutputsFirst turned) {
      return turned.process();
    }
    return module instanceof ActivationPostProcess process ? process : null;
  }

  /** Layers to equalize, by the group of their input. */
  Map<Group, Node> equalized(Plan plan) {
    Map<Value, Group> groupOf = new LinkedHashMap<>();
    plan.placement().groups().forEach(g -> g.members().forEach(member -> groupOf.put(member, g)));
    Map<Group, Node> layers = new LinkedHashMap<>();
    for (Map.Entry<Chain, PreparedOp> each : plan.chains().entrySet()) {
      Op root = each.getKey().root();
      if (root.weights().isEmpty()) {
        continue;
      }
      Node layer = root.weights().get(0).node();
      Value input = layer.input(0);
      Group group = input == null ? null : groupOf.get(input);
      if (each.getValue().mode() == Mode.STATIC
          && equalization.holds(root.module(), root.kind())
          && group != null
          && obstacle(layer, group) == null) {
        layers.put(group, layer);
      }
    }
    return layers;
  }

  private static @Nullable String obstacle(Node layer, Group group) {
    String reason = InputWeightEqualization.refusal(layer);
    if (reason != null) {
      return reason;
    }
    if (group.members().size() > 1) {
      return "its input shares an observer with other values";
    }
    Value input = group.members().get(0);
    return input.uses().size() == 1 && !input.isOutput() ? null : "others read its input as well";
  }

  /** Why layers that are to be equalized are not. */
  List<String> notEqualized(Plan plan) {
    Map<Group, Node> done = equalized(plan);
    List<String> warnings = new ArrayList<>();
    for (Map.Entry<Chain, PreparedOp> each : plan.chains().entrySet()) {
      Op root = each.getKey().root();
      if (root.weights().isEmpty() || !equalization.holds(root.module(), root.kind())) {
        continue;
      }
      Node layer = root.weights().get(0).node();
      if (done.containsValue(layer)) {
        continue;
      }
      String reason = "its input is not rounded by a known scale";
      for (Group group : plan.placement().groups()) {
        if (each.getValue().mode() == Mode.STATIC && group.members().contains(layer.input(0))) {
          reason = String.valueOf(obstacle(layer, group));
        }
      }
      warnings.add("'" + layer.label() + "' is not equalized: " + reason);
    }
    return warnings;
  }
}
