package dev.octet.workflows.pytorch.fx;

import java.util.List;
import java.util.stream.Collectors;

/**
 * What becomes of each operator of a prepared graph.
 *
 * @param operators each once, in the order of computation
 * @param warnings what else should be known
 */
public record FxReport(List<PreparedOp> operators, List<String> warnings) {
  public FxReport {
    operators = List.copyOf(operators);
    warnings = List.copyOf(warnings);
  }

  /** What stays float, with the reason. */
  public List<PreparedOp> leftInFloat() {
    return operators.stream().filter(op -> op.mode() == Mode.FLOAT).toList();
  }

  /** What does not stay float. */
  public List<PreparedOp> quantized() {
    return operators.stream().filter(op -> op.mode() != Mode.FLOAT).toList();
  }

  /** One line an operator. */
  @Override
  public String toString() {
    return operators.stream().map(PreparedOp::toString).collect(Collectors.joining("\n"))
        + warnings.stream().map(warning -> "\nwarning: " + warning).collect(Collectors.joining());
  }
}
