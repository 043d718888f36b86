/**
 * Timing models on the engine and on ONNX Runtime, each in a process of its own.
 *
 * <p>Start at {@link dev.octet.quantize.bench.Benchmark}. Both runtimes keep a pool of threads that
 * spins for a while after each piece of work; in one process, or at the same time in two, they take
 * each other's cores. So each side has a process, the sides take turns, and a turn ends when the
 * threads of the side have gone to sleep ({@link dev.octet.quantize.bench.Contestant}).
 */
@org.jspecify.annotations.NullMarked
package dev.octet.quantize.bench;
