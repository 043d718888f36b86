/**
 * A small trained network and the labelled images it was trained for, so that everything Octet does
 * can be shown on a machine that has neither a model nor data.
 *
 * <p>Start at {@link DemoModel} for the network and at {@link DemoImages} for the pictures. The
 * pictures are drawn here, from a seed, with arithmetic that gives the same bytes on every machine;
 * nothing is downloaded. How the network was trained is told in {@code docs/demo-model.md}. Nothing
 * here quantizes: the demo treats this model as any other.
 */
@NullMarked
package dev.octet.quantize.demo;

import org.jspecify.annotations.NullMarked;
