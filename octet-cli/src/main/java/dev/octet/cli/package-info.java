/**
 * The {@code octet} command: arguments in, one call of the library, a report out.
 *
 * <p>Start at {@link dev.octet.cli.Octet}; each sub-command has a class of its own, and options
 * that several share are classes named after them. Nothing here quantizes or measures. Results go
 * to standard output, everything else to standard error; {@link dev.octet.cli.ExitCode} says how a
 * run ended.
 */
@NullMarked
package dev.octet.cli;

import org.jspecify.annotations.NullMarked;
