package dev.octet.torch.weights;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.graph.DataType;
import dev.octet.graph.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

final class SafetensorsProperties {
  private static final List<DataType> TYPES =
      List.of(
          DataType.BOOL,
          DataType.UINT8,
          DataType.INT8,
          DataType.UINT16,
          DataType.INT16,
          DataType.FLOAT16,
          DataType.BFLOAT16,
          DataType.UINT32,
          DataType.INT32,
          DataType.FLOAT,
          DataType.UINT64,
          DataType.INT64,
          DataType.DOUBLE,
          DataType.COMPLEX64,
          DataType.FLOAT8E4M3FN,
          DataType.FLOAT8E4M3FNUZ,
          DataType.FLOAT8E5M2,
          DataType.FLOAT8E5M2FNUZ);

  @Property(tries = 100)
  void whatIsWrittenIsRead(
      @ForAll("tensors") Map<String, Tensor> tensors, @ForAll("texts") Map<String, String> metadata)
      throws IOException {
    Path file = Files.createTempFile("octet", ".safetensors");
    try {
      Safetensors.write(file, tensors, metadata);
      Safetensors.Content content = Safetensors.read(file);
      assertThat(content.tensors()).isEqualTo(tensors);
      assertThat(content.metadata()).isEqualTo(metadata);
    } finally {
      Files.delete(file);
    }
  }

  @Provide
  Arbitrary<Map<String, Tensor>> tensors() {
    Arbitrary<Tensor> tensor =
        Combinators.combine(
                Arbitraries.of(TYPES),
                Arbitraries.longs().between(0, 4).array(long[].class).ofMaxSize(4),
                Arbitraries.longs())
            .as(SafetensorsProperties::random);
    return Arbitraries.maps(text(), tensor).ofMaxSize(6);
  }

  @Provide
  Arbitrary<Map<String, String>> texts() {
    return Arbitraries.maps(text(), text()).ofMaxSize(3);
  }

  /** Any text that UTF-8 can hold, control characters and quotes with it. */
  private static Arbitrary<String> text() {
    return Arbitraries.strings()
        .all()
        .excludeChars('\uFFFE')
        .ofMaxLength(8)
        .map(text -> text.replaceAll("\\p{Cs}", "_"));
  }

  private static Tensor random(DataType type, long[] shape, long seed) {
    long elements = 1;
    for (long dim : shape) {
      elements *= dim;
    }
    byte[] raw = new byte[(int) type.sizeBytes(elements)];
    new Random(seed).nextBytes(raw);
    if (type == DataType.BOOL) {
      for (int i = 0; i < raw.length; i++) {
        raw[i] &= 1;
      }
    }
    return Tensor.ofRaw(type, raw, shape);
  }
}
