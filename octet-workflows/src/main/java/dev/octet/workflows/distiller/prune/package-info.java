/** Weights that are zero and stay zero: masks, and the pruners that choose them. */
@NullMarked
package dev.octet.workflows.distiller.prune;

import org.jspecify.annotations.NullMarked;
