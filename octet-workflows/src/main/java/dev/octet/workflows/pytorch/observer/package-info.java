/**
 * PyTorch's observers and fake-quantize modules over Octet's collectors: what learns ranges in a
 * prepared model, and what simulates integers in training.
 */
@NullMarked
package dev.octet.workflows.pytorch.observer;

import org.jspecify.annotations.NullMarked;
