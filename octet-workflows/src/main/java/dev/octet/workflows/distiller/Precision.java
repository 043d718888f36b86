package dev.octet.workflows.distiller;

import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Module;
import dev.octet.torch.op.Ops;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/** The float type that a layer computes in. */
enum Precision {
  FP16(ScalarType.Half),
  FP32(ScalarType.Float),
  FP64(ScalarType.Double);

  private final ScalarType type;

  Precision(ScalarType type) {
    this.type = type;
  }

  /** The precision of {@code fpq_module}'s bits. */
  static Precision ofBits(int bits) {
    return switch (bits) {
      case 16 -> FP16;
      case 32 -> FP32;
      case 64 -> FP64;
      default ->
          throw new IllegalArgumentException("fpq_module is " + bits + "; choose 16, 32 or 64");
    };
  }

  /** A float tensor in this type; others as they are. */
  Tensor of(Tensor x) {
    return !x.is_floating_point() || Tensors.type(x) == type ? x : Ops.to(x, type);
  }

  /** Changes parameters and float buffers of a module in place. */
  void cast(Module module) {
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      module.stateDict().forEach((name, tensor) -> cast(tensor));
    }
  }

  private void cast(@Nullable Tensor tensor) {
    if (tensor != null && tensor.is_floating_point() && Tensors.type(tensor) != type) {
      tensor.set_data(tensor.detach().to(type));
    }
  }
}
