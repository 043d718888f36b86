package dev.octet.torch.data;

import dev.octet.quantize.data.DataException;
import dev.octet.quantize.data.ElementType;
import dev.octet.quantize.data.HostTensor;
import dev.octet.quantize.data.InputBinding;
import dev.octet.quantize.data.PixelImage;
import dev.octet.quantize.data.Preprocessing;
import dev.octet.quantize.data.Preprocessing.Layout;
import dev.octet.quantize.data.Sample;
import dev.octet.torch.Tensors;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/** A batch of images in the making: pixels go through a table straight into the tensor's memory. */
final class ImageRows {

  private static final String NAME = "input";

  private final String name;
  private final Tensor tensor;
  private final FloatBuffer memory;
  private final boolean planar;
  private final int[] rowShape;
  private final String first;
  private Preprocessing preprocessing;
  private float[][] tables;

  /** A batch with room for {@code count} images of the first one's shape. */
  ImageRows(
      Example.Image example,
      ImageView view,
      int count,
      @Nullable InputBinding binding,
      boolean channelsLast) {
    preprocessing = example.preprocessing();
    tables = tables(preprocessing);
    first = example.origin();
    rowShape = shape(preprocessing, view);
    int[] bound = rowShape;
    String boundName = NAME;
    if (binding != null) {
      Map.Entry<String, HostTensor> input = bind(binding);
      boundName = input.getKey();
      bound = input.getValue().shape();
    }
    name = boundName;
    boolean asRead = Arrays.equals(bound, rowShape);
    boolean nchw = preprocessing.layout() == Layout.NCHW;
    boolean permuted = nchw && asRead && channelsLast;
    planar = nchw && !permuted;
    long[] shape = Arrays.stream(bound).asLongStream().toArray();
    shape[0] = count;
    if (permuted) {
      long[] dense = {count, shape[2], shape[3], shape[1]};
      tensor = Tensors.uninitialised(ScalarType.Float, dense).permute(0, 3, 1, 2);
    } else {
      tensor = Tensors.uninitialised(ScalarType.Float, shape);
    }
    memory = Tensors.bytes(tensor).asFloatBuffer();
  }

  /** The input's name. */
  String name() {
    return name;
  }

  /** The tensor, which belongs to the scope that this was made in. */
  Tensor tensor() {
    return tensor;
  }

  private static int[] shape(Preprocessing how, ImageView view) {
    int channels = how.channels().tones().size();
    return how.layout() == Layout.NCHW
        ? new int[] {1, channels, view.height(), view.width()}
        : new int[] {1, view.height(), view.width(), channels};
  }

  private static float[][] tables(Preprocessing how) {
    float[][] tables = new float[how.channels().tones().size()][];
    Arrays.setAll(tables, how::table);
    return tables;
  }

  private Map.Entry<String, HostTensor> bind(InputBinding binding) {
    Sample shapeOnly =
        Sample.of(HostTensor.zeros(ElementType.FLOAT32, rowShape), OptionalInt.empty(), first);
    Map.Entry<String, HostTensor> bound = binding.bind(shapeOnly).entrySet().iterator().next();
    if (bound.getValue().type() != ElementType.FLOAT32) {
      throw new DataException(
          "model input '"
              + bound.getKey()
              + "' is "
              + bound.getValue().type()
              + "; training needs one of float32 for images");
    }
    return bound;
  }

  /** Writes an image at its place in the batch. */
  void write(int at, Example.Image example, ImageView view) {
    if (!example.preprocessing().equals(preprocessing)) {
      preprocessing = example.preprocessing();
      tables = tables(preprocessing);
    }
    int[] shape = shape(preprocessing, view);
    if (!Arrays.equals(shape, rowShape)) {
      throw new DataException(
          "sample '"
              + example.origin()
              + "' gives "
              + Arrays.toString(shape)
              + ", and '"
              + first
              + "' of the same batch "
              + Arrays.toString(rowShape)
              + "; set a crop in the preprocessing, so that all are of one size");
    }
    List<PixelImage.Tone> tones = preprocessing.channels().tones();
    int height = view.height();
    int width = view.width();
    int area = height * width;
    int channels = tones.size();
    int pixelStride = planar ? 1 : channels;
    for (int c = 0; c < channels; c++) {
      float[] table = tables[c];
      PixelImage.Tone tone = tones.get(c);
      int next = at * area * channels + (planar ? c * area : c);
      for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
          memory.put(next, table[view.at(x, y, tone)]);
          next += pixelStride;
        }
      }
    }
  }
}
