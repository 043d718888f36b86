/**
 * What a quantization run is asked to do, as data that can be written down.
 *
 * <p>Start at {@link dev.octet.core.recipe.Recipe}: defaults for weights and activations, rules,
 * and settings of the pipeline, read from and written to YAML, or one of the presets by name.
 */
@org.jspecify.annotations.NullMarked
package dev.octet.core.recipe;
