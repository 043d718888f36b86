package dev.octet.torch.quant.flow;

import dev.octet.torch.quant.TensorQuantizer;

/** What a quantizer's switches stood at. */
record Flags(boolean enabled, boolean quant, boolean calib) {
  static Flags of(TensorQuantizer quantizer) {
    return new Flags(quantizer.isEnabled(), quantizer.isQuant(), quantizer.isCalib());
  }

  void restore(TensorQuantizer quantizer) {
    if (enabled) {
      quantizer.enable();
    } else {
      quantizer.disable();
    }
    if (quant) {
      quantizer.enableQuant();
    } else {
      quantizer.disableQuant();
    }
    if (calib) {
      quantizer.enableCalib();
    } else {
      quantizer.disableCalib();
    }
  }
}
