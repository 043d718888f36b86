package dev.octet.quantize.data;

import java.util.Map;
import java.util.OptionalInt;

/**
 * One sample, as a data source gives it: not yet bound to a model's inputs.
 *
 * @param inputs tensors by the name of the model input they are for, each with a leading batch axis
 *     of size 1. A source that cannot know names (an image folder) uses {@link #ONLY}. An int64
 *     tensor [1, length] under {@link #TOKENS} holds token ids without padding; {@link #STATE}
 *     holds the state a recurrent sequence begins with
 * @param label the right class, from 0, where the source knows it
 * @param origin where it came from, for messages: a file name, or a file and an index
 * @param startsSequence whether a recurrent model forgets its state before this sample; true for a
 *     sample that stands alone
 */
public record Sample(
    Map<String, HostTensor> inputs, OptionalInt label, String origin, boolean startsSequence) {

  /** The key of a tensor meant for the model's only (or only remaining) input. */
  public static final String ONLY = "";

  /** The key of token ids, from which ids, mask and type ids are made. */
  public static final String TOKENS = "<tokens>";

  /** The key of the first state of a sequence. */
  public static final String STATE = "<state>";

  public Sample {
    inputs = Map.copyOf(inputs);
  }

  /** A sample of one tensor for the only input, standing alone. */
  public static Sample of(HostTensor tensor, OptionalInt label, String origin) {
    return new Sample(Map.of(ONLY, tensor), label, origin, true);
  }

  /** A sample of named tensors, standing alone. */
  public static Sample of(Map<String, HostTensor> inputs, OptionalInt label, String origin) {
    return new Sample(inputs, label, origin, true);
  }
}
