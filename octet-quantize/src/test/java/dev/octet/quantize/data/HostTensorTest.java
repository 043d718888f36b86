package dev.octet.quantize.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

class HostTensorTest {

  @Test
  void theArrayMustFillTheShape() {
    assertThatThrownBy(() -> HostTensor.ofFloats(new int[] {2, 2}, new float[3]))
        .hasMessage("shape [2, 2] wants 4 elements, the array has 3");
    assertThatThrownBy(() -> HostTensor.ofFloats(new int[] {-1}, new float[1]))
        .hasMessage("shape [-1] has a negative size");
    assertThat(HostTensor.ofFloats(new int[0], new float[1]).elementCount()).isEqualTo(1);
    assertThat(HostTensor.ofLongs(new int[] {0, 5}, new long[0]).elementCount()).isZero();
  }

  @Test
  void rowsAndConcatAreInverse() {
    HostTensor whole = HostTensor.ofInts(new int[] {3, 2}, new int[] {1, 2, 3, 4, 5, 6});
    assertThat(whole.row(1)).isEqualTo(HostTensor.ofInts(new int[] {1, 2}, new int[] {3, 4}));
    assertThat(HostTensor.concat(List.of(whole.row(0), whole.row(1), whole.row(2))))
        .isEqualTo(whole);
    assertThatThrownBy(() -> HostTensor.concat(List.of(whole, whole.reshape(2, 3))))
        .hasMessage("int32 [3, 2] and int32 [2, 3] do not stack");
  }

  @Test
  void copiesAndViewsDoNotChangeTheTensor() {
    HostTensor tensor = HostTensor.ofFloats(new int[] {1}, new float[] {1});
    tensor.floats()[0] = 9;
    tensor.shape()[0] = 9;
    assertThat(tensor).isEqualTo(HostTensor.ofFloats(new int[] {1}, new float[] {1}));
    assertThat(tensor.floatBuffer().isReadOnly()).isTrue();
    assertThatThrownBy(tensor::longs)
        .hasMessage("tensor is float32 [1], not int64; convert it with 'to' first");
  }

  @Test
  void conversionsRoundOnceAndRefuseWhatDoesNotFit() {
    // 2^24 + 1 lies between two floats; half to even gives 2^24.
    HostTensor longs = HostTensor.ofLongs(new int[] {1}, new long[] {(1L << 24) + 1});
    assertThat(longs.toFloats()).containsExactly(0x1p24f);
    // Through double, 2^54 + 2^30 + 1 would lose the 1 that decides the rounding to float.
    longs = HostTensor.ofLongs(new int[] {1}, new long[] {(1L << 54) + (1L << 30) + 1});
    assertThat(longs.toFloats()).containsExactly(0x1p54f + 0x1p31f);
    HostTensor nan = HostTensor.ofFloats(new int[] {1}, new float[] {Float.NaN});
    assertThatThrownBy(() -> nan.to(ElementType.INT64))
        .isInstanceOf(DataException.class)
        .hasMessage("value NaN at element 0 is no int64");
    HostTensor huge = HostTensor.ofDoubles(new int[] {1}, new double[] {0x1p63});
    assertThatThrownBy(() -> huge.to(ElementType.INT64)).isInstanceOf(DataException.class);
    assertThat(
            HostTensor.ofDoubles(new int[] {1}, new double[] {-0x1p63})
                .to(ElementType.INT64)
                .longs())
        .containsExactly(Long.MIN_VALUE);
  }
}
