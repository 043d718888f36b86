package dev.octet.workflows.pytorch.quantized;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.core.affine.Arithmetic;
import dev.octet.core.affine.FloatQuantParams;
import dev.octet.core.affine.QuantParams;
import dev.octet.core.descriptor.Granularity;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.weights.Safetensors;
import dev.octet.torch.weights.WeightsException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class QuantizedTensorTest {
  private static final QuantParams PER_CHANNEL =
      QuantParams.affine(
          new float[] {0.5f, 2}, new int[] {0, -3}, Granularity.perAxis(1), -128, 127);

  private static QuantizedTensor fourBits() {
    return QuantizedTensor.of(
        new int[] {1, 2, 15, 0, 7}, QuantParams.affine(0.25f, 8, 0, 15), Dtype.QUINT4X2, 5);
  }

  private static QuantizedTensor rows() {
    return QuantizedTensor.of(
        new int[] {0, 255, 3, 4},
        FloatQuantParams.of(new float[] {0.5f, 1}, new float[] {0.25f, -7}, 0, 0, 255),
        2,
        2);
  }

  private static Map<String, QuantizedTensor> everyKind() {
    Map<String, QuantizedTensor> all = new LinkedHashMap<>();
    all.put("four", fourBits());
    all.put("rows", rows());
    all.put(
        "channels",
        QuantizedTensor.of(new int[] {-128, 127, 0, 5}, PER_CHANNEL, Dtype.QINT8, 2, 2));
    all.put(
        "wide",
        QuantizedTensor.of(
            new int[] {Integer.MIN_VALUE, Integer.MAX_VALUE},
            QuantParams.affine(1e-3f, 0, Integer.MIN_VALUE, Integer.MAX_VALUE),
            Dtype.QINT32,
            2,
            1));
    all.put(
        "bytes",
        QuantizedTensor.of(
            new int[] {200}, QuantParams.affine(0.1f, 100, 0, 255), Dtype.QUINT8, new int[0]));
    return all;
  }

  @Test
  void whatWasCreatedIsRead() {
    try (Scope scope = Scope.open()) {
      Tensor x = Tensors.of(new float[] {-1, 0, 1, 6}, 2, 2);
      QuantizedTensor q =
          QuantizedTensor.quantizePerChannel(
              x, new double[] {0.5, 2}, new int[] {0, -3}, 1, Dtype.QINT8);
      assertThat(q.toInts()).containsExactly(-2, -3, 2, 0);
      assertThat(q.toFloats()).containsExactly(-1, 0, 1, 6);
      assertThat(q.shape()).containsExactly(2, 2);
      assertThat(q.axis()).isEqualTo(1);
      assertThat(q.scales()).containsExactly(0.5, 2);
      assertThat(q.zeroPoints()).containsExactly(0, -3);
      assertThat(q.scheme()).isEqualTo(QuantizedTensor.Scheme.PER_CHANNEL_AFFINE);
      assertThat(q).isEqualTo(QuantizedTensor.of(q.toInts(), PER_CHANNEL, Dtype.QINT8, 2, 2));
      assertThat(q.toString()).contains("QINT8[2, 2]").contains("2 scales");
      assertThatThrownBy(q::scale).hasMessageContaining("each index of axis 1");
      assertThatThrownBy(fourBits()::axis).hasMessageContaining("one scale");
      assertThatThrownBy(rows()::params).hasMessageContaining("floatParams");
      assertThatThrownBy(q::floatParams).hasMessageContaining("params()");
    }
  }

  @Test
  void integersOfFourBitsLieTwoInAByte() {
    assertThat(fourBits().codes().sizeBytes()).isEqualTo(3);
    assertThat(fourBits().toInts()).containsExactly(1, 2, 15, 0, 7);
    try (Scope scope = Scope.open()) {
      Tensor codes = fourBits().intRepr();
      assertThat(Tensors.type(codes)).isEqualTo(ScalarType.Byte);
      assertThat(Tensors.toLongs(codes)).containsExactly(1, 2, 15, 0, 7);
    }
  }

  @Test
  void parametersNarrowerThanTheTypeClampWeights() {
    try (Scope scope = Scope.open()) {
      QuantizedTensor q =
          QuantizedTensor.quantize(
              Tensors.of(new float[] {-1000, 1000}, 2),
              QuantParams.affine(1, 0, -127, 127),
              Dtype.QINT8,
              Arithmetic.LIBTORCH_2_13);
      assertThat(q.toInts()).containsExactly(-127, 127);
    }
  }

  @Test
  void whatDoesNotFitIsRefused() {
    QuantParams bytes = QuantParams.affine(1, 0, -128, 127);
    assertThatThrownBy(() -> QuantizedTensor.of(new int[] {128}, bytes, Dtype.QINT8, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("code 128 at index 0");
    assertThatThrownBy(() -> QuantizedTensor.of(new int[3], bytes, Dtype.QINT8, 2))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("do not fill");
    assertThatThrownBy(() -> QuantizedTensor.of(new int[3], bytes, Dtype.QUINT8, 3))
        .hasMessageContaining("do not fit QUINT8");
    assertThatThrownBy(() -> QuantizedTensor.of(new int[4], PER_CHANNEL, Dtype.QINT8, 4))
        .isInstanceOf(IllegalArgumentException.class);
    try (Scope scope = Scope.open()) {
      Tensor whole = Tensors.of(new long[] {1}, 1);
      assertThatThrownBy(() -> QuantizedTensor.quantizePerTensor(whole, 1, 0, Dtype.QINT8))
          .hasMessageContaining("Float");
      Tensor nan = Tensors.of(new float[] {1, Float.NaN}, 2);
      assertThatThrownBy(() -> QuantizedTensor.quantizePerTensorDynamic(nan, Dtype.QUINT8, false))
          .hasMessageContaining("NaN");
      assertThatThrownBy(() -> QuantizedTensor.quantizePerTensorDynamic(nan, Dtype.QINT32, false))
          .hasMessageContaining("QINT8 or QUINT8");
      Tensor closed = Tensors.of(new float[] {1}, 1);
      closed.close();
      assertThatThrownBy(() -> QuantizedTensor.quantizePerTensor(nan, 0, 0, Dtype.QINT8))
          .hasMessageContaining("positive");
    }
  }

  @Test
  void aFileBringsEveryKindBack(@TempDir Path folder) {
    Path file = folder.resolve("q.safetensors");
    QuantizedTensor.save(file, everyKind());
    assertThat(QuantizedTensor.load(file)).isEqualTo(everyKind());
    assertThat(QuantizedTensor.load(file).keySet())
        .containsExactlyInAnyOrderElementsOf(everyKind().keySet());
  }

  @Test
  void namesThatMeetAreRefused(@TempDir Path folder) {
    Map<String, QuantizedTensor> clash = Map.of("a", fourBits(), "a.scale", fourBits());
    assertThatThrownBy(() -> QuantizedTensor.save(folder.resolve("q.safetensors"), clash))
        .isInstanceOf(WeightsException.class)
        .hasMessageContaining("rename");
  }

  @Test
  void filesOfSomethingElseAreRefused(@TempDir Path folder) {
    Path file = folder.resolve("q.safetensors");
    Safetensors.write(
        file, Map.of("a", dev.octet.graph.Tensor.ofFloats(new float[1], 1)), Map.of());
    assertThatThrownBy(() -> QuantizedTensor.load(file))
        .isInstanceOf(WeightsException.class)
        .hasMessageContaining("not written by");
    Safetensors.Content good = saved(folder, everyKind());
    for (String missing : good.tensors().keySet()) {
      Map<String, dev.octet.graph.Tensor> rest = new LinkedHashMap<>(good.tensors());
      rest.remove(missing);
      Safetensors.write(file, rest, good.metadata());
      assertThatThrownBy(() -> QuantizedTensor.load(file)).isInstanceOf(WeightsException.class);
    }
    for (Map.Entry<String, String> entry : good.metadata().entrySet()) {
      for (String bad :
          new String[] {
            "",
            "{",
            "null",
            "{}",
            entry.getValue().replace("[", "[-1,"),
            entry.getValue().replace("[", "[4000000000,"),
            entry.getValue().replaceAll("\"qmax\":-?\\d+", "\"qmax\":999999"),
            entry.getValue().replaceAll("\"axis\":[^,]+", "\"axis\":7")
          }) {
        Map<String, String> metadata = new LinkedHashMap<>(good.metadata());
        metadata.put(entry.getKey(), bad);
        Safetensors.write(file, good.tensors(), metadata);
        boolean fits = entry.getKey().endsWith("wide") && bad.contains("999999");
        if (bad.equals(entry.getValue()) || fits) {
          continue;
        }
        assertThatThrownBy(() -> QuantizedTensor.load(file))
            .as("%s: %s", entry.getKey(), bad)
            .isInstanceOf(WeightsException.class);
      }
    }
  }

  @Test
  void damagedBytesNeverDoWorse(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("q.safetensors");
    QuantizedTensor.save(file, everyKind());
    byte[] good = Files.readAllBytes(file);
    Random random = new Random(5);
    int refused = 0;
    for (int i = 0; i < 500; i++) {
      byte[] bad = random.nextInt(4) == 0 ? Arrays.copyOf(good, random.nextInt(good.length)) : good;
      bad = bad.clone();
      for (int j = random.nextInt(4); j >= 0 && bad.length > 0; j--) {
        bad[random.nextInt(bad.length)] = (byte) random.nextInt();
      }
      Files.write(file, bad);
      try {
        QuantizedTensor.load(file).values().forEach(QuantizedTensor::toFloats);
      } catch (WeightsException e) {
        refused++;
      }
    }
    assertThat(refused).isBetween(250, 500);
  }

  private static Safetensors.Content saved(Path folder, Map<String, QuantizedTensor> tensors) {
    Path file = folder.resolve("good.safetensors");
    QuantizedTensor.save(file, tensors);
    return Safetensors.read(file);
  }
}
