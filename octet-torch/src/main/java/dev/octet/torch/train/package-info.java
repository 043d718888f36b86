/**
 * Training loops: optimizers, learning-rate schedules, distillation, checkpoints that resume bit
 * for bit, and what a run reports. Start at {@link dev.octet.torch.train.Trainer}.
 */
@NullMarked
package dev.octet.torch.train;

import org.jspecify.annotations.NullMarked;
