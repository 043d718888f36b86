package dev.octet.workflows.pytorch.fx;

import dev.octet.quantize.metric.Difference;

/**
 * What one operator would give under one of several qconfigs, on float inputs.
 *
 * @param name its first node
 * @param kind PyTorch's name of it
 * @param candidate which of the mappings, from 0
 * @param mode how it was computed under that mapping
 * @param reason why it stayed float under that mapping; empty otherwise
 * @param difference from what it gives in float
 */
public record ShadowResult(
    String name, String kind, int candidate, Mode mode, String reason, Difference difference) {}
