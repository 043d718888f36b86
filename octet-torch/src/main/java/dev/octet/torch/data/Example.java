package dev.octet.torch.data;

import dev.octet.quantize.data.PixelImage;
import dev.octet.quantize.data.Preprocessing;
import dev.octet.quantize.data.Sample;

/** One labelled sample of a {@link Dataset}. */
public sealed interface Example {

  /** The right class, from 0. */
  int label();

  /** Where it came from, for messages. */
  String origin();

  /**
   * An image and how it becomes a tensor.
   *
   * @param image its pixels, resized already where the preprocessing says so
   * @param preprocessing what is left to do after augmentation: crop, channels, range, mean and std
   * @param label from 0
   * @param origin for messages
   */
  record Image(PixelImage image, Preprocessing preprocessing, int label, String origin)
      implements Example {
    public Image {
      Labels.check(label, origin);
    }
  }

  /**
   * Arrays or token ids, not bound to a model's inputs yet.
   *
   * @param sample with a label
   */
  record Values(Sample sample) implements Example {
    public Values {
      Labels.check(Labels.require(sample.label(), sample.origin()), sample.origin());
    }

    @Override
    public int label() {
      return sample.label().orElseThrow();
    }

    @Override
    public String origin() {
      return sample.origin();
    }
  }
}
