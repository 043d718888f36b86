package dev.octet.engine.reference;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.engine.reference.RandomModels.Sample;
import dev.octet.graph.Model;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import java.util.Map;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

/** On random quantized networks the reference agrees with ONNX Runtime node by node. */
class RandomModelsProperties {
  private static final double TOLERANCE = 1e-5;

  @Provide
  Arbitrary<Sample> networks() {
    return Arbitraries.oneOf(RandomModels.cnns(), RandomModels.transformers());
  }

  /** Each node reads what ONNX Runtime made, so that no difference is carried on. */
  @Property(tries = 60)
  void everyNodeAgrees(@ForAll("networks") Sample sample) {
    Model model = sample.model();
    Map<String, Tensor> tensors = Reference.given(model, sample.feeds());
    tensors.putAll(OrtReference.run(model, sample.feeds()));
    for (Node node : model.graph().nodes()) {
      Reference.step(model, node, tensors)
          .forEach((name, made) -> Closeness.check(name, made, tensors.get(name), TOLERANCE));
    }
  }

  /** What the first rounding does differently may grow, but not beyond a few quanta. */
  @Property(tries = 30)
  void wholeNetworksAgree(@ForAll("networks") Sample sample) {
    Map<String, Tensor> wanted = OrtReference.run(sample.model(), sample.feeds());
    Map<String, Tensor> made = Reference.run(sample.model(), sample.feeds());
    wanted.forEach(
        (name, tensor) -> {
          if (!tensor.type().isFloat()) {
            assertThat(Closeness.largestDifference(made.get(name), tensor))
                .as(name)
                .isLessThanOrEqualTo(8);
          }
        });
  }
}
