package dev.octet.workflows.distiller.prune;

import dev.octet.graph.DataType;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Module;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
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
  private static final String COPY = "float_";
  private static final String PARALLEL = "module.";
  private static final String WRAPPED = "wrapped_module.";

  private final Map<String, Tensor> parameters;
  private final Map<String, Tensor> masks = new LinkedHashMap<>();

  /**
   * Of a model's parameters as they are now, after a quantizer has prepared it.
   *
   * @param model stays the caller's to close
   */
  public ZerosMaskDict(Module model) {
    Map<String, Tensor> named = new LinkedHashMap<>();
    model.parameters().forEach((path, tensor) -> named.put(floatName(path), tensor));
    parameters = Collections.unmodifiableMap(named);
  }

  /** The name in the float model: without what quantizers put around layers and before names. */
  private static String floatName(String path) {
    String plain = path.replace("." + WRAPPED, ".");
    if (plain.startsWith(WRAPPED)) {
      plain = plain.substring(WRAPPED.length());
    }
    int dot = plain.lastIndexOf('.');
    return plain.startsWith(COPY, dot + 1)
        ? plain.substring(0, dot + 1) + plain.substring(dot + 1 + COPY.length())
        : plain;
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
    String plain =
        !parameters.containsKey(name) && name.startsWith(PARALLEL)
            ? name.substring(PARALLEL.length())
            : name;
    if (!parameters.containsKey(plain)) {
      throw new IllegalArgumentException(
          "the model has no parameter '" + name + "'; it has " + parameters.keySet());
    }
    return plain;
  }

  private Tensor parameter(String name) {
    return Tensors.check(parameters.get(resolve(name)), name);
  }

  /** A parameter's values in row-major order. */
  float[] values(String name) {
    return Tensors.toFloats(parameter(name));
  }

  /**
   * Gives a parameter a mask, in the place of the one it had, and zeroes what it leaves out.
   *
   * @param kept for each element in row-major order, whether it stays
   * @throws IllegalArgumentException if there are not as many as the parameter has
   */
  public void setMask(String name, boolean[] kept) {
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
    byte[] bytes = new byte[kept.length];
    for (int i = 0; i < kept.length; i++) {
      bytes[i] = (byte) (kept[i] ? 1 : 0);
    }
    long[] shape = Tensors.shape(parameter);
    put(resolve(name), dev.octet.graph.Tensor.ofRaw(DataType.BOOL, bytes, shape));
    apply();
  }

  private void put(String name, dev.octet.graph.Tensor mask) {
    try (Scope scope = Scope.open()) {
      Tensor made = Scope.keep(Tensors.of(mask));
      Tensor before = masks.put(name, made);
      if (before != null) {
        before.close();
      }
    }
  }

  /** Whether a parameter has a mask. */
  public boolean hasMask(String name) {
    return masks.containsKey(resolve(name));
  }

  /** Zeroes what the masks leave out. */
  public void apply() {
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      masks.forEach((name, mask) -> parameter(name).mul_(mask));
    }
  }

  /** Zeroes the gradients of what the masks leave out. */
  public void applyToGradients() {
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      masks.forEach(
          (name, mask) -> {
            Tensor gradient = parameter(name).grad();
            if (gradient.defined()) {
              gradient.mul_(mask);
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

  /** The masks, to be kept: bool, in the shape of their parameters. */
  public Map<String, dev.octet.graph.Tensor> state() {
    Map<String, dev.octet.graph.Tensor> state = new TreeMap<>();
    masks.forEach((name, mask) -> state.put(name, Tensors.toHost(mask)));
    return state;
  }

  /**
   * Takes over masks in the place of those there are, without touching the parameters.
   *
   * @throws IllegalArgumentException if one fits no parameter
   */
  public void restore(Map<String, dev.octet.graph.Tensor> state) {
    state.forEach(
        (name, mask) -> {
          if (mask.type() != DataType.BOOL
              || !Arrays.equals(mask.shape(), Tensors.shape(parameter(name)))) {
            throw new IllegalArgumentException(
                "the mask of '"
                    + name
                    + "' is "
                    + mask.type()
                    + Arrays.toString(mask.shape())
                    + ", and the parameter "
                    + Tensors.describe(parameter(name)));
          }
        });
    close();
    state.forEach((name, mask) -> put(resolve(name), mask));
  }

  /** The mask of a parameter as values, or null. */
  public boolean @Nullable [] mask(String name) {
    Tensor mask = masks.get(resolve(name));
    if (mask == null) {
      return null;
    }
    long[] values = Tensors.toLongs(mask);
    boolean[] kept = new boolean[values.length];
    for (int i = 0; i < kept.length; i++) {
      kept[i] = values[i] != 0;
    }
    return kept;
  }

  /** Frees the masks; the parameters stay as they are. */
  @Override
  public void close() {
    masks.values().forEach(Tensor::close);
    masks.clear();
  }
}
