package dev.octet.torch.quant.flow;

import dev.octet.torch.Scope;
import dev.octet.torch.nn.Module;
import dev.octet.torch.quant.TensorQuantizer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.bytedeco.pytorch.AdamW;
import org.bytedeco.pytorch.AdamWOptions;
import org.bytedeco.pytorch.OptimizerOptions;
import org.bytedeco.pytorch.OptimizerParamGroup;
import org.bytedeco.pytorch.OptimizerParamGroupVector;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;

/**
 * The parameters of a model in groups that an optimizer treats differently.
 *
 * <pre>{@code
 * SGD optimizer = ParameterGroups.of(net,
 *         Choice.of("*.bias").weightDecay(0), Choice.of("head.*").learningRate(0.01))
 *     .sgd(0.001, 0.9, 1e-4);
 * }</pre>
 *
 * <p>Every parameter is in one group: that of the first choice that names it; {@link #QUANTIZERS}
 * if it belongs to a quantizer, such as a learned range, whatever its name; else {@link #REST}.
 *
 * @param groups those that are not empty: the choices in order, then the rest, then the quantizers
 */
public record ParameterGroups(List<Group> groups) {
  /** The group of the parameters of quantizers. Unless chosen otherwise they do not decay. */
  public static final String QUANTIZERS = "quantizers";

  /** The group of what no choice names. */
  public static final String REST = "rest";

  /**
   * A choice of parameters and how they are trained; what is empty is the optimizer's own.
   *
   * @param pattern a parameter's path with {@code *} and {@code ?}, or {@link #QUANTIZERS}
   */
  public record Choice(
      String pattern,
      OptionalDouble learningRate,
      OptionalDouble momentum,
      OptionalDouble weightDecay) {
    public Choice {
      checkSetting(pattern, "learning rate", learningRate);
      checkSetting(pattern, "momentum", momentum);
      checkSetting(pattern, "weight decay", weightDecay);
    }

    /** A choice that changes nothing yet. */
    public static Choice of(String pattern) {
      return new Choice(
          pattern, OptionalDouble.empty(), OptionalDouble.empty(), OptionalDouble.empty());
    }

    /** With this learning rate, finite and not negative. */
    public Choice learningRate(double value) {
      return new Choice(pattern, OptionalDouble.of(value), momentum, weightDecay);
    }

    /** With this momentum, finite and not negative; SGD's only. */
    public Choice momentum(double value) {
      return new Choice(pattern, learningRate, OptionalDouble.of(value), weightDecay);
    }

    /** With this weight decay, finite and not negative. */
    public Choice weightDecay(double value) {
      return new Choice(pattern, learningRate, momentum, OptionalDouble.of(value));
    }

    private static void checkSetting(String pattern, String what, OptionalDouble value) {
      if (value.isPresent() && !(value.getAsDouble() >= 0 && value.getAsDouble() < 1e30)) {
        throw new IllegalArgumentException(
            "the "
                + what
                + " of '"
                + pattern
                + "' is "
                + value.getAsDouble()
                + "; choose a finite number of at least 0");
      }
    }
  }

  /**
   * Parameters that are trained alike.
   *
   * @param choice what named them; its pattern is the group's name
   * @param parameters by path: the live tensors
   */
  public record Group(Choice choice, Map<String, Tensor> parameters) {
    public Group {
      parameters = Collections.unmodifiableMap(new LinkedHashMap<>(parameters));
    }

    /** The pattern, {@link #REST} or {@link #QUANTIZERS}. */
    public String name() {
      return choice.pattern();
    }
  }

  public ParameterGroups {
    groups = List.copyOf(groups);
  }

  /** Groups by pattern, all trained alike but for what the caller does with them. */
  public static ParameterGroups of(Module model, String... patterns) {
    return of(model, Stream.of(patterns).map(Choice::of).toArray(Choice[]::new));
  }

  /**
   * Groups the parameters of a model.
   *
   * @param choices in order of precedence
   * @throws IllegalArgumentException if a choice names no parameter that no earlier one named
   */
  public static ParameterGroups of(Module model, Choice... choices) {
    Map<String, Tensor> left = new LinkedHashMap<>(model.parameters());
    Group quantizers = new Group(quantizers(choices), takeQuantizers(model, left));
    List<Group> groups = new ArrayList<>();
    for (Choice choice : choices) {
      if (choice.pattern().equals(QUANTIZERS)) {
        continue;
      }
      Map<String, Tensor> taken = take(Wildcard.compile(choice.pattern()), left);
      if (taken.isEmpty()) {
        throw new IllegalArgumentException(
            "'"
                + choice.pattern()
                + "' names no parameter that is left; of "
                + model.parameters().keySet()
                + " there are left "
                + left.keySet());
      }
      groups.add(new Group(choice, taken));
    }
    groups.add(new Group(Choice.of(REST), left));
    groups.add(quantizers);
    groups.removeIf(group -> group.parameters().isEmpty());
    return new ParameterGroups(groups);
  }

  /**
   * The group of this name.
   *
   * @throws IllegalArgumentException if there is none
   */
  public Group group(String name) {
    return groups.stream()
        .filter(group -> group.name().equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "no group '"
                        + name
                        + "'; there are "
                        + groups.stream().map(Group::name).toList()));
  }

  /**
   * Stochastic gradient descent on these groups; the settings are those of groups that chose none.
   *
   * @return owned by the caller, whatever scope is open
   */
  public SGD sgd(double learningRate, double momentum, double weightDecay) {
    try (Scope scope = Scope.open()) {
      SGD optimizer =
          Scope.keep(
              new SGD(
                  new OptimizerParamGroupVector(),
                  options(Choice.of(REST), learningRate, momentum, weightDecay)));
      for (Group group : groups) {
        add(optimizer, group, options(group.choice(), learningRate, momentum, weightDecay));
      }
      return optimizer;
    }
  }

  /**
   * AdamW on these groups; the settings are those of groups that chose none.
   *
   * @return owned by the caller, whatever scope is open
   * @throws IllegalArgumentException if a group chose a momentum, which AdamW has not
   */
  public AdamW adamW(double learningRate, double weightDecay) {
    for (Group group : groups) {
      if (group.choice().momentum().isPresent()) {
        throw new IllegalArgumentException(
            "group '" + group.name() + "' chose a momentum, which AdamW has not; drop it");
      }
    }
    try (Scope scope = Scope.open()) {
      AdamW optimizer =
          Scope.keep(
              new AdamW(
                  new OptimizerParamGroupVector(),
                  adamOptions(Choice.of(REST), learningRate, weightDecay)));
      for (Group group : groups) {
        add(optimizer, group, adamOptions(group.choice(), learningRate, weightDecay));
      }
      return optimizer;
    }
  }

  private static SGDOptions options(Choice choice, double rate, double momentum, double decay) {
    SGDOptions options = new SGDOptions(choice.learningRate().orElse(rate));
    options.momentum().put(choice.momentum().orElse(momentum));
    options.weight_decay().put(choice.weightDecay().orElse(decay));
    return options;
  }

  private static AdamWOptions adamOptions(Choice choice, double rate, double decay) {
    AdamWOptions options = new AdamWOptions(choice.learningRate().orElse(rate));
    options.weight_decay().put(choice.weightDecay().orElse(decay));
    return options;
  }

  private static void add(
      org.bytedeco.pytorch.Optimizer optimizer, Group group, OptimizerOptions options) {
    TensorVector tensors = new TensorVector(group.parameters().values().toArray(new Tensor[0]));
    optimizer.add_param_group(new OptimizerParamGroup(tensors, options));
  }

  private static Choice quantizers(Choice... choices) {
    return Stream.of(choices)
        .filter(choice -> choice.pattern().equals(QUANTIZERS))
        .findFirst()
        .orElse(Choice.of(QUANTIZERS).weightDecay(0));
  }

  private static Map<String, Tensor> takeQuantizers(Module model, Map<String, Tensor> left) {
    Set<Tensor> owned = Collections.newSetFromMap(new IdentityHashMap<>());
    for (Module module : model.modules().values()) {
      if (module instanceof TensorQuantizer) {
        owned.addAll(module.parameters().values());
      }
    }
    Map<String, Tensor> taken = new LinkedHashMap<>();
    left.forEach(
        (path, tensor) -> {
          if (owned.contains(tensor)) {
            taken.put(path, tensor);
          }
        });
    left.keySet().removeAll(taken.keySet());
    return taken;
  }

  private static Map<String, Tensor> take(Pattern pattern, Map<String, Tensor> left) {
    Map<String, Tensor> taken = new LinkedHashMap<>();
    for (Iterator<Map.Entry<String, Tensor>> all = left.entrySet().iterator(); all.hasNext(); ) {
      Map.Entry<String, Tensor> entry = all.next();
      if (pattern.matcher(entry.getKey()).matches()) {
        taken.put(entry.getKey(), entry.getValue());
        all.remove();
      }
    }
    return taken;
  }
}
