package dev.octet.torch.quant.nn;

import dev.octet.core.rules.Rule;
import dev.octet.core.rules.Rules;
import dev.octet.core.rules.Settings;
import dev.octet.torch.nn.Module;
import dev.octet.torch.quant.TensorQuantizer;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What {@link QuantModules#replace} did to a model, and the way back. It owns the float layers it
 * took out until one of {@link #undo} and {@link #commit} is called.
 */
public final class Replacement {
  /**
   * A layer that was replaced.
   *
   * @param places its paths in the model; several if it is shared
   * @param layer the class it was of, such as {@code Conv2d}
   * @param quantized what stands there now, as text
   */
  public record Replaced(List<String> places, String layer, String quantized) {
    public Replaced {
      places = List.copyOf(places);
    }
  }

  /**
   * A layer that stayed as it was.
   *
   * @param path in the model; the first if it is shared
   * @param layer its class
   * @param reason why it was not replaced
   */
  public record Kept(String path, String layer, String reason) {}

  private record Swap(List<String> places, Module from, Module to) {}

  private enum State {
    OPEN,
    UNDONE,
    COMMITTED
  }

  private final Module model;
  private final List<Swap> swaps;
  private final List<Replaced> replaced;
  private final List<Kept> kept;
  private final List<String> warnings;
  private State state = State.OPEN;

  private Replacement(Module model, List<Swap> swaps, List<Kept> kept, List<String> warnings) {
    this.model = model;
    this.swaps = swaps;
    this.kept = List.copyOf(kept);
    this.warnings = List.copyOf(warnings);
    this.replaced =
        swaps.stream()
            .map(swap -> new Replaced(swap.places(), name(swap.from()), swap.to().toString()))
            .toList();
  }

  static Replacement run(Module model, Rules rules, Twins twins) {
    Search search = new Search(rules.session(), twins);
    try {
      search.visit("", model);
    } catch (RuntimeException e) {
      search.swaps.values().forEach(swap -> swap.to().close());
      throw e;
    }
    List<Swap> swaps = List.copyOf(search.ordered);
    for (Swap swap : swaps) {
      swap.places().forEach(path -> model.replace(path, swap.to()));
    }
    return new Replacement(model, swaps, search.kept, search.session.unused());
  }

  /** The layers that were replaced, in the model's order. */
  public List<Replaced> replaced() {
    return replaced;
  }

  /** The layers that were not, and why, in the model's order; containers are not listed. */
  public List<Kept> kept() {
    return kept;
  }

  /** A line for each rule that did nothing. */
  public List<String> warnings() {
    return warnings;
  }

  /**
   * Puts the float layers back, in the mode that the quantized ones are in, and closes the
   * quantized ones. What was trained stays trained: the parameters are shared. A second call does
   * nothing.
   *
   * @throws IllegalStateException if {@link #commit} was called, or if something else stands in the
   *     place of a quantized layer by now; nothing is changed then
   */
  public void undo() {
    if (state == State.UNDONE) {
      return;
    }
    if (state == State.COMMITTED) {
      throw new IllegalStateException(
          "the replacement was committed, which freed the float layers; use toFloat() on the"
              + " quantized ones");
    }
    for (Swap swap : swaps) {
      for (String path : swap.places()) {
        if (model.get(path) != swap.to()) {
          throw new IllegalStateException(
              "'" + path + "' was replaced since, by " + model.get(path) + "; undo that first");
        }
      }
    }
    for (Swap swap : swaps) {
      swap.from().train(swap.to().isTraining());
      swap.places().forEach(path -> model.replace(path, swap.from()));
      swap.to().close();
    }
    state = State.UNDONE;
  }

  /** Gives up the way back and closes the float layers. After {@link #undo} it does nothing. */
  public void commit() {
    if (state == State.OPEN) {
      swaps.forEach(swap -> swap.from().close());
      state = State.COMMITTED;
    }
  }

  /** What was replaced and what was not, one layer a line. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    for (Replaced each : replaced) {
      text.append(String.join(", ", each.places()))
          .append(": ")
          .append(each.layer())
          .append(" -> ")
          .append(each.quantized())
          .append('\n');
    }
    for (Kept each : kept) {
      text.append(each.path())
          .append(": ")
          .append(each.layer())
          .append(" stays: ")
          .append(each.reason())
          .append('\n');
    }
    warnings.forEach(warning -> text.append(warning).append('\n'));
    return text.toString();
  }

  private static String name(Module module) {
    return module.getClass().getSimpleName();
  }

  /** One walk over a model, which decides for each layer once. */
  private static final class Search {
    final Rules.Session session;
    final Twins twins;
    final IdentityHashMap<Module, Boolean> seen = new IdentityHashMap<>();
    final IdentityHashMap<Module, Swap> swaps = new IdentityHashMap<>();
    final List<Swap> ordered = new ArrayList<>();
    final List<Kept> kept = new ArrayList<>();

    Search(Rules.Session session, Twins twins) {
      this.session = session;
      this.twins = twins;
    }

    void visit(String path, Module module) {
      Swap known = swaps.get(module);
      if (known != null) {
        known.places().add(path);
      }
      if (module instanceof TensorQuantizer || seen.put(module, true) != null) {
        return;
      }
      Optional<Rule> rule = session.forNode(path, name(module));
      Twin<?> twin = twins.of(module);
      String reason = reasonToKeep(path, module, rule.orElse(null), twin);
      if (reason != null) {
        kept.add(new Kept(path, name(module), reason));
      } else if (twin != null) {
        Module quantized =
            twin.quantize(
                module,
                rule.map(Rule::activation).orElse(Settings.NONE),
                rule.map(Rule::weight).orElse(Settings.NONE));
        Swap swap = new Swap(new ArrayList<>(List.of(path)), module, quantized);
        swaps.put(module, swap);
        ordered.add(swap);
      }
      // What is inside a layer that was decided about goes with that layer.
      if (twin == null && !(module instanceof QuantizedLayer)) {
        module
            .children()
            .forEach((name, child) -> visit(path.isEmpty() ? name : path + "." + name, child));
      }
    }

    private @Nullable String reasonToKeep(
        String path, Module module, @Nullable Rule rule, @Nullable Twin<?> twin) {
      if (module instanceof QuantizedLayer) {
        return "it is quantized already";
      }
      if (twin == null) {
        return module.children().isEmpty() ? twins.reasonForNone(module) : null;
      }
      if (rule != null && rule.keepFloat()) {
        return "rule " + rule.describe() + " keeps it float";
      }
      return path.isEmpty()
          ? "it is the whole model, which has no place to be replaced in; put it into a Sequential"
          : null;
    }
  }
}
