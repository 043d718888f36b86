/**
 * PyTorch's eager mode under the names that its users know: qconfigs, stubs, fusion, prepare and
 * convert. Start at {@link dev.octet.workflows.pytorch.Quantization}.
 */
@NullMarked
package dev.octet.workflows.pytorch;

import org.jspecify.annotations.NullMarked;
