package dev.octet.workflows.pytorch.quantized;

/**
 * A module that holds integers, or works between them: made by {@link QuantizedModules}, saved and
 * loaded by it.
 */
public interface Quantized {}
