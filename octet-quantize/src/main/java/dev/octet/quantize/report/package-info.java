/**
 * What a quantization did and what it cost, as plain data that people and programs can read.
 *
 * <p>Start at {@link dev.octet.quantize.report.QuantizationReport}: build one with its builder,
 * print {@code summary()}, write it as JSON or as one HTML file. Everything it is made of is an
 * immutable record over JDK types. Nothing here knows of graphs, runtimes or the pipeline that
 * fills the report, so an old report can be read without its model.
 */
@NullMarked
package dev.octet.quantize.report;

import org.jspecify.annotations.NullMarked;
