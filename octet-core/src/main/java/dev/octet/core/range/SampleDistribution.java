package dev.octet.core.range;

/** The values themselves: exact, for weights. All sums are taken in the order of the values. */
final class SampleDistribution implements Distribution {
  private final double[] values;
  private final double min;
  private final double max;
  private final double mean;

  /** Takes {@code values} over: finite, at least one, not changed by anyone any more. */
  SampleDistribution(double[] values) {
    this.values = values;
    double low = values[0];
    double high = values[0];
    double sum = 0;
    for (double value : values) {
      low = Math.min(low, value);
      high = Math.max(high, value);
      sum += value;
    }
    min = low;
    max = high;
    mean = sum / values.length;
  }

  @Override
  public double min() {
    return min;
  }

  @Override
  public double max() {
    return max;
  }

  @Override
  public double total() {
    return values.length;
  }

  @Override
  public double nonZeros() {
    int count = 0;
    for (double value : values) {
      count += value != 0 ? 1 : 0;
    }
    return count;
  }

  @Override
  public double mean() {
    return mean;
  }

  @Override
  public double meanAbsoluteDeviation() {
    double sum = 0;
    for (double value : values) {
      sum += Math.abs(value - mean);
    }
    return sum / values.length;
  }

  @Override
  public double standardDeviation() {
    double sum = 0;
    for (double value : values) {
      sum += (value - mean) * (value - mean);
    }
    return Math.sqrt(sum / values.length);
  }

  @Override
  public double tailCount(double bound) {
    int count = 0;
    for (double value : values) {
      count += Math.abs(value) > bound ? 1 : 0;
    }
    return count;
  }

  @Override
  public double tailSum(double bound) {
    double sum = 0;
    for (double value : values) {
      double magnitude = Math.abs(value);
      sum += magnitude > bound ? magnitude : 0;
    }
    return sum;
  }

  @Override
  public double squaredError(double scale, int low, int high) {
    double inverse = 1 / scale;
    double error = 0;
    for (double value : values) {
      double level = Math.min(Math.max(Math.rint(value * inverse), low), high);
      double difference = value - level * scale;
      error += difference * difference;
    }
    return error;
  }
}
