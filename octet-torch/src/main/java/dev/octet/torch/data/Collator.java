package dev.octet.torch.data;

import dev.octet.quantize.data.DataException;
import dev.octet.quantize.data.InputBinding;
import dev.octet.quantize.data.Preprocessing;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/** Makes batches of samples. Safe for use by several threads. */
final class Collator {

  private final Dataset dataset;
  private final @Nullable Augmentation augmentation;
  private final long seed;
  private final @Nullable InputBinding binding;
  private final boolean channelsLast;

  Collator(
      Dataset dataset,
      @Nullable Augmentation augmentation,
      long seed,
      @Nullable InputBinding binding,
      boolean channelsLast) {
    this.dataset = dataset;
    this.augmentation = augmentation;
    this.seed = seed;
    this.binding = binding;
    this.channelsLast = channelsLast;
  }

  /**
   * The batch of these samples; null if stopped half-way.
   *
   * @param stopped asked before each sample
   */
  @Nullable Batch collate(int epoch, int[] indices, BooleanSupplier stopped) {
    try (Scope scope = Scope.open()) {
      List<String> origins = new ArrayList<>(indices.length);
      long[] labels = new long[indices.length];
      ImageRows images = null;
      ValueRows values = null;
      for (int i = 0; i < indices.length; i++) {
        if (stopped.getAsBoolean()) {
          return null;
        }
        Example example = dataset.get(indices[i]);
        origins.add(example.origin());
        labels[i] = example.label();
        if (example instanceof Example.Image image && values == null) {
          ImageView view = view(image, epoch, indices[i]);
          if (images == null) {
            images = new ImageRows(image, view, indices.length, binding, channelsLast);
          }
          images.write(i, image, view);
        } else if (example instanceof Example.Values value && images == null) {
          if (augmentation != null) {
            throw new IllegalArgumentException(
                "augmentation is for images, and sample '"
                    + example.origin()
                    + "' holds arrays; leave it out");
          }
          values = values == null ? new ValueRows(binding) : values;
          values.add(value.sample());
        } else {
          throw new IllegalArgumentException(
              "sample '"
                  + example.origin()
                  + "' and '"
                  + origins.get(0)
                  + "' are an image and arrays; a batch holds one kind");
        }
      }
      Map<String, Tensor> inputs = new LinkedHashMap<>();
      if (images != null) {
        inputs.put(images.name(), images.tensor());
      } else if (values != null) {
        inputs.putAll(values.tensors());
      }
      inputs.values().forEach(Scope::keep);
      return new Batch(inputs, Scope.keep(Tensors.of(labels, labels.length)), origins);
    }
  }

  private ImageView view(Example.Image example, int epoch, int index) {
    ImageView view = ImageView.of(example.image());
    if (augmentation != null) {
      try {
        view =
            augmentation.apply(
                view, Randomness.of(seed, Randomness.AUGMENT, epoch, index).generator());
      } catch (RuntimeException e) {
        throw new DataException(
            "sample '" + example.origin() + "' cannot be augmented: " + e.getMessage(), e);
      }
    }
    return cropped(view, example);
  }

  private static ImageView cropped(ImageView view, Example.Image example) {
    Preprocessing.Size crop =
        example.preprocessing().crop().orElse(new Preprocessing.Size(view.height(), view.width()));
    int down = view.height() - crop.height();
    int right = view.width() - crop.width();
    if (down < 0 || right < 0) {
      throw new DataException(
          "'"
              + example.origin()
              + "' is "
              + view.height()
              + "x"
              + view.width()
              + " (height x width), smaller than the crop "
              + crop
              + "; resize images first");
    }
    return down == 0 && right == 0
        ? view
        : view.cropped(down / 2, right / 2, crop.height(), crop.width(), ImageView.Padding.ZERO);
  }
}
