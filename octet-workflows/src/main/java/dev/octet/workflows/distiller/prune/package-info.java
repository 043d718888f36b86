/** Weights that are zero and stay zero: masks, the pruners that choose them, and smaller layers. */
@NullMarked
package dev.octet.workflows.distiller.prune;

import org.jspecify.annotations.NullMarked;
