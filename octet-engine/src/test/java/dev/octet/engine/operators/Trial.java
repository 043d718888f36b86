package dev.octet.engine.operators;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.engine.Engine;
import dev.octet.engine.EngineOptions;
import dev.octet.engine.reference.Closeness;
import dev.octet.engine.reference.ModelBuilder;
import dev.octet.engine.reference.OrtReference;
import dev.octet.graph.Model;
import dev.octet.graph.Tensor;
import java.util.Map;
import java.util.function.Consumer;

/**
 * A small model that the engine and ONNX Runtime both compute.
 *
 * @param tolerance how far floats may be apart, relative to the largest
 */
record Trial(String name, long opset, double tolerance, Consumer<ModelBuilder> body) {
  /** A model of the operator set that most files have. */
  static Trial of(String name, Consumer<ModelBuilder> body) {
    return of(name, 17, body);
  }

  static Trial of(String name, long opset, Consumer<ModelBuilder> body) {
    return new Trial(name, opset, 2e-6, body);
  }

  void check() {
    ModelBuilder net = new ModelBuilder(opset, name.hashCode());
    body.accept(net);
    Model model = net.model();
    Map<String, Tensor> wanted = OrtReference.outputs(model, net.feeds());
    assertThat(wanted).isNotEmpty();
    try (Engine engine = Engine.load(model, EngineOptions.defaults().withThreads(1))) {
      Map<String, Tensor> made = engine.run(net.feeds());
      assertThat(made.keySet()).containsExactlyElementsOf(wanted.keySet());
      wanted.forEach((value, tensor) -> Closeness.check(value, made.get(value), tensor, tolerance));
      assertThat(engine.run(net.feeds())).as("a second run").isEqualTo(made);
    }
  }

  @Override
  public String toString() {
    return name;
  }
}
