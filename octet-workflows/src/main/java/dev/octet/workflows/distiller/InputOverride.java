package dev.octet.workflows.distiller;

import org.jspecify.annotations.Nullable;

/**
 * How an input is quantized that does not come from a quantized layer.
 *
 * @param settings null to take scale and zero point of the layer's own output
 */
record InputOverride(@Nullable ActivationSettings settings) {}
