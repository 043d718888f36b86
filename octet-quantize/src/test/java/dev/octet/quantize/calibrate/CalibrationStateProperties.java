package dev.octet.quantize.calibrate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.core.descriptor.RangeMethod;
import dev.octet.core.range.RangeCollector;
import dev.octet.core.range.RangeCollectors;
import dev.octet.quantize.data.HostTensor;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.Map;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;

/** A saved state comes back whole or is refused; nothing else happens, whatever the bytes. */
class CalibrationStateProperties {
  private static final byte[] SAVED = saved();

  @Property(tries = 1)
  void comesBackWhole() throws IOException {
    CalibrationState state = CalibrationState.read(new ByteArrayInputStream(SAVED));

    assertThat(state).isEqualTo(state());
  }

  @Property(tries = 500)
  void anyChangedByteIsRefused(@ForAll int at, @ForAll @IntRange(min = 1, max = 255) int change) {
    byte[] bytes = SAVED.clone();
    bytes[Math.floorMod(at, bytes.length)] ^= (byte) change;

    assertRefused(bytes);
  }

  @Property(tries = 200)
  void aCutStateIsRefused(@ForAll int at) {
    assertRefused(Arrays.copyOf(SAVED, Math.floorMod(at, SAVED.length)));
  }

  @Property(tries = 50)
  void aStateWithMoreBehindItIsRefused(@ForAll @Size(min = 1, max = 20) byte[] more) {
    byte[] bytes = Arrays.copyOf(SAVED, SAVED.length + more.length);
    System.arraycopy(more, 0, bytes, SAVED.length, more.length);

    assertRefused(bytes);
  }

  @Property(tries = 300)
  void otherBytesAreRefused(@ForAll @Size(max = 200) byte[] bytes) {
    assertRefused(bytes);
  }

  @Property(tries = 300)
  void otherBytesBehindARightBeginningAreRefused(@ForAll @Size(max = 200) byte[] tail) {
    int head = 8 + 2 + "print".length() + 8; // magic, version, fingerprint, samples
    byte[] bytes = Arrays.copyOf(SAVED, head + tail.length);
    System.arraycopy(tail, 0, bytes, head, tail.length);

    assertRefused(bytes);
  }

  private static void assertRefused(byte[] bytes) {
    assertThatThrownBy(() -> CalibrationState.read(new ByteArrayInputStream(bytes)))
        .isInstanceOf(IOException.class);
  }

  private static CalibrationState state() {
    QuantDescriptor wide = QuantDescriptor.uint8Activation();
    RangeCollector histogram =
        RangeCollectors.create("a", wide.toBuilder().method(new RangeMethod.Mse()).build(), 1);
    RangeCollector extremes = RangeCollectors.create("b", wide, 1);
    float[] values = {-1.5f, 0, 0.25f, 3};
    histogram.collect(values, new int[] {4});
    extremes.collect(values, new int[] {2, 2});
    ChannelMeans means = new ChannelMeans(1);
    means.collect(HostTensor.ofFloats(new int[] {2, 2}, values), 2);
    return new CalibrationState(
        "print", 17, Map.of("a", histogram, "b", extremes), Map.of("c", means));
  }

  private static byte[] saved() {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try {
      state().writeTo(out);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return out.toByteArray();
  }
}
