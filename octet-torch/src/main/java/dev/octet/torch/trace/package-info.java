/** From a module to a graph, and with integers in place of fake-quantized weights, to a file. */
@NullMarked
package dev.octet.torch.trace;

import org.jspecify.annotations.NullMarked;
