/**
 * Training on LibTorch: tensors and the memory that they own. Modules are in {@code nn}, fake
 * quantizers and their layers in {@code quant}.
 */
@NullMarked
package dev.octet.torch;

import org.jspecify.annotations.NullMarked;
