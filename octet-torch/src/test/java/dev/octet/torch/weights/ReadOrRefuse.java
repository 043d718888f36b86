package dev.octet.torch.weights;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.graph.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** What must hold for any bytes as a file of weights. */
final class ReadOrRefuse {
  private static final long MAX_BYTES = 8 << 20;

  private ReadOrRefuse() {}

  /** Read as safetensors, and then written and read to the same content, or refused. */
  static void safetensors(byte[] bytes) {
    withFile(
        bytes,
        file -> {
          Safetensors.Content content;
          try {
            content = Safetensors.read(file, MAX_BYTES);
          } catch (WeightsException refused) {
            return;
          }
          Safetensors.write(file, content.tensors(), content.metadata());
          assertThat(Safetensors.read(file)).isEqualTo(content);
        });
  }

  /** Read as a checkpoint or refused; a state dict is tensors throughout, with data. */
  static void checkpoint(byte[] bytes) {
    withFile(
        bytes,
        file -> {
          try {
            PyTorchCheckpoint.read(file, MAX_BYTES);
          } catch (WeightsException refused) {
            // as it should be
          }
          try {
            Map<String, Tensor> tensors = PyTorchCheckpoint.stateDict(file, MAX_BYTES);
            for (Tensor tensor : tensors.values()) {
              assertThat(tensor.data().remaining()).isEqualTo(tensor.sizeBytes());
            }
          } catch (WeightsException refused) {
            // as it should be
          }
        });
  }

  private interface Check {
    void on(Path file) throws IOException;
  }

  private static void withFile(byte[] bytes, Check check) {
    try {
      Path file = Files.createTempFile("octet", ".weights");
      try {
        check.on(Files.write(file, bytes));
      } finally {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
