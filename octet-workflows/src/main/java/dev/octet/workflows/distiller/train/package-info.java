/** Quantizers that train: range-tracking, DoReFa, PACT and WRPN, and the modules they put in. */
@NullMarked
package dev.octet.workflows.distiller.train;

import org.jspecify.annotations.NullMarked;
