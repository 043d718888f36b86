/**
 * Labelled data for training: random access, augmentation, and batches made by several threads.
 *
 * <p>Start at {@link dev.octet.torch.data.TrainingData}, which opens a path as a training and an
 * evaluation {@link dev.octet.torch.data.Dataset}; {@link dev.octet.torch.data.DataLoader} turns
 * one into {@link dev.octet.torch.data.Batch}es, epoch by epoch. Files are read by {@code
 * dev.octet.quantize.data}. Whatever is random is a function of the seed, the epoch and the sample,
 * so that neither the number of threads nor a resumed run changes a value.
 */
@NullMarked
package dev.octet.torch.data;

import org.jspecify.annotations.NullMarked;
