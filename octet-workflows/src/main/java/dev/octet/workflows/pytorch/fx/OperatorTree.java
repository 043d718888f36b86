package dev.octet.workflows.pytorch.fx;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A pattern of an operator and of those that make its inputs, where a chain does not say enough;
 * PyTorch's complex format, with the inputs behind the operator.
 *
 * <pre>{@code
 * OperatorTree.of("ReLU", OperatorTree.of("add", OperatorTree.of("Conv2d"), OperatorTree.ANY));
 * }</pre>
 *
 * @param operator as {@link BackendPatternConfig} names it
 * @param inputs of its inputs of activations, in order; none where it does not matter what it reads
 */
public record OperatorTree(String operator, List<OperatorTree> inputs) {
  /** An input from anywhere. */
  public static final OperatorTree ANY = new OperatorTree("*", List.of());

  public OperatorTree {
    if (operator.isBlank()) {
      throw new IllegalArgumentException("a pattern needs the names of its operators");
    }
    operator = OperatorKinds.canonical(operator);
    inputs = List.copyOf(inputs);
  }

  /** An operator whose inputs are made so. */
  public static OperatorTree of(String operator, OperatorTree... inputs) {
    return new OperatorTree(operator, List.of(inputs));
  }

  boolean isAny() {
    return equals(ANY);
  }

  /** The operators, each after those it reads. */
  List<String> operators() {
    List<String> all = new ArrayList<>();
    inputs.forEach(input -> all.addAll(input.operators()));
    if (!isAny()) {
      all.add(operator);
    }
    return all;
  }

  @Override
  public String toString() {
    return inputs.isEmpty()
        ? operator
        : Stream.concat(Stream.of(operator), inputs.stream().map(OperatorTree::toString))
            .collect(Collectors.joining(", ", "(", ")"));
  }
}
