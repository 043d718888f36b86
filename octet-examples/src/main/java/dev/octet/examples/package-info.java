/** Programs that show how Octet is used, each to be read from top to bottom and run as it is. */
@NullMarked
package dev.octet.examples;

import org.jspecify.annotations.NullMarked;
