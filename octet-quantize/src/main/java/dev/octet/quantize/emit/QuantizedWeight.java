package dev.octet.quantize.emit;

import dev.octet.core.affine.QuantParams;
import dev.octet.graph.Tensor;
import dev.octet.quantize.place.Placement.WeightSite;

/**
 * A constant as integers.
 *
 * @param site where it is read
 * @param params scales and zero points
 * @param integers the codes; of the constant's shape, or of the two-dimensional shape {@code [out,
 *     in]} that blocks run along, which is reshaped after dequantizing
 */
public record QuantizedWeight(WeightSite site, QuantParams params, Tensor integers) {}
