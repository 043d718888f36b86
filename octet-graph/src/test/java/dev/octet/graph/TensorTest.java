package dev.octet.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ReadOnlyBufferException;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class TensorTest {

  @Test
  void laysFloatsOutLittleEndianInRowMajorOrder() {
    Tensor tensor = Tensor.ofFloats(new float[] {1, -2}, 2, 1);
    assertThat(bytes(tensor)).containsExactly(0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0);
    assertThat(tensor.toFloats()).containsExactly(1, -2);
    assertThat(tensor.shape()).containsExactly(2, 1);
    assertThat(tensor.dim(-1)).isEqualTo(1);
    assertThat(tensor.sizeBytes()).isEqualTo(8);
  }

  @Test
  void computesLargeTensorsWheneverTheirElementsAreAskedFor() {
    int count = 1 << 15;
    AtomicInteger asked = new AtomicInteger();
    Tensor computed =
        Tensor.computed(
            values -> {
              asked.incrementAndGet();
              while (values.hasRemaining()) {
                values.put(values.position());
              }
            },
            count);
    assertThat(asked).hasValue(0);
    float[] numbers = new float[count];
    for (int i = 0; i < count; i++) {
      numbers[i] = i;
    }
    Tensor plain = Tensor.ofFloats(numbers, count);
    assertThat(computed.toFloats()).isEqualTo(numbers);
    assertThat(computed.sizeBytes()).isEqualTo(4L * count);
    assertThat(computed).isEqualTo(plain).hasSameHashCodeAs(plain);
    Tensor square = computed.reshape(128, 256);
    assertThat(square).isEqualTo(plain.reshape(128, 256)).isNotEqualTo(plain);
    assertThatThrownBy(() -> computed.reshape(3)).isInstanceOf(IllegalArgumentException.class);

    int before = asked.get();
    for (ByteBuffer out :
        List.of(ByteBuffer.allocate(4 * count + 8), ByteBuffer.allocateDirect(4 * count + 8))) {
      computed.copyTo(out.position(4));
      assertThat(out.position()).isEqualTo(4 * count + 4);
      ByteBuffer other = ByteBuffer.allocate(4 * count + 8).position(4);
      plain.copyTo(other);
      assertThat(out.rewind()).isEqualTo(other.rewind());
    }
    assertThat(asked).hasValue(before + 2);
    assertThatThrownBy(() -> computed.data().put((byte) 1))
        .isInstanceOf(ReadOnlyBufferException.class);
  }

  @Test
  void computesSmallTensorsAtOnce() {
    AtomicInteger asked = new AtomicInteger();
    Tensor small = Tensor.computed(values -> values.put(asked.incrementAndGet()));
    assertThat(small.toFloats()).containsExactly(1);
    assertThat(small.toFloats()).containsExactly(1);
  }

  @Test
  void aScalarHasNoDimensionsAndOneElement() {
    Tensor scalar = Tensor.ofLongs(new long[] {Long.MIN_VALUE});
    assertThat(scalar.rank()).isZero();
    assertThat(scalar.elementCount()).isEqualTo(1);
    assertThat(scalar.toLongs()).containsExactly(Long.MIN_VALUE);
  }

  @Test
  void widensIntegersByTheirSign() {
    byte[] ones = {-1, -1, -1, -1, -1, -1, -1, -1};
    assertThat(Tensor.ofRaw(DataType.INT8, ones, 8).toLongs()).containsOnly(-1);
    assertThat(Tensor.ofRaw(DataType.UINT8, ones, 8).toLongs()).containsOnly(255);
    assertThat(Tensor.ofRaw(DataType.INT16, ones, 4).toLongs()).containsOnly(-1);
    assertThat(Tensor.ofRaw(DataType.UINT16, ones, 4).toLongs()).containsOnly(65535);
    assertThat(Tensor.ofRaw(DataType.INT32, ones, 2).toLongs()).containsOnly(-1);
    assertThat(Tensor.ofRaw(DataType.UINT32, ones, 2).toLongs()).containsOnly(4294967295L);
    assertThat(Tensor.ofRaw(DataType.UINT64, ones, 1).toLongs()).containsOnly(-1);
    assertThat(Tensor.ofInts(new int[] {7}, 1).toLongs()).containsExactly(7);
  }

  @Test
  void roundsDoublesToNearestFloat() {
    ByteBuffer raw = ByteBuffer.allocate(8).order(java.nio.ByteOrder.LITTLE_ENDIAN);
    raw.putDouble(0.1).flip();
    assertThat(Tensor.wrap(DataType.DOUBLE, new long[0], raw).toFloats()).containsExactly(0.1f);
  }

  @Test
  void packsTwoFourBitElementsIntoAByte() {
    assertThat(Tensor.ofRaw(DataType.INT4, new byte[2], 3).elementCount()).isEqualTo(3);
    assertThatThrownBy(() -> Tensor.ofRaw(DataType.UINT4, new byte[1], 3))
        .hasMessage("tensor of UINT4[3] needs 2 bytes, but 1 are given");
  }

  @Test
  void refusesShapesThatDoNotFitTheData() {
    assertThatThrownBy(() -> Tensor.ofFloats(new float[3], 2))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("tensor of FLOAT[2] needs 8 bytes, but 12 are given");
    assertThatThrownBy(() -> Tensor.ofFloats(new float[1], -1))
        .hasMessage("shape [-1] has a negative dimension");
    assertThatThrownBy(() -> Tensor.ofFloats(new float[0], 1L << 40, 1L << 40))
        .hasMessageContaining("more elements than can be counted");
    assertThatThrownBy(() -> Tensor.ofFloats(new float[0], 1L << 62))
        .hasMessageContaining("more elements than can be counted");
    assertThatThrownBy(() -> Tensor.ofFloats(new float[0], 0, 1L << 40, 1L << 40))
        .hasMessageContaining("more elements than can be counted");
    assertThat(Tensor.ofFloats(new float[0], 0, 5).elementCount()).isZero();
  }

  @Test
  void keepsTextAsBytes() {
    Bytes notUtf8 = Bytes.copyOf(new byte[] {(byte) 0xFF});
    Tensor text = Tensor.ofStrings(new long[] {2}, List.of(notUtf8, Bytes.EMPTY));
    assertThat(text.strings()).containsExactly(notUtf8, Bytes.EMPTY);
    assertThat(text.sizeBytes()).isEqualTo(1);
    assertThat(text.reshape(2, 1).strings()).isEqualTo(text.strings());
    assertThatThrownBy(() -> Tensor.ofStrings(new long[] {3}, List.of()))
        .hasMessage("shape [3] does not hold 0 texts");
    assertThatThrownBy(() -> Tensor.wrap(DataType.STRING, new long[0], ByteBuffer.allocate(0)))
        .hasMessageContaining("use Tensor.ofStrings");
    assertThatThrownBy(text::toFloats).hasMessage("tensor holds STRING; floats were asked for");
    assertThatThrownBy(text::toLongs).hasMessage("tensor holds STRING; integers were asked for");
  }

  @Test
  void cannotBeChanged() {
    byte[] raw = {1, 2};
    Tensor tensor = Tensor.ofRaw(DataType.INT8, raw, 2);
    raw[0] = 9;
    tensor.shape()[0] = 9;
    assertThat(tensor.toLongs()).containsExactly(1, 2);
    assertThatThrownBy(() -> tensor.data().put((byte) 9))
        .isInstanceOf(ReadOnlyBufferException.class);
    tensor.data().get();
    assertThat(tensor.data().position()).isZero();
  }

  @Test
  void equalsByTypeShapeAndBits() {
    Tensor nan = Tensor.ofFloats(new float[] {Float.NaN, -0.0f}, 2);
    assertThat(nan).isEqualTo(Tensor.ofFloats(new float[] {Float.NaN, -0.0f}, 2));
    assertThat(nan).hasSameHashCodeAs(Tensor.ofFloats(new float[] {Float.NaN, -0.0f}, 2));
    assertThat(nan).isNotEqualTo(Tensor.ofFloats(new float[] {Float.NaN, 0.0f}, 2));
    assertThat(nan).isNotEqualTo(nan.reshape(1, 2));
    assertThat(nan).isNotEqualTo(Tensor.wrap(DataType.INT32, new long[] {2}, nan.data()));
  }

  private static int[] bytes(Tensor tensor) {
    ByteBuffer data = tensor.data();
    int[] bytes = new int[data.remaining()];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = data.get() & 0xFF;
    }
    return bytes;
  }
}
