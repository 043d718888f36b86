/**
 * What is done with the quantizers of a model: calibrate, look where it hurts, switch some off,
 * freeze, train.
 *
 * <p>Start at {@link dev.octet.torch.quant.flow.Calibration}.
 */
@NullMarked
package dev.octet.torch.quant.flow;

import org.jspecify.annotations.NullMarked;
