package dev.octet.graph.pass;

/** {@code y = factor · x + offset}, with a pair for each channel. The arrays are not copied. */
final class ChannelAffine {
  final double[] factor;
  final double[] offset;

  ChannelAffine(double[] factor, double[] offset) {
    this.factor = factor;
    this.offset = offset;
  }
}
