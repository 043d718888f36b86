package dev.octet.torch.nn;

import java.util.Objects;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * What attention may not look at. A mask of type Bool forbids where it is true; one of floats is
 * added to the scores.
 *
 * @param keyPadding keys of each sample, [batch, source], or [source] without a batch; or null
 * @param attention keys of each query, [target, source], or [batch · heads, target, source]; or
 *     null
 */
public record AttentionMasks(@Nullable Tensor keyPadding, @Nullable Tensor attention) {
  /** Nothing is forbidden. */
  public static final AttentionMasks NONE = new AttentionMasks(null, null);

  boolean isNone() {
    return keyPadding == null && attention == null;
  }

  /** These inputs and the masks that there are. */
  Tensor[] with(Tensor... inputs) {
    return Stream.concat(
            Stream.of(inputs), Stream.of(keyPadding, attention).filter(Objects::nonNull))
        .toArray(Tensor[]::new);
  }
}
