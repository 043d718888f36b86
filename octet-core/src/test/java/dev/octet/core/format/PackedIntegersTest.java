package dev.octet.core.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class PackedIntegersTest {
  @Test
  void putsTheFirstIntegerIntoTheLowestBits() {
    assertThat(Int4.pack(new int[] {1, 2, -1})).containsExactly(0x21, 0x0F);
    assertThat(Int2.pack(new int[] {1, 2, -1, 0, 3})).containsExactly(0b00_11_10_01, 0b11);
  }

  @Test
  void readsEveryByteBack() {
    byte[] all = new byte[256];
    for (int i = 0; i < all.length; i++) {
      all[i] = (byte) i;
    }
    for (boolean signed : new boolean[] {true, false}) {
      assertThat(Int4.pack(Int4.unpack(all, 512, signed))).isEqualTo(all);
      assertThat(Int2.pack(Int2.unpack(all, 1024, signed))).isEqualTo(all);
    }
  }

  @Test
  void readsEveryIntegerBack() {
    int[] signed = {-8, -7, -1, 0, 1, 6, 7};
    assertThat(Int4.unpack(Int4.pack(signed), signed.length, true)).isEqualTo(signed);
    int[] unsigned = {0, 1, 7, 8, 14, 15};
    assertThat(Int4.unpack(Int4.pack(unsigned), unsigned.length, false)).isEqualTo(unsigned);
    int[] two = {-2, -1, 0, 1, -2};
    assertThat(Int2.unpack(Int2.pack(two), two.length, true)).isEqualTo(two);
  }

  @Test
  void packsNothingIntoNoBytes() {
    assertThat(Int4.pack(new int[0])).isEmpty();
    assertThat(Int4.unpack(new byte[0], 0, true)).isEmpty();
  }

  @Test
  void refusesCodesThatDoNotFit() {
    assertThatThrownBy(() -> Int4.pack(new int[] {0, 16}))
        .hasMessage("code 16 at index 1 does not fit 4 bits; choose -8 to 15");
    assertThatThrownBy(() -> Int2.pack(new int[] {-3}))
        .hasMessage("code -3 at index 0 does not fit 2 bits; choose -2 to 3");
  }

  @Test
  void refusesToReadMoreThanThereIs() {
    assertThatThrownBy(() -> Int4.unpack(new byte[2], 5, true))
        .hasMessage("2 bytes hold 4 integers of 4 bits, not 5");
  }
}
