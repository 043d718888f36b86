package dev.octet.workflows.distiller.prune;

import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.Sequential;
import dev.octet.torch.nn.Substitution;
import org.bytedeco.pytorch.T_TensorTensorTensor_T;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Two small linear layers in the place of a large one, by the largest singular values of its
 * weight: {@code W ≈ (U √S) · (√S Vᵀ)}, the best of its rank (Eckart and Young, 1936).
 */
public final class TruncatedSvd {
  private TruncatedSvd() {}

  /**
   * Splits a layer; make the optimizer afterwards. It pays where {@code rank · (in + out)} is less
   * than {@code in · out}.
   *
   * @param path of a {@link Linear}, which is freed; in its place is a {@link Sequential} of two
   * @param rank how many singular values stay, 1 to the smaller of inputs and outputs
   * @return what the rest of the singular values leaves out: the norm of the difference of the
   *     weights as a part of the norm of the weight
   * @throws IllegalArgumentException if it is no plain Linear, or the rank is none
   */
  public static double replace(Module model, String path, int rank) {
    if (!(model.get(path) instanceof Linear old) || old.getClass() != Linear.class) {
      throw new IllegalArgumentException(
          "'" + path + "' is " + model.get(path) + "; only a plain Linear is split");
    }
    Tensor weight = old.weight();
    long most = Math.min(weight.size(0), weight.size(1));
    if (rank < 1 || rank > most) {
      throw new IllegalArgumentException(
          "rank " + rank + " of '" + path + "' is not from 1 to " + most);
    }
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open();
        Substitution none = Substitution.open(built -> built)) {
      T_TensorTensorTensor_T parts =
          torch.svd(weight.detach().to(ScalarType.Double), /* some */ true, true);
      Tensor left = new Tensor(parts.get0());
      Tensor singular = new Tensor(parts.get1());
      Tensor right = new Tensor(parts.get2());
      Tensor root = singular.narrow(0, 0, rank).sqrt();
      Linear first = Linear.builder(weight.size(1), rank).bias(false).build();
      Tensor bias = old.bias();
      Linear second = Linear.builder(rank, weight.size(0)).bias(bias != null).build();
      first.weight().copy_(right.narrow(1, 0, rank).mul(root).t());
      second.weight().copy_(left.narrow(1, 0, rank).mul(root));
      Tensor to = second.bias();
      if (bias != null && to != null) {
        to.copy_(bias);
      }
      double all = singular.square().sum().item_double();
      double kept = singular.narrow(0, 0, rank).square().sum().item_double();
      Sequential both = new Sequential(first, second);
      both.train(old.isTraining());
      model.replace(path, both);
      both.takeHooks(old, old);
      old.close();
      return all == 0 ? 0 : Math.sqrt(Math.max(0, all - kept) / all);
    }
  }

  /** The rank at which two layers have as many weights as one: below it, they have fewer. */
  public static long breakEven(Linear layer) {
    long[] shape = Tensors.shape(layer.weight());
    return shape[0] * shape[1] / (shape[0] + shape[1]);
  }
}
