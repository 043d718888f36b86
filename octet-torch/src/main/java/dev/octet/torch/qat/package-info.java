/**
 * Quantization-aware fine-tuning of an imported model from start to end: what {@code octet
 * train-qat} does.
 */
@NullMarked
package dev.octet.torch.qat;

import org.jspecify.annotations.NullMarked;
