/**
 * What training costs: a step with fake quantization beside a float step, and images per second
 * from files to trained weights. Each has a twin in Python; the scripts beside this module's {@code
 * pom.xml} run both in turn.
 *
 * <pre>
 * octet-bench/training-peer.sh PYTHON
 * octet-bench/throughput-peer.sh SHARED PYTHON
 * </pre>
 */
@NullMarked
package dev.octet.bench.torch;

import org.jspecify.annotations.NullMarked;
