/**
 * From a module to a graph, and with integers in place of fake-quantized weights, to a file. Start
 * at {@link dev.octet.torch.trace.Trace}.
 */
@NullMarked
package dev.octet.torch.trace;

import org.jspecify.annotations.NullMarked;
