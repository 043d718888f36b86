package dev.octet.workflows.pytorch.observer;

import java.util.Locale;

/** How scale and zero point follow from a range, and which elements share them. */
public enum QScheme {
  /** One scale and one zero point. */
  PER_TENSOR_AFFINE,
  /** One scale; the zero point is the middle of the integers. */
  PER_TENSOR_SYMMETRIC,
  /** A scale and a zero point for each channel. */
  PER_CHANNEL_AFFINE,
  /** A scale for each channel; the zero point is the middle of the integers. */
  PER_CHANNEL_SYMMETRIC,
  /** A scale and a zero point that is not rounded for each channel; for embeddings. */
  PER_CHANNEL_AFFINE_FLOAT_QPARAMS,
  /**
   * Dynamic only: a scale and a zero point for each row, so that no row depends on its neighbours.
   * PyTorch's observers do not have it, torchao does.
   */
  PER_TOKEN_AFFINE;

  /** Whether the zero point is the middle of the integers. */
  public boolean isSymmetric() {
    return this == PER_TENSOR_SYMMETRIC || this == PER_CHANNEL_SYMMETRIC;
  }

  /** Whether each channel has its own scale. */
  public boolean isPerChannel() {
    return this == PER_CHANNEL_AFFINE
        || this == PER_CHANNEL_SYMMETRIC
        || this == PER_CHANNEL_AFFINE_FLOAT_QPARAMS;
  }

  /** PyTorch's spelling, such as {@code per_tensor_affine}. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
