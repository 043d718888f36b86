/**
 * What tests of several modules share: the folder of real models and data that may lie beside the
 * project, and the peers' numbers in it.
 *
 * <p>Start at {@link dev.octet.testing.Golden} for numbers to compare with, at {@link
 * dev.octet.testing.SharedFolder} for anything else there. Tests that need the folder are skipped
 * where it is not.
 */
@org.jspecify.annotations.NullMarked
package dev.octet.testing;
