/**
 * How fast the core's loops over values run, each beside a plain memory copy of the same array in
 * the same run: the ratio says more than the figure on a machine that others share.
 *
 * <p>To reproduce, in the project's root:
 *
 * <pre>
 * mvn -q -Pjmh -pl octet-bench -am -DskipTests package
 * mvn -q -Pjmh -pl octet-bench -am -DskipTests package -Djmh.args="CollectBenchmark -f 1"
 * </pre>
 */
@org.jspecify.annotations.NullMarked
package dev.octet.bench.core;
