package dev.octet.torch.quant.nn;

/** Which operands of a recurrent cell share a range. */
public enum RecurrentRanges {
  /**
   * Input and hidden state share one, and so does each row of [W_ih | W_hh], as in
   * pytorch-quantization: for engines that multiply both at once.
   */
  JOINT,
  /** Input, hidden state and each row of both weights have their own. */
  SEPARATE
}
