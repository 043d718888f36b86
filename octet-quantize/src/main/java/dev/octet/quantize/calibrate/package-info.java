/**
 * Watching a float model run on samples, and remembering what was seen.
 *
 * <p>Start at {@link dev.octet.quantize.calibrate.Calibration}. How a range is learned from values
 * is the business of {@code dev.octet.core.range}; here is which tensors are watched, in which
 * order samples flow, and how a long run is interrupted and resumed.
 */
@org.jspecify.annotations.NullMarked
package dev.octet.quantize.calibrate;
