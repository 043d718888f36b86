/**
 * Samples to calibrate and evaluate with: read from files, prepared, and bound to a model's inputs.
 *
 * <p>Start at {@link dev.octet.quantize.data.Samples}: it opens a path and streams {@link
 * dev.octet.quantize.data.Sample}s, one at a time and again as often as asked. {@link
 * dev.octet.quantize.data.InputBinding} turns a sample into the tensors that a model wants, {@link
 * dev.octet.quantize.data.Batches} stacks them, {@link dev.octet.quantize.data.Feeder} carries a
 * recurrent model's state from one to the next. {@link dev.octet.quantize.data.Pictures} gives
 * images in any order and not yet prepared, for training. Files are not trusted: sizes are checked
 * before memory is asked for, and what is wrong with one is a {@link
 * dev.octet.quantize.data.DataException}. Nothing here runs a model.
 */
@org.jspecify.annotations.NullMarked
package dev.octet.quantize.data;
