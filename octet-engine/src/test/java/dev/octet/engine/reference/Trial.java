package dev.octet.engine.reference;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.graph.Model;
import dev.octet.graph.Tensor;
import java.util.Map;
import java.util.function.Consumer;

/** A small model that both the reference and ONNX Runtime compute. */
record Trial(String name, long opset, Consumer<ModelBuilder> body) {
  private static final double TOLERANCE = 1e-5;

  /** A model of the operator set that most files have. */
  static Trial of(String name, Consumer<ModelBuilder> body) {
    return new Trial(name, 17, body);
  }

  void check() {
    ModelBuilder net = new ModelBuilder(opset, name.hashCode());
    body.accept(net);
    Model model = net.model();
    Map<String, Tensor> wanted = OrtReference.run(model, net.feeds());
    assertThat(wanted).isNotEmpty();
    Map<String, Tensor> made = Reference.run(model, net.feeds());
    wanted.forEach((value, tensor) -> Closeness.check(value, made.get(value), tensor, TOLERANCE));
  }

  @Override
  public String toString() {
    return name;
  }
}
