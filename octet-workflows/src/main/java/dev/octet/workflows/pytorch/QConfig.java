package dev.octet.workflows.pytorch;

import dev.octet.workflows.pytorch.observer.ObserverFactory;
import org.jspecify.annotations.Nullable;

/**
 * How a layer is quantized: what observes its output, and what observes its weight. Both are
 * factories, since each layer has observers of its own. Two are equal when their factories are the
 * same objects.
 *
 * @param activation for outputs
 * @param weight for weights, or null where there are none
 */
public record QConfig(ObserverFactory activation, @Nullable ObserverFactory weight) {}
