package dev.octet.workflows.distiller.prune;

import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Module;
import dev.octet.torch.train.Optimizer;
import dev.octet.workflows.distiller.prune.ChannelGraph.Layer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Makes layers smaller by the channels that pruning left without use.
 *
 * <pre>{@code
 * Thinning thinning = Thinning.of(net, Thinning.Kind.BOTH, example);
 * thinning.apply(net, null);
 * }</pre>
 *
 * <p>Who shares a channel is found on a traced graph, through sums, concatenations, normalizations,
 * pooling and flattening. A channel goes as a whole: from the filters that make it, what normalizes
 * it, and the inputs that read it. What it carries when it goes, such as the shift of a BatchNorm,
 * is added to the biases behind it, so that outputs stay; where that holds only inside of a padded
 * border, a {@linkplain #remarks() remark} says so.
 */
public final class Thinning {
  /** Which channels go. */
  public enum Kind {
    /** Those that filters of zeros make; Distiller's {@code FilterRemover}. */
    FILTERS,
    /** Those that are read by zeros alone; Distiller's {@code ChannelRemover}. */
    CHANNELS,
    /** Both. */
    BOTH
  }

  /**
   * What a layer keeps.
   *
   * @param out indices of the outputs
   * @param in indices of the inputs; null where they are the outputs
   */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  record Cut(long[] out, long @Nullable [] in) {}

  private static final String OUT = "out.";
  private static final String IN = "in.";

  private final Map<String, Cut> cuts;
  private final Map<String, float[]> shifts;
  private final Map<String, String> left;
  private final List<String> remarks;
  private final Tensor[] example;

  Thinning(
      Map<String, Cut> cuts,
      Map<String, float[]> shifts,
      Map<String, String> left,
      List<String> remarks,
      Tensor... example) {
    this.cuts = cuts;
    this.shifts = shifts;
    this.left = left;
    this.remarks = remarks;
    this.example = example;
  }

  /**
   * Finds what can go.
   *
   * @param model float layers, not quantized ones
   * @param example inputs, one for each that the model takes; they must live until {@link #apply}
   * @throws IllegalArgumentException if a zero filter or channel cannot go, naming the layer and
   *     what needs it, or if nothing would be left of a layer
   */
  public static Thinning of(Module model, Kind kind, Tensor... example) {
    Thinning found = possible(model, kind, example);
    if (!found.left.isEmpty()) {
      List<String> reasons = new ArrayList<>();
      found.left.forEach((layer, reason) -> reasons.add("'" + layer + "': " + reason));
      throw new IllegalArgumentException("not all zeros can go: " + String.join("; ", reasons));
    }
    return found;
  }

  /** The same, leaving what cannot go, which {@link #left} then tells. */
  public static Thinning possible(Module model, Kind kind, Tensor... example) {
    return new ThinningSearch(model, example).find(kind);
  }

  /** What is zero and stays, with the reason, by layer. */
  public Map<String, String> left() {
    return Collections.unmodifiableMap(left);
  }

  /** What is to know of the result. */
  public List<String> remarks() {
    return Collections.unmodifiableList(remarks);
  }

  /** How many outputs each layer keeps, for the layers that change. */
  public Map<String, Integer> outputs() {
    Map<String, Integer> outputs = new LinkedHashMap<>();
    cuts.forEach((layer, cut) -> outputs.put(layer, cut.out().length));
    return outputs;
  }

  /** Whether there is nothing to do. */
  public boolean isEmpty() {
    return cuts.isEmpty();
  }

  /**
   * Puts smaller layers in the places of those that change; the old ones are freed.
   *
   * @param optimizer of the model's parameters, which trains the smaller ones from here on, with
   *     its momenta anew; null for none
   * @throws IllegalArgumentException if the model computes with sizes of its own, naming where; it
   *     is as before then
   */
  public void apply(Module model, @Nullable Optimizer optimizer) {
    if (cuts.isEmpty()) {
      return;
    }
    Map<Module, Module> made = new LinkedHashMap<>();
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      cuts.forEach(
          (path, cut) -> {
            Module old = model.get(path);
            made.put(old, SmallerLayers.of(old, cut, shifts.get(path)));
          });
      exchange(model, made);
      if (example.length > 0) {
        try {
          Ranking.runInEval(model, example);
        } catch (RuntimeException e) {
          Map<Module, Module> back = new LinkedHashMap<>();
          made.forEach((old, small) -> back.put(small, old));
          exchange(model, back);
          made.values().forEach(Module::close);
          throw new IllegalArgumentException(
              "the model computes with sizes of its own and cannot lose channels: "
                  + e.getMessage(),
              e);
        }
      }
      if (optimizer != null) {
        Map<Tensor, Tensor> parameters = new LinkedHashMap<>();
        made.forEach(
            (old, small) ->
                old.ownParameters()
                    .forEach((name, tensor) -> parameters.put(tensor, parameter(small, name))));
        optimizer.exchange(parameters);
      }
    }
    made.keySet().forEach(Module::close);
  }

  private static Tensor parameter(Module module, String name) {
    return Tensors.check(module.ownParameters().get(name), name);
  }

  private static void exchange(Module model, Map<Module, Module> by) {
    for (Module parent : model.modules().values()) {
      parent
          .children()
          .forEach(
              (name, child) -> {
                Module now = by.get(child);
                if (now != null) {
                  parent.replace(name, now);
                  now.takeHooks(child, child);
                }
              });
    }
  }

  /** What is left of a tensor in the shape of a parameter. */
  Tensor cut(String parameter, Tensor tensor) {
    Cut cut = cuts.get(ParameterNames.layer(parameter));
    return cut == null ? tensor : SmallerLayers.cut(tensor, cut);
  }

  /** The states of several, one after the other. */
  static Map<String, dev.octet.graph.Tensor> state(List<Thinning> all) {
    Map<String, dev.octet.graph.Tensor> state = new TreeMap<>();
    for (int i = 0; i < all.size(); i++) {
      String prefix = i + ".";
      all.get(i).state().forEach((name, tensor) -> state.put(prefix + name, tensor));
    }
    return state;
  }

  /** What must be kept to do the same to another model of this kind. */
  Map<String, dev.octet.graph.Tensor> state() {
    Map<String, dev.octet.graph.Tensor> state = new TreeMap<>();
    cuts.forEach(
        (path, cut) -> {
          state.put(OUT + path, dev.octet.graph.Tensor.ofLongs(cut.out(), cut.out().length));
          long[] in = cut.in();
          if (in != null) {
            state.put(IN + path, dev.octet.graph.Tensor.ofLongs(in, in.length));
          }
        });
    return state;
  }

  /**
   * Of what {@link #state} gave: layers become as small, their values are not those of the first.
   *
   * @throws IllegalArgumentException if the model has no such layers
   */
  static Thinning of(Module model, Map<String, dev.octet.graph.Tensor> state) {
    Map<String, Cut> cuts = new LinkedHashMap<>();
    Map<String, Module> modules = model.modules();
    state.forEach(
        (key, out) -> {
          if (!key.startsWith(OUT)) {
            return;
          }
          String path = key.substring(OUT.length());
          dev.octet.graph.Tensor in = state.get(IN + path);
          Module module = modules.get(path);
          Cut cut = new Cut(out.toLongs(), in == null ? null : in.toLongs());
          if (module == null || !SmallerLayers.fits(module, cut)) {
            throw new IllegalArgumentException("it made '" + path + "' smaller, which is not here");
          }
          cuts.put(path, cut);
        });
    return new Thinning(cuts, Map.of(), Map.of(), List.of());
  }

  /** The layers of a cut, those kept whole left out. */
  static boolean changes(Layer layer, Cut cut) {
    long[] in = cut.in();
    int[] had = layer.in();
    return cut.out().length < layer.out().length
        || (in != null && had != null && in.length < had.length);
  }

  @Override
  public String toString() {
    return "Thinning" + outputs();
  }
}
