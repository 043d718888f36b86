/**
 * Event files that TensorBoard reads: {@link dev.octet.torch.train.events.EventWriter} writes the
 * course of a training run, {@link dev.octet.torch.train.events.Histogram} sums up a tensor's
 * values for it. Nothing here knows of LibTorch.
 */
@NullMarked
package dev.octet.torch.train.events;

import org.jspecify.annotations.NullMarked;
