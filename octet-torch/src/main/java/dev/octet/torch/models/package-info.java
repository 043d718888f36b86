/**
 * Networks that are known by name, with torchvision's names for their parameters, so that its
 * checkpoints load: {@link dev.octet.torch.models.ResNet}, {@link
 * dev.octet.torch.models.MobileNetV2} and {@link dev.octet.torch.models.MnistCnn}. Every layer that
 * can be quantized comes from a builder, the sums of shortcuts included.
 *
 * <p>{@link dev.octet.torch.models.ModelWeights} takes weights from files into any module, and out
 * again.
 */
@NullMarked
package dev.octet.torch.models;

import org.jspecify.annotations.NullMarked;
