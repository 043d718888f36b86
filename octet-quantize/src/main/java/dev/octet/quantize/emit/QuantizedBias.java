package dev.octet.quantize.emit;

import dev.octet.graph.Node;
import dev.octet.graph.Tensor;

/**
 * A bias as int32.
 *
 * @param node the node that reads it
 * @param input which of the node's inputs it is
 * @param scales float {@code [channels]}: input scale times weight scale
 * @param integers int32 {@code [channels]}
 */
public record QuantizedBias(Node node, int input, Tensor scales, Tensor integers) {}
