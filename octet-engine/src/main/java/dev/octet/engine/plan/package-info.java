/**
 * From a graph of known shapes to a list of steps over one block of memory: the compiler, and the
 * contract between it and the lowerings.
 */
@NullMarked
package dev.octet.engine.plan;

import org.jspecify.annotations.NullMarked;
