/**
 * Fake quantization with gradients: the functions, the module that holds one tensor's quantizer and
 * its state, and the calibrators that find its range.
 *
 * <p>Start at {@link dev.octet.torch.quant.TensorQuantizer}. Layers that contain quantizers are in
 * {@code dev.octet.torch.quant.nn}, workflows over whole models in {@code
 * dev.octet.torch.quant.flow}.
 */
@NullMarked
package dev.octet.torch.quant;

import org.jspecify.annotations.NullMarked;
