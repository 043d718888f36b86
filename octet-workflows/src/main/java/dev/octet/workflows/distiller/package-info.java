/** Distiller's quantizers: bits and settings by rules on layer names. */
@NullMarked
package dev.octet.workflows.distiller;

import org.jspecify.annotations.NullMarked;
