/**
 * Quantization-aware fine-tuning of an imported model from start to end: what {@code octet
 * train-qat} does. Start at {@link dev.octet.torch.qat.FineTuning}.
 */
@NullMarked
package dev.octet.torch.qat;

import org.jspecify.annotations.NullMarked;
