/**
 * What PyTorch has under {@code torch.ao.quantization.experimental}: rounding of weights that is
 * learned, and levels that are sums of powers of two.
 */
@org.jspecify.annotations.NullMarked
package dev.octet.workflows.pytorch.experimental;
