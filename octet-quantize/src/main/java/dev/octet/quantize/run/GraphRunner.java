package dev.octet.quantize.run;

import dev.octet.quantize.data.HostTensor;
import java.util.Map;

/**
 * Runs one graph on named tensors and hands over each value that was asked for when it was opened.
 *
 * <p>Nothing is kept between runs. Not thread-safe. Whoever opens a runner closes it.
 */
public interface GraphRunner extends AutoCloseable {

  /** Takes one value as soon as the runner has it. The tensor is the consumer's to keep. */
  @FunctionalInterface
  interface Consumer {
    /** Takes the value called {@code name}. */
    void accept(String name, HostTensor value);
  }

  /**
   * Runs the graph once.
   *
   * @param inputs a tensor for every input of the graph, by name
   * @param consumer called once for each observed value, in the order in which they were named
   * @throws IllegalArgumentException if an input is missing, unknown, or of another type or shape
   *     than the graph declares; nothing native has run then
   * @throws RunException if the graph fails on these inputs
   */
  void run(Map<String, HostTensor> inputs, Consumer consumer);

  @Override
  void close();
}
