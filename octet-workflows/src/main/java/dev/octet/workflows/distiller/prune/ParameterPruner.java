package dev.octet.workflows.distiller.prune;

import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Tensor;

/** Chooses which elements of parameters are kept. */
public abstract class ParameterPruner {
  /** Stands for all parameters of two dimensions and more that are not named themselves. */
  public static final String OTHERS = "*";

  private final String name;

  ParameterPruner(String name) {
    this.name = name;
  }

  /** The name, which a schedule refers to. */
  public final String name() {
    return name;
  }

  /** What must be there before a pruner can choose. */
  public enum Needs {
    /** The parameters alone. */
    WEIGHTS,
    /** Samples to run the model on. */
    INPUTS,
    /** Gradients of the parameters. */
    GRADIENTS
  }

  /** What this pruner needs beside the parameters. */
  public Needs needs() {
    return Needs.WEIGHTS;
  }

  /** Whether it enlarges what it keeps, which only {@link Masking#DOUBLE_COPIES} undoes again. */
  public boolean scales() {
    return false;
  }

  /**
   * Sets the masks of the parameters that this pruner is for.
   *
   * @param inputs of the model, for pruners that need them
   * @throws IllegalArgumentException if what it needs is not there
   */
  public abstract void prune(ZerosMaskDict masks, PrunerEpochs at, Tensor... inputs);

  /**
   * Checks that every parameter that is named exists.
   *
   * @throws IllegalArgumentException naming one that does not
   */
  public abstract void check(ZerosMaskDict masks);

  /** What must be brought back when a run is resumed: numbers by name. */
  public Map<String, double[]> state() {
    return Map.of();
  }

  /** Takes over what {@link #state} gave. */
  public void restore(Map<String, double[]> state) {}

  static List<String> checkWeights(List<String> weights) {
    if (weights.isEmpty()) {
      throw new IllegalArgumentException("no weights are given; name some, or '*' for all");
    }
    return List.copyOf(weights);
  }

  /** The setting of each parameter, {@link #OTHERS} spread over those that have none. */
  static Map<String, Double> spread(Map<String, Double> settings, ZerosMaskDict masks) {
    Map<String, Double> spread = new LinkedHashMap<>();
    settings.forEach(
        (parameter, value) -> {
          if (!parameter.equals(OTHERS)) {
            spread.put(masks.resolve(parameter), value);
          }
        });
    Double others = settings.get(OTHERS);
    if (others != null) {
      masks
          .parameters()
          .forEach(
              (parameter, tensor) -> {
                if (tensor.dim() > 1) {
                  spread.putIfAbsent(parameter, others);
                }
              });
    }
    return spread;
  }

  static void checkRange(String what, Map<String, Double> settings, double most) {
    if (settings.isEmpty()) {
      throw new IllegalArgumentException("no parameter is given a " + what);
    }
    settings.forEach(
        (parameter, value) -> {
          if (!(value >= 0 && value <= most)) {
            throw new IllegalArgumentException(
                "the " + what + " of '" + parameter + "' is " + value + "; choose 0 to " + most);
          }
        });
  }

  /** Keeps magnitudes above a threshold. */
  static void threshold(ZerosMaskDict masks, String parameter, double threshold) {
    float[] values = masks.values(parameter);
    boolean[] kept = new boolean[values.length];
    for (int i = 0; i < kept.length; i++) {
      kept[i] = Math.abs(values[i]) > threshold;
    }
    masks.setMask(parameter, kept);
  }

  /** Drops the smallest magnitudes, so many; of equal ones those that come first. */
  static void level(ZerosMaskDict masks, String parameter, double level) {
    float[] values = masks.values(parameter);
    double[] magnitudes = new double[values.length];
    Arrays.setAll(magnitudes, i -> Math.abs(values[i]));
    masks.setMask(parameter, withoutLowest(magnitudes, (int) (level * values.length)));
  }

  /** All but so many of the lowest scores; of equal ones those that come first are left out. */
  static boolean[] withoutLowest(double[] scores, int dropped) {
    int[] order =
        IntStream.range(0, scores.length)
            .boxed()
            .sorted(Comparator.comparingDouble(i -> scores[i]))
            .mapToInt(Integer::intValue)
            .toArray();
    boolean[] kept = new boolean[scores.length];
    Arrays.fill(kept, true);
    for (int i = 0; i < dropped; i++) {
      kept[order[i]] = false;
    }
    return kept;
  }
}
