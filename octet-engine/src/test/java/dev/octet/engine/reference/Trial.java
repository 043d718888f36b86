package dev.octet.engine.reference;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.graph.Model;
import dev.octet.graph.Tensor;
import java.util.Map;
import java.util.function.BiPredicate;
import java.util.function.Consumer;

/** A small model that both the reference and ONNX Runtime compute. */
record Trial(String name, long opset, Consumer<ModelBuilder> body) {
  private static final double TOLERANCE = 1e-5;

  /** A model of the operator set that most files have. */
  static Trial of(String name, Consumer<ModelBuilder> body) {
    return new Trial(name, 17, body);
  }

  /** Checks that both sides agree, whole numbers exactly. */
  void check() {
    check((wanted, made) -> false);
  }

  /**
   * Checks that both sides agree.
   *
   * @param enough whether whole numbers that are not equal are close enough
   */
  void check(BiPredicate<Tensor, Tensor> enough) {
    ModelBuilder net = new ModelBuilder(opset, name.hashCode());
    body.accept(net);
    Model model = net.model();
    Map<String, Tensor> wanted = OrtReference.run(model, net.feeds());
    assertThat(wanted).isNotEmpty();
    Map<String, Tensor> made = Reference.run(model, net.feeds());
    wanted.forEach(
        (value, tensor) -> {
          if (tensor.type().isFloat() || !enough.test(tensor, made.get(value))) {
            Closeness.check(value, made.get(value), tensor, TOLERANCE);
          }
        });
  }

  @Override
  public String toString() {
    return name;
  }
}
