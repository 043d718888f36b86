package dev.octet.torch.data;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/**
 * Samples stacked along the first axis of their tensors. It owns the tensors and frees them when it
 * is closed; what LibTorch's gradient graph still needs of them lives on.
 */
public final class Batch implements AutoCloseable {

  private final Map<String, Tensor> inputs;
  private final Tensor labels;
  private final List<String> origins;
  private boolean closed;

  Batch(Map<String, Tensor> inputs, Tensor labels, List<String> origins) {
    this.inputs = Collections.unmodifiableMap(new LinkedHashMap<>(inputs));
    this.labels = labels;
    this.origins = List.copyOf(origins);
  }

  /** The number of samples. */
  public int size() {
    return origins.size();
  }

  /** Where the samples came from, in their order, for messages. */
  public List<String> origins() {
    return origins;
  }

  /**
   * The tensors by input name, in the model's order.
   *
   * @throws IllegalStateException if this is closed
   */
  public Map<String, Tensor> inputs() {
    checkOpen();
    return inputs;
  }

  /**
   * The tensor of the only input, for images float32 [N, C, H, W].
   *
   * @throws IllegalStateException if there are several, or this is closed
   */
  public Tensor input() {
    checkOpen();
    if (inputs.size() != 1) {
      throw new IllegalStateException(
          "the batch has the inputs " + inputs.keySet() + "; take one by its name");
    }
    return inputs.values().iterator().next();
  }

  /**
   * The right classes, from 0: int64 [N].
   *
   * @throws IllegalStateException if this is closed
   */
  public Tensor labels() {
    checkOpen();
    return labels;
  }

  private void checkOpen() {
    if (closed) {
      throw new IllegalStateException("the batch is closed; use its tensors before that");
    }
  }

  /** Frees the tensors. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      inputs.values().forEach(Tensor::close);
      labels.close();
    }
  }
}
