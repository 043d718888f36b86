package dev.octet.torch.quant.flow;

import dev.octet.torch.nn.Module;
import dev.octet.torch.quant.TensorQuantizer;
import dev.octet.torch.train.Optimizer;
import dev.octet.torch.train.ParameterGroup;
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
import org.bytedeco.pytorch.Tensor;

/**
 * The parameters of a model in groups that an optimizer treats differently.
 *
 * <pre>{@code
 * ParameterGroups groups =
 *     ParameterGroups.of(
 *         net,
 *         List.of(Choice.of("*.bias").weightDecay(0), Choice.of("head.*").learningRate(0.01)));
 * Optimizer optimizer = Optimizer.sgd(groups.forOptimizer(0.001, 1e-4), 0.9, false);
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
    return of(model, Stream.of(patterns).map(Choice::of).toList());
  }

  /**
   * Groups the parameters of a model.
   *
   * @param choices in order of precedence
   * @throws IllegalArgumentException if a choice names no parameter that no earlier one named
   */
  public static ParameterGroups of(Module model, List<Choice> choices) {
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
   * The groups as an {@link Optimizer} takes them.
   *
   * @param learningRate of groups that chose none
   * @param weightDecay of groups that chose none
   */
  public List<ParameterGroup> forOptimizer(double learningRate, double weightDecay) {
    return groups.stream()
        .map(
            group ->
                new ParameterGroup(
                    List.copyOf(group.parameters().values()),
                    group.choice().learningRate().orElse(learningRate),
                    group.choice().weightDecay().orElse(weightDecay),
                    group.choice().momentum()))
        .toList();
  }

  private static Choice quantizers(List<Choice> choices) {
    return choices.stream()
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
