/**
 * Networks that are known by name, with torchvision's names for their parameters, so that its
 * checkpoints load: {@link dev.octet.torch.models.ResNet} with ResNeXt, {@link
 * dev.octet.torch.models.MobileNetV2}, {@link dev.octet.torch.models.MobileNetV3}, {@link
 * dev.octet.torch.models.GoogLeNet}, {@link dev.octet.torch.models.InceptionV3}, {@link
 * dev.octet.torch.models.ShuffleNetV2}, and {@link dev.octet.torch.models.MnistCnn}. Every layer
 * that can be quantized comes from a builder, and what torchvision computes with functions (sums,
 * products, concatenations, pooling) with modules; these and its activations have no state, so that
 * state dicts are the same.
 *
 * <p>{@link dev.octet.torch.models.ModelWeights} takes weights from files into any module, and out
 * again.
 */
@NullMarked
package dev.octet.torch.models;

import org.jspecify.annotations.NullMarked;
