package dev.octet.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.engine.reference.Closeness;
import dev.octet.engine.reference.RandomModels;
import dev.octet.engine.reference.RandomModels.Sample;
import dev.octet.engine.reference.Reference;
import dev.octet.graph.Tensor;
import java.util.Map;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

/** Random quantized networks run as the reference says. */
class EngineProperties {

  @Provide
  Arbitrary<Sample> networks() {
    return RandomModels.cnns();
  }

  /** A rounding that falls the other way may grow from layer to layer, but not to much. */
  @Property(tries = 150)
  void quantizedNetworksAgreeWithTheReference(@ForAll("networks") Sample sample) {
    Map<String, Tensor> wanted = Reference.run(sample.model(), sample.feeds());
    try (Engine engine = Engine.load(sample.model(), EngineOptions.defaults().withThreads(1))) {
      engine
          .run(sample.feeds())
          .forEach(
              (name, tensor) -> {
                Tensor other = wanted.get(name);
                assertThat(other).as(name).isNotNull();
                if (tensor.type().isFloat()) {
                  Closeness.check(name, tensor, other, 0.1);
                } else {
                  assertThat(Closeness.largestDifference(tensor, other))
                      .as(name)
                      .isLessThanOrEqualTo(8);
                }
              });
    }
  }
}
