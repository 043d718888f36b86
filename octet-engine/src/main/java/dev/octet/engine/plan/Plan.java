package dev.octet.engine.plan;

import dev.octet.graph.DataType;
import java.util.List;

/**
 * A graph compiled for one set of input shapes: steps, and the memory that each frame needs. Any
 * number of threads may run it, each with a {@link Frame} of its own. Close it when no frame is
 * left.
 */
public final class Plan implements AutoCloseable {

  /**
   * An input or output.
   *
   * @param name the graph's name of it
   * @param type its element type
   * @param dims its dimensions
   */
  public record Port(String name, DataType type, List<Long> dims) {}

  final List<Step> steps;
  final List<Stored> inputBuffers;
  final List<Stored> outputBuffers;
  private final List<Port> inputs;
  private final List<Port> outputs;
  final int portBytes;
  private final long arenaBytes;

  Plan(
      List<Step> steps,
      List<Port> inputs,
      List<Stored> inputBuffers,
      List<Port> outputs,
      List<Stored> outputBuffers,
      int portBytes,
      long arenaBytes) {
    this.portBytes = portBytes;
    this.steps = List.copyOf(steps);
    this.inputs = List.copyOf(inputs);
    this.inputBuffers = List.copyOf(inputBuffers);
    this.outputs = List.copyOf(outputs);
    this.outputBuffers = List.copyOf(outputBuffers);
    this.arenaBytes = arenaBytes;
  }

  /** What callers supply, in the graph's order. */
  public List<Port> inputs() {
    return inputs;
  }

  /** What a run returns, in the graph's order. */
  public List<Port> outputs() {
    return outputs;
  }

  /** Bytes of activations and scratch memory that each frame takes. */
  public long arenaBytes() {
    return arenaBytes;
  }

  /** Memory for one run at a time. */
  public Frame frame() {
    return new Frame(this);
  }

  /** Frees the primitives. */
  @Override
  public void close() {
    for (Step step : steps) {
      if (step instanceof Step.PrimitiveStep primitive) {
        primitive.primitive().close();
      }
    }
  }

  /**
   * One line of the plan.
   *
   * @param node the node whose work it is, with those fused into it
   * @param what the primitive, with its post-operations, or the name of a Java kernel
   * @param implementation oneDNN's name of the code, or {@code java}
   * @param reads the layouts read, weights included
   * @param writes the layouts written
   * @param bytes bytes read and written
   */
  public record Line(
      String node,
      String what,
      String implementation,
      List<String> reads,
      List<String> writes,
      long bytes) {}

  /** The steps, in the order in which they run. */
  public List<Line> lines() {
    return steps.stream()
        .map(
            step ->
                new Line(
                    step.label(),
                    step.what(),
                    step.implementation(),
                    step.reads().stream().map(s -> s.layout().toString()).toList(),
                    step.writes().stream().map(s -> s.layout().toString()).toList(),
                    java.util.stream.Stream.concat(step.reads().stream(), step.writes().stream())
                        .mapToLong(s -> s.layout().sizeBytes())
                        .sum()))
        .toList();
  }
}
