package dev.octet.quantize.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;

class NpyFileProperties {
  @Property(tries = 300)
  void everyTensorComesBackAsItWas(
      @ForAll ElementType type,
      @ForAll @Size(max = 5) List<@IntRange(max = 7) Integer> sizes,
      @ForAll long seed)
      throws IOException {
    int[] shape = sizes.stream().mapToInt(Integer::intValue).toArray();
    assertComesBack(random(type, shape, seed));
  }

  /** Elements are written piece by piece; these are more than one. */
  @Property(tries = 20)
  void soDoLongOnes(
      @ForAll ElementType type, @ForAll @IntRange(min = 60_000, max = 140_000) int count)
      throws IOException {
    assertComesBack(random(type, new int[] {count}, count));
  }

  private static void assertComesBack(HostTensor tensor) throws IOException {
    Path file = Files.createTempFile("tensor", ".npy");
    try {
      NpyFile.write(file, tensor);
      assertThat(NpyFile.read(file)).isEqualTo(tensor);
    } finally {
      Files.delete(file);
    }
  }

  private static HostTensor random(ElementType type, int[] shape, long seed) {
    Random random = new Random(seed);
    int count = Arrays.stream(shape).reduce(1, (a, b) -> a * b);
    return switch (type) {
      case FLOAT32 -> {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
          values[i] = Float.intBitsToFloat(random.nextInt());
        }
        yield HostTensor.ofFloats(shape, values);
      }
      case FLOAT64 ->
          HostTensor.ofDoubles(
              shape, random.longs(count).mapToDouble(Double::longBitsToDouble).toArray());
      case INT64 -> HostTensor.ofLongs(shape, random.longs(count).toArray());
      case INT32 -> HostTensor.ofInts(shape, random.ints(count).toArray());
      case INT8, UINT8, BOOL -> {
        byte[] values = new byte[count];
        random.nextBytes(values);
        if (type == ElementType.BOOL) {
          for (int i = 0; i < count; i++) {
            values[i] &= 1;
          }
        }
        yield HostTensor.ofBytes(type, shape, values);
      }
    };
  }
}
