package dev.octet.torch.models;

import dev.octet.graph.Model;
import dev.octet.quantize.data.HostTensor;
import dev.octet.quantize.run.GraphRunner;
import dev.octet.quantize.run.OnnxRuntimeRunner;
import dev.octet.testing.SharedFolder;
import dev.octet.torch.Tensors;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.zip.GZIPInputStream;
import org.bytedeco.pytorch.Tensor;

/** The first test images of the shared data, prepared as the shared models want them. */
final class Images {
  private Images() {}

  /** CIFAR-10, {@code [count, 3, 32, 32]}. */
  static HostTensor cifar10(int count) {
    float[] mean = {0.485f, 0.456f, 0.406f};
    float[] std = {0.229f, 0.224f, 0.225f};
    byte[] records = bytes("data/cifar10/test.bin.gz", 0, count * 3073);
    float[] values = new float[count * 3072];
    for (int i = 0; i < values.length; i++) {
      int pixel = records[i / 3072 * 3073 + 1 + i % 3072] & 0xFF;
      int channel = i / 1024 % 3;
      values[i] = (pixel / 255f - mean[channel]) / std[channel];
    }
    return HostTensor.ofFloats(new int[] {count, 3, 32, 32}, values);
  }

  /** MNIST, {@code [count, 1, 28, 28]}. */
  static HostTensor mnist(int count) {
    byte[] pixels = bytes("data/mnist/t10k-images-idx3-ubyte.gz", 16, count * 784);
    float[] values = new float[pixels.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = ((pixels[i] & 0xFF) / 255f - 0.1307f) / 0.3081f;
    }
    return HostTensor.ofFloats(new int[] {count, 1, 28, 28}, values);
  }

  private static byte[] bytes(String path, int skip, int count) {
    try (DataInputStream in =
        new DataInputStream(
            new GZIPInputStream(Files.newInputStream(SharedFolder.require(path))))) {
      in.readFully(new byte[skip]);
      byte[] read = new byte[count];
      in.readFully(read);
      return read;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static HostTensor host(Tensor tensor) {
    long[] shape = Tensors.shape(tensor);
    int[] sizes = new int[shape.length];
    for (int i = 0; i < sizes.length; i++) {
      sizes[i] = Math.toIntExact(shape[i]);
    }
    return HostTensor.ofFloats(sizes, Tensors.toFloats(tensor));
  }

  static Tensor tensor(HostTensor values) {
    int[] sizes = values.shape();
    long[] shape = new long[sizes.length];
    for (int i = 0; i < sizes.length; i++) {
      shape[i] = sizes[i];
    }
    return Tensors.of(values.floats(), shape);
  }

  /** The output of a model with one input and one output, in ONNX Runtime. */
  static float[] run(Model model, HostTensor input) {
    String name = model.graph().inputs().iterator().next().name();
    AtomicReference<float[]> output = new AtomicReference<>(new float[0]);
    try (GraphRunner runner = OnnxRuntimeRunner.open(model)) {
      runner.run(Map.of(name, input), (made, value) -> output.set(value.floats().clone()));
    }
    return output.get();
  }
}
