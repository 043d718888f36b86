package dev.octet.quantize.run;

import dev.octet.quantize.data.HostTensor;
import java.util.List;

/**
 * A model whose inputs already lie in the runtime's own memory, to be run over and over: what a
 * benchmark times. A run leaves its outputs in the runtime's memory. Not thread-safe.
 */
public interface Repeatable extends AutoCloseable {

  /**
   * Computes the outputs once.
   *
   * @throws RunException if the runtime fails
   */
  void run();

  /**
   * The outputs for these inputs, in the model's order, copied.
   *
   * @throws RunException if the runtime fails, or an output is of a type that is not read
   */
  List<HostTensor> outputs();

  /** What runs it, with its version. */
  String runtime();

  @Override
  void close();
}
