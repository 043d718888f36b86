package dev.octet.workflows.distiller.prune;

import dev.octet.graph.DataType;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Module;
import dev.octet.torch.train.Optimizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * Which elements of a model's parameters are kept at zero. A mask is multiplied onto its parameter
 * whenever training may have moved it; quantizers then round a zero to zero.
 *
 * <p>Parameters have the names of the float model: once a quantizer trains a float copy of {@code
 * conv1.weight}, the name stands for that copy. A leading {@code module.}, which stands for a
 * parallel wrapper, may be left out or given.
 */
public final class ZerosMaskDict implements AutoCloseable {
  private static final String KIND = ":";

  private final Module model;
  private final Map<String, Masker> masks = new LinkedHashMap<>();
  private final List<Thinning> thinned = new ArrayList<>();
  private final Map<String, Tensor> unmasked = new LinkedHashMap<>();
  private Map<String, Tensor> parameters;
  private Map<String, double[]> factors = Map.of();
  private Masking masking = Masking.ALWAYS;
  private Set<String> set = new LinkedHashSet<>();
  private boolean changed;

  /**
   * Of a model's parameters as they are now, after a quantizer has prepared it.
   *
   * @param model stays the caller's to close
   */
  public ZerosMaskDict(Module model) {
    this.model = model;
    parameters = named(model);
  }

  private static Map<String, Tensor> named(Module model) {
    Map<String, Tensor> named = new LinkedHashMap<>();
    model.parameters().forEach((path, tensor) -> named.put(ParameterNames.floating(path), tensor));
    return Collections.unmodifiableMap(named);
  }

  /** The model. */
  public Module model() {
    return model;
  }

  /** The parameters by name. */
  public Map<String, Tensor> parameters() {
    return parameters;
  }

  /**
   * The name under which a parameter is known here.
   *
   * @throws IllegalArgumentException if there is none of this name
   */
  public String resolve(String name) {
    String plain = parameters.containsKey(name) ? name : ParameterNames.withoutParallel(name);
    if (!parameters.containsKey(plain)) {
      throw new IllegalArgumentException(
          "the model has no parameter '" + name + "'; it has " + parameters.keySet());
    }
    return plain;
  }

  Tensor parameter(String name) {
    return Tensors.check(parameters.get(resolve(name)), name);
  }

  /** A parameter's values in row-major order, as {@link #judgeBehindBatchNorm} has them. */
  float[] values(String name) {
    String known = resolve(name);
    float[] values = Tensors.toFloats(parameter(known));
    double[] by = factors.get(known);
    for (int i = 0; by != null && i < values.length; i++) {
      values[i] = (float) (values[i] * by[i / (values.length / by.length)]);
    }
    return values;
  }

  /**
   * A parameter's gradient in row-major order.
   *
   * @throws IllegalArgumentException if it has none
   */
  float[] gradient(String name) {
    try (Scope scope = Scope.open()) {
      Tensor gradient = parameter(name).grad();
      if (!gradient.defined()) {
        throw new IllegalArgumentException(
            "'" + name + "' has no gradient yet; rank by it after a backward pass");
      }
      return Tensors.toFloats(gradient);
    }
  }

  /**
   * Lets pruners see the weights of convolutions as they are behind the BatchNorm that follows:
   * each filter times {@code γ/√(variance + ε)}.
   *
   * @param inputs of the model, to find out what follows what; none to see weights as they are
   */
  public void judgeBehindBatchNorm(Tensor... inputs) {
    factors = inputs.length == 0 ? Map.of() : BatchNormFactors.of(this, inputs);
  }

  /**
   * Sets masks, all to hold in the same way; those set otherwise hold {@link Masking#ALWAYS}.
   *
   * @return the parameters that were given masks
   */
  public Set<String> during(Masking how, Runnable setting) {
    Masking before = masking;
    Set<String> outer = set;
    masking = how;
    set = new LinkedHashSet<>();
    try {
      setting.run();
      return set;
    } finally {
      outer.addAll(set);
      set = outer;
      masking = before;
    }
  }

  /**
   * Gives a parameter a mask, in the place of the one it had, and zeroes what it leaves out.
   *
   * @param kept for each element in row-major order, whether it stays
   * @throws IllegalArgumentException if there are not as many as the parameter has
   */
  public void setMask(String name, boolean[] kept) {
    setMask(name, kept, 1);
  }

  /**
   * The same, and enlarges what it keeps.
   *
   * @param scale above 0; another than 1 needs {@link Masking#DOUBLE_COPIES}, since it is
   *     multiplied onto the parameter at every step
   */
  public void setMask(String name, boolean[] kept, float scale) {
    Tensor parameter = parameter(name);
    if (kept.length != parameter.numel()) {
      throw new IllegalArgumentException(
          "a mask of "
              + kept.length
              + " elements does not fit '"
              + name
              + "', "
              + Tensors.describe(parameter));
    }
    if (scale != 1 && masking != Masking.DOUBLE_COPIES) {
      throw new IllegalArgumentException(
          "the mask of '"
              + name
              + "' enlarges what it keeps by "
              + scale
              + " at every step; use double copies, which undo it");
    }
    dev.octet.graph.Tensor mask = Masker.values(kept, scale, Tensors.shape(parameter));
    String known = resolve(name);
    revert(known);
    if (masking == Masking.ONCE) {
      try (Torch.Switched noGrad = Torch.noGrad();
          Scope scope = Scope.open()) {
        parameter.mul_(Tensors.of(mask));
      }
      changed = true;
    } else {
      put(known, mask, masking);
      if (masking != Masking.DOUBLE_COPIES) {
        multiply(known);
      }
    }
    set.add(known);
  }

  private void put(String name, dev.octet.graph.Tensor mask, Masking how) {
    try (Scope scope = Scope.open()) {
      Masker before = masks.put(name, new Masker(Scope.keep(Tensors.of(mask)), how));
      if (before != null) {
        before.values().close();
      }
    }
  }

  private void multiply(String name) {
    Masker masker = masks.get(name);
    if (masker != null) {
      try (Torch.Switched noGrad = Torch.noGrad();
          Scope scope = Scope.open()) {
        parameter(name).mul_(masker.values());
      }
      changed = true;
    }
  }

  /** Whether a parameter has a mask. */
  public boolean hasMask(String name) {
    return masks.containsKey(resolve(name));
  }

  /** Zeroes what those masks leave out that always hold. */
  public void apply() {
    masks.forEach(
        (name, masker) -> {
          if (masker.masking() == Masking.ALWAYS) {
            multiply(name);
          }
        });
  }

  /** Zeroes what those masks leave out that hold while the model computes. */
  public void applyForward() {
    masks.forEach(
        (name, masker) -> {
          if (masker.masking() == Masking.DOUBLE_COPIES && !unmasked.containsKey(name)) {
            try (Torch.Switched noGrad = Torch.noGrad();
                Scope scope = Scope.open()) {
              unmasked.put(name, Scope.keep(parameter(name).detach().clone()));
            }
            multiply(name);
          } else if (masker.masking() == Masking.FORWARD_ONLY) {
            multiply(name);
          }
        });
  }

  /** Brings back the parameters that a copy stood for while the model computed. */
  public void revert() {
    new ArrayList<>(unmasked.keySet()).forEach(this::revert);
  }

  private void revert(String name) {
    Tensor before = unmasked.remove(name);
    if (before != null) {
      try (Torch.Switched noGrad = Torch.noGrad();
          Scope scope = Scope.open()) {
        parameter(name).copy_(before);
      }
      before.close();
      changed = true;
    }
  }

  /** Takes masks away; parameters stay as they are. */
  public void discard(Set<String> names) {
    for (String name : names) {
      revert(name);
      Masker masker = masks.remove(name);
      if (masker != null) {
        masker.values().close();
      }
    }
  }

  /** Lets masks hold always from here on. */
  public void keep(Set<String> names) {
    for (String name : names) {
      boolean[] kept = hasMask(name) ? mask(name) : null;
      if (kept != null) {
        during(Masking.ALWAYS, () -> setMask(name, kept));
      }
    }
  }

  /** Whether parameters were changed here since this was asked. */
  public boolean takeChanged() {
    boolean now = changed;
    changed = false;
    return now;
  }

  /** Zeroes the gradients of what the masks leave out. */
  public void applyToGradients() {
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      masks.forEach(
          (name, masker) -> {
            Tensor gradient = parameter(name).grad();
            if (gradient.defined()) {
              gradient.mul_(masker.values());
            }
          });
    }
  }

  /** The part of a parameter's elements that are zero, in [0, 1]. */
  public double sparsity(String name) {
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      Tensor parameter = parameter(name);
      long count = parameter.numel();
      return count == 0
          ? 0
          : parameter.eq(new Scalar(0.0)).sum().to(ScalarType.Long).item_long() / (double) count;
    }
  }

  /** The sparsity of each parameter that has a mask, by name. */
  public Map<String, Double> sparsities() {
    Map<String, Double> found = new LinkedHashMap<>();
    masks.keySet().forEach(name -> found.put(name, sparsity(name)));
    return found;
  }

  /** The masks, to be kept: bool or float, in the shape of their parameters. */
  public Map<String, dev.octet.graph.Tensor> state() {
    Map<String, dev.octet.graph.Tensor> state = new TreeMap<>();
    masks.forEach(
        (name, masker) ->
            state.put(
                masker.masking() == Masking.ALWAYS ? name : masker.masking() + KIND + name,
                Tensors.toHost(masker.values())));
    return state;
  }

  /**
   * Takes over masks in the place of those there are, without touching the parameters.
   *
   * @throws IllegalArgumentException if one fits no parameter
   */
  public void restore(Map<String, dev.octet.graph.Tensor> state) {
    state.forEach(
        (key, mask) -> {
          Tensor parameter = parameter(key.substring(key.indexOf(KIND) + 1));
          if ((mask.type() != DataType.BOOL && mask.type() != DataType.FLOAT)
              || !Arrays.equals(mask.shape(), Tensors.shape(parameter))) {
            throw new IllegalArgumentException(
                "the mask of '"
                    + key
                    + "' is "
                    + mask.type()
                    + Arrays.toString(mask.shape())
                    + ", and the parameter "
                    + Tensors.describe(parameter));
          }
        });
    close();
    state.forEach(
        (key, mask) -> {
          int kind = key.indexOf(KIND);
          put(
              resolve(key.substring(kind + 1)),
              mask,
              kind < 0 ? Masking.ALWAYS : Masking.valueOf(key.substring(0, kind)));
        });
  }

  /**
   * Makes the model's layers smaller; masks shrink with their parameters.
   *
   * @param optimizer of the model's parameters; null for none
   * @throws IllegalArgumentException as {@link Thinning#apply}
   */
  public void thin(Thinning thinning, @Nullable Optimizer optimizer) {
    thinning.apply(model, optimizer);
    if (thinning.isEmpty()) {
      return;
    }
    thinned.add(thinning);
    parameters = named(model);
    Map<String, Masker> before = new LinkedHashMap<>(masks);
    masks.clear();
    before.forEach(
        (name, masker) -> {
          try (Scope scope = Scope.open()) {
            put(
                name,
                Tensors.toHost(thinning.cut(name, scope.hold(masker.values()))),
                masker.masking());
          }
          masker.values().close();
        });
    changed = true;
  }

  /** What must be kept to make another model's layers as small. */
  public Map<String, dev.octet.graph.Tensor> thinnedState() {
    return Thinning.state(thinned);
  }

  /**
   * Makes the model's layers as small as those were that {@link #thinnedState} is of.
   *
   * @throws IllegalArgumentException if the model has no such layers
   */
  public void restoreThinned(
      Map<String, dev.octet.graph.Tensor> state, @Nullable Optimizer optimizer) {
    for (int i = 0; ; i++) {
      String prefix = i + ".";
      Map<String, dev.octet.graph.Tensor> own = new TreeMap<>();
      state.forEach(
          (name, tensor) -> {
            if (name.startsWith(prefix)) {
              own.put(name.substring(prefix.length()), tensor);
            }
          });
      if (own.isEmpty()) {
        return;
      }
      thin(Thinning.of(model, own), optimizer);
    }
  }

  /** The mask of a parameter as values, or null. */
  public boolean @Nullable [] mask(String name) {
    Masker masker = masks.get(resolve(name));
    return masker == null ? null : masker.kept();
  }

  /** Frees the masks; the parameters stay as they are. */
  @Override
  public void close() {
    masks.values().forEach(masker -> masker.values().close());
    masks.clear();
    unmasked.values().forEach(Tensor::close);
    unmasked.clear();
  }
}
