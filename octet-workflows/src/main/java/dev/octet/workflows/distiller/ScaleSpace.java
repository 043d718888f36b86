package dev.octet.workflows.distiller;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Scales, or ends of ranges, that are searched: each as the power of 2 that it is multiplied by, so
 * that all 0 is where a search starts.
 */
final class ScaleSpace {
  private interface Coordinate {
    void set(double power);
  }

  private final List<Coordinate> coordinates = new ArrayList<>();

  private ScaleSpace() {}

  /**
   * Those of some layers.
   *
   * @param ranges whether ends of ranges are searched where there is one range, not scales
   */
  static ScaleSpace of(Map<String, RangeLinearQuantWrapper> wrappers, boolean ranges) {
    ScaleSpace space = new ScaleSpace();
    wrappers.values().forEach(wrapper -> space.add(wrapper, ranges));
    return space;
  }

  int size() {
    return coordinates.size();
  }

  void set(double[] powers) {
    for (int i = 0; i < powers.length; i++) {
      coordinates.get(i).set(powers[i]);
    }
  }

  private void add(RangeLinearQuantWrapper wrapper, boolean ranges) {
    if (ranges) {
      wrapper.clipping().forEach((which, range) -> addRange(wrapper, which, range));
    }
    wrapper
        .linearQuantParams()
        .forEach(
            (param, values) -> {
              String which = param.startsWith("w_") ? "weight" : "output";
              boolean byRange = ranges && wrapper.clipping().containsKey(which);
              if (param.endsWith("_scale") && !byRange) {
                coordinates.add(power -> setScales(wrapper, param, values, power));
              }
            });
  }

  private static void setScales(
      RangeLinearQuantWrapper wrapper, String param, float[] from, double power) {
    float[] scales = new float[from.length];
    for (int i = 0; i < scales.length; i++) {
      // A scale stays a finite positive number wherever the search wanders.
      double scale = from[i] * Math.pow(2, power);
      scales[i] = (float) Math.min(1e30, Math.max(1e-30, scale));
    }
    wrapper.setLinearQuantParam(param, scales);
  }

  private void addRange(RangeLinearQuantWrapper wrapper, String which, double[] from) {
    if (from[0] == -from[1]) {
      // A symmetric mode has one end to choose.
      coordinates.add(
          power -> {
            double end = from[1] * Math.pow(2, Math.max(-60, Math.min(60, power)));
            wrapper.setClipping(which, -end, end);
          });
      return;
    }
    double[] powers = new double[2];
    for (int end = 0; end < 2; end++) {
      int at = end;
      if (from[at] != 0) {
        coordinates.add(
            power -> {
              powers[at] = Math.max(-60, Math.min(60, power));
              wrapper.setClipping(
                  which, from[0] * Math.pow(2, powers[0]), from[1] * Math.pow(2, powers[1]));
            });
      }
    }
  }
}
