package dev.octet.workflows.distiller;

/**
 * Minimisation without gradients: line searches along directions in turn (Powell 1964, "An
 * efficient method for finding the minimum of a function of several variables").
 */
final class Powell {
  private static final double GOLDEN = (Math.sqrt(5) - 1) / 2;

  private final Objective objective;
  private final double step;
  private final double tolerance;

  /**
   * A search.
   *
   * @param step the first step of a line search
   * @param tolerance a line search ends when its bracket is narrower
   */
  Powell(Objective objective, double step, double tolerance) {
    this.objective = objective;
    this.step = step;
    this.tolerance = tolerance;
  }

  /**
   * Searches from a point.
   *
   * @param iterations rounds over all directions
   * @param conjugate whether the way of a whole round takes the place of the direction that gained
   *     most; otherwise directions stay the coordinates
   */
  void minimize(double[] start, int iterations, boolean conjugate) {
    int n = start.length;
    double[] point = start.clone();
    double value = objective.at(point);
    double[][] directions = new double[n][n];
    for (int i = 0; i < n; i++) {
      directions[i][i] = 1;
    }
    for (int round = 0; round < iterations && !objective.isExhausted(); round++) {
      double[] before = point.clone();
      double valueBefore = value;
      int mostGained = 0;
      double gain = 0;
      for (int i = 0; i < n && !objective.isExhausted(); i++) {
        double last = value;
        point = along(point, directions[i]);
        value = objective.bestValue();
        if (last - value > gain) {
          gain = last - value;
          mostGained = i;
        }
      }
      if (!(valueBefore - value > 1e-12 * Math.abs(valueBefore))) {
        return;
      }
      if (conjugate && n > 1 && !objective.isExhausted()) {
        double[] way = new double[n];
        double length = 0;
        for (int i = 0; i < n; i++) {
          way[i] = point[i] - before[i];
          length = Math.max(length, Math.abs(way[i]));
        }
        if (length > 0) {
          for (int i = 0; i < n; i++) {
            way[i] /= length;
          }
          point = along(point, way);
          value = objective.bestValue();
          directions[mostGained] = directions[n - 1];
          directions[n - 1] = way;
        }
      }
    }
  }

  /** The best point on a line, found by bracketing and the golden section. */
  private double[] along(double[] from, double[] direction) {
    double center = objective.bestValue();
    double right = value(from, direction, step);
    double left = value(from, direction, -step);
    double low = -step;
    double high = step;
    double reach = step;
    // The function may fall beyond either end: the bracket follows it.
    while (right < center && right <= left && !objective.isExhausted() && reach < 64 * step) {
      center = right;
      low = high - reach;
      reach *= 2;
      high += reach;
      right = value(from, direction, high);
    }
    while (left < center && left < right && !objective.isExhausted() && reach < 64 * step) {
      center = left;
      high = low + reach;
      reach *= 2;
      low -= reach;
      left = value(from, direction, low);
    }
    double a = high - GOLDEN * (high - low);
    double b = low + GOLDEN * (high - low);
    double atA = value(from, direction, a);
    double atB = value(from, direction, b);
    while (high - low > tolerance && !objective.isExhausted()) {
      if (atA <= atB) {
        high = b;
        b = a;
        atB = atA;
        a = high - GOLDEN * (high - low);
        atA = value(from, direction, a);
      } else {
        low = a;
        a = b;
        atA = atB;
        b = low + GOLDEN * (high - low);
        atB = value(from, direction, b);
      }
    }
    return objective.best();
  }

  private double value(double[] from, double[] direction, double distance) {
    double[] point = from.clone();
    for (int i = 0; i < point.length; i++) {
      point[i] += distance * direction[i];
    }
    return objective.at(point);
  }
}
