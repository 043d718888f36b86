package dev.octet.workflows.distiller.prune;

import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.IntStream;

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

  /** Sets the masks of the parameters that this pruner is for. */
  public abstract void prune(ZerosMaskDict masks, PrunerEpochs at);

  /**
   * Checks that every parameter that is named exists.
   *
   * @throws IllegalArgumentException naming one that does not
   */
  public abstract void check(ZerosMaskDict masks);

  /** What must be brought back when a run is resumed: numbers by parameter. */
  public Map<String, Double> state() {
    return Map.of();
  }

  /** Takes over what {@link #state} gave. */
  public void restore(Map<String, Double> state) {}

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
    int[] order =
        IntStream.range(0, values.length)
            .boxed()
            .sorted(Comparator.comparingDouble(i -> Math.abs(values[i])))
            .mapToInt(Integer::intValue)
            .toArray();
    boolean[] kept = new boolean[values.length];
    Arrays.fill(kept, true);
    int dropped = (int) (level * values.length);
    for (int i = 0; i < dropped; i++) {
      kept[order[i]] = false;
    }
    masks.setMask(parameter, kept);
  }
}
