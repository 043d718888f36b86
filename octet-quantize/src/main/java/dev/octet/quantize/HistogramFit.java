package dev.octet.quantize;

import dev.octet.core.affine.QuantParams;
import dev.octet.core.range.Histogram;
import dev.octet.quantize.report.ValueHistogram;

/**
 * How well parameters fit a histogram, every value taken to lie at the centre of its bin.
 *
 * @param sqnrDb signal to quantization noise in decibels
 * @param saturated share of the values beyond the first or last integer, 0 to 1
 * @param unused share of the integers that no value takes, 0 to 1
 * @param picture the histogram for the report
 */
record HistogramFit(double sqnrDb, double saturated, double unused, ValueHistogram picture) {

  static HistogramFit of(Histogram histogram, QuantParams params) {
    double scale = params.scales()[0];
    int zeroPoint = params.zeroPoints()[0];
    boolean[] taken = new boolean[params.qmax() - params.qmin() + 1];
    long[] counts = new long[histogram.lastBin() - histogram.firstBin() + 1];
    double signal = 0;
    double noise = 0;
    long beyond = 0;
    long total = 0;
    for (int bin = histogram.firstBin(); bin <= histogram.lastBin(); bin++) {
      long count = histogram.count(bin);
      counts[bin - histogram.firstBin()] = count;
      if (count == 0) {
        continue;
      }
      double value = (histogram.lowerEdge(bin) + histogram.upperEdge(bin)) / 2;
      value = Math.max(histogram.min(), Math.min(histogram.max(), value));
      double code = Math.rint(value / scale) + zeroPoint;
      double clamped = Math.max(params.qmin(), Math.min(params.qmax(), code));
      double error = value - (clamped - zeroPoint) * scale;
      signal += count * value * value;
      noise += count * error * error;
      beyond += code == clamped ? 0 : count;
      total += count;
    }
    // A bin wider than a quantum takes every integer inside it.
    int low = code(histogram.min(), params);
    int high = code(histogram.max(), params);
    for (int bin = histogram.firstBin(); bin <= histogram.lastBin(); bin++) {
      if (histogram.count(bin) > 0) {
        int from = Math.max(low, code(histogram.lowerEdge(bin), params));
        int to = Math.min(high, code(histogram.upperEdge(bin), params));
        for (int q = from; q <= to; q++) {
          taken[q - params.qmin()] = true;
        }
      }
    }
    int used = 0;
    for (boolean one : taken) {
      used += one ? 1 : 0;
    }
    return new HistogramFit(
        noise == 0 ? Double.POSITIVE_INFINITY : 10 * Math.log10(signal / noise),
        total == 0 ? 0 : (double) beyond / total,
        1 - (double) used / taken.length,
        ValueHistogram.downsampled(
            histogram.lowerEdge(histogram.firstBin()), histogram.binWidth(), counts));
  }

  private static int code(double value, QuantParams params) {
    double code = Math.rint(value / params.scales()[0]) + params.zeroPoints()[0];
    return (int) Math.max(params.qmin(), Math.min(params.qmax(), code));
  }
}
