/**
 * Changing a model so that quantization costs less: bias correction, cross-layer equalization,
 * SmoothQuant.
 *
 * <p>Each is a class of its own that takes a graph (and what was observed of it) and says what it
 * changed. Formulas and their sources stand with the code. Nothing here runs a model.
 */
@org.jspecify.annotations.NullMarked
package dev.octet.quantize.adjust;
