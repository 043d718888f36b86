package dev.octet.engine.reference;

import dev.octet.graph.DataType;

/**
 * From the sum of products of codes to a code, as ONNX Runtime's QLinear operators do it: the three
 * scales become one float factor, the sum times the factor is rounded to float and then to the
 * nearest code.
 */
record Requantization(Array a, Array b, Array y) {

  double code(double sum, int channel, double zeroPoint, DataType type) {
    double product = (float) (pick(a, channel) * pick(b, channel));
    double factor = (float) (product / y.scalar());
    double scaled = (float) ((float) sum * factor);
    return Quantization.saturate(Math.rint(scaled) + zeroPoint, type);
  }

  private static double pick(Array scale, int channel) {
    return scale.values[scale.values.length == 1 ? 0 : channel];
  }
}
