package dev.octet.core.descriptor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.core.range.Range;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class QuantDescriptorTest {
  @ParameterizedTest
  @CsvSource({
    "2, true, false, -2, 1",
    "2, true, true, -1, 1",
    "2, false, false, 0, 3",
    "4, true, false, -8, 7",
    "4, false, false, 0, 15",
    "8, true, false, -128, 127",
    "8, true, true, -127, 127",
    "8, false, false, 0, 255",
    "16, true, false, -32768, 32767",
    "16, false, false, 0, 65535"
  })
  void hasTheIntegersOfItsBits(int bits, boolean signed, boolean narrow, int qmin, int qmax) {
    QuantDescriptor descriptor =
        QuantDescriptor.builder().bits(bits).signed(signed).narrow(narrow).build();
    assertThat(descriptor.qmin()).isEqualTo(qmin);
    assertThat(descriptor.qmax()).isEqualTo(qmax);
  }

  @ParameterizedTest
  @CsvSource({"1", "17", "0", "-8"})
  void refusesOtherBits(int bits) {
    assertThatThrownBy(() -> QuantDescriptor.builder().bits(bits).build())
        .hasMessage("bits is " + bits + "; choose 2 to 16");
  }

  @Test
  void refusesANarrowRangeOfUnsignedIntegers() {
    assertThatThrownBy(() -> QuantDescriptor.builder().signed(false).narrow(true).build())
        .hasMessage("narrow range needs signed; drop one of the two");
  }

  @Test
  void refusesANegativeFixedRangeForUnsignedSymmetricIntegers() {
    assertThatThrownBy(
            () -> QuantDescriptor.builder().signed(false).fixedRange(new Range(-1, 1)).build())
        .hasMessage(
            "fixed range starts at -1.0, which unsigned symmetric integers cannot hold;"
                + " use signed or affine ones");
  }

  @Test
  void saysWhatItIs() {
    assertThat(QuantDescriptor.int8Weight(0))
        .hasToString("int8 narrow symmetric per channel of axis 0, minmax");
    assertThat(QuantDescriptor.uint8Activation()).hasToString("uint8 affine per tensor, minmax");
    assertThat(
            QuantDescriptor.builder()
                .name("x")
                .bits(4)
                .granularity(Granularity.perBlock(1, 32))
                .fixedRange(Range.symmetric(2))
                .build())
        .hasToString("x: int4 symmetric per block of 32 along axis 1, fixed [-2.0, 2.0]");
  }

  @Test
  void isTheSameAfterABuilderTookItOver() {
    QuantDescriptor descriptor =
        QuantDescriptor.builder()
            .name("x")
            .bits(5)
            .signed(false)
            .symmetric(false)
            .granularity(Granularity.perAxis(1))
            .fixedRange(new Range(-1, 2))
            .method(new RangeMethod.Entropy())
            .build();
    assertThat(descriptor.toBuilder().build()).isEqualTo(descriptor);
    QuantDescriptor narrow = QuantDescriptor.int8Weight(3);
    assertThat(narrow.toBuilder().build()).isEqualTo(narrow);
  }
}
