/**
 * The networks that whole-model benchmarks run, built here with random weights so that anyone can
 * make the same files and nothing is downloaded.
 *
 * <p>{@link dev.octet.bench.models.WriteModels} writes them, as floats and quantized; {@link
 * dev.octet.bench.models.Suite} names them.
 */
@org.jspecify.annotations.NullMarked
package dev.octet.bench.models;
