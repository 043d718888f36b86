/**
 * Quantized layers: subclasses of the float layers whose inputs and weights pass through {@link
 * dev.octet.torch.quant.TensorQuantizer}s, and what puts them in the place of float ones.
 *
 * <p>Start at {@link dev.octet.torch.quant.nn.QuantModules}.
 */
@NullMarked
package dev.octet.torch.quant.nn;

import org.jspecify.annotations.NullMarked;
