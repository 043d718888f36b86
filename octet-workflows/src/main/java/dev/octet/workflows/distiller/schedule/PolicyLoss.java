package dev.octet.workflows.distiller.schedule;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/**
 * A loss that a policy changed.
 *
 * @param overallLoss what gradients are taken of, one value
 * @param lossComponents what it consists of, by name, to be told
 */
public record PolicyLoss(Tensor overallLoss, Map<String, Double> lossComponents) {
  public PolicyLoss {
    lossComponents = Collections.unmodifiableMap(new LinkedHashMap<>(lossComponents));
  }
}
