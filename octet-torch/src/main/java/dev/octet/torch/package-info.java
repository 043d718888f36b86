/**
 * Training on LibTorch: tensors and who owns their native memory. Start at {@link
 * dev.octet.torch.Scope}. Modules are in {@code nn}, fake quantizers and their layers in {@code
 * quant}, the training loop in {@code train}; an imported model is fine-tuned from {@code qat}.
 */
@NullMarked
package dev.octet.torch;

import org.jspecify.annotations.NullMarked;
