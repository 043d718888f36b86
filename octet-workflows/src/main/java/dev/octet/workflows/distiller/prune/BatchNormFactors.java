package dev.octet.workflows.distiller.prune;

import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.ConvNd;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.NormNd;
import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** What BatchNorm multiplies the filters of the convolution before it by. */
final class BatchNormFactors {
  private BatchNormFactors() {}

  /** By parameter, for the convolutions whose output a BatchNorm alone reads. */
  static Map<String, double[]> of(ZerosMaskDict masks, Tensor... inputs) {
    TracedLayers traced = TracedLayers.of(masks.model(), inputs);
    Map<String, Module> modules = masks.model().modules();
    Map<String, double[]> factors = new LinkedHashMap<>();
    for (String parameter : masks.parameters().keySet()) {
      String layer = ParameterNames.layer(parameter);
      boolean convolution =
          parameter.endsWith("weight")
              && modules.get(layer) instanceof ConvNd conv
              && !conv.isTransposed();
      String norm = convolution ? traced.follower(layer, "Identity", "BatchNormalization") : null;
      if (norm != null && modules.get(norm) instanceof NormNd found) {
        Tensor variance = found.runningVar();
        if (variance != null) {
          factors.put(parameter, factors(found, variance));
        }
      }
    }
    return factors;
  }

  private static double[] factors(NormNd norm, Tensor variance) {
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      Tensor factor = variance.to(ScalarType.Double).add(new Scalar(norm.eps())).rsqrt();
      Tensor gamma = norm.weight();
      float[] values = Tensors.toFloats(gamma == null ? factor : factor.mul(gamma));
      double[] wide = new double[values.length];
      for (int i = 0; i < wide.length; i++) {
        wide[i] = values[i];
      }
      return wide;
    }
  }
}
