package dev.octet.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GoldenTest {
  @TempDir Path folder;

  private Golden only(String expected) throws IOException {
    return write(
        "{\"name\": \"one\", \"inputs\": {}, \"params\": {}, \"expected\": " + expected + "}");
  }

  private Golden write(String cases) throws IOException {
    Path file = folder.resolve("topic.json");
    Files.writeString(file, "{\"topic\": \"topic\", \"cases\": [" + cases + "]}");
    return Golden.read(file).toList().get(0);
  }

  @Test
  void keepsNegativeZeroAndReadsNanAndInfinities() throws IOException {
    Golden golden =
        only(
            "{\"y\": {\"dtype\": \"float32\", \"shape\": [2, 2],"
                + " \"data\": [-0.0, \"NaN\", \"-Infinity\", 0.1]}}");
    assertThat(golden.expected().floats("y"))
        .containsExactly(-0.0f, Float.NaN, Float.NEGATIVE_INFINITY, 0.1f);
    golden.close();
  }

  @Test
  void roundsDecimalsToFloatOnce() throws IOException {
    // Just above the middle of two floats, by less than a double can tell.
    String text = "1.000000059604644775390626";
    assertThat((float) Double.parseDouble(text)).isEqualTo(1f);
    assertThat(only("{\"s\": " + text + "}").expected().number("s")).isEqualTo(Math.nextUp(1f));
  }

  @Test
  void failsOnAnExpectedValueThatNoTestReads() throws IOException {
    Golden golden = only("{\"y\": 1, \"steps\": [{\"min\": 2, \"max\": 3}]}");
    assertThat(golden.expected().integer("y")).isEqualTo(1);
    List<Fields> steps = golden.expected().objects("steps");
    assertThat(steps.get(0).integer("min")).isEqualTo(2);
    assertThatThrownBy(golden::close)
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("topic.json.cases[0].expected.steps[0].max");
    steps.get(0).leave("max");
    golden.close();
  }

  @Test
  void failsOnANameThatIsNotThere() throws IOException {
    assertThatThrownBy(() -> only("{\"y\": 1}").expected().number("z"))
        .hasMessageContaining("has no 'z'; it has [y]");
  }

  @Test
  void tellsAbsentFromPresent() throws IOException {
    Fields expected = only("{\"bias\": null, \"y\": 1}").expected();
    assertThat(expected.has("bias")).isFalse();
    assertThat(expected.has("y")).isTrue();
  }

  @Test
  void failsOnAFileWithoutCases() {
    assertThatThrownBy(() -> write("")).hasMessageContaining("has no cases");
  }

  @Test
  void failsOnAnArrayThatDoesNotFillItsShape() throws IOException {
    Golden golden = only("{\"y\": {\"dtype\": \"int8\", \"shape\": [3], \"data\": [1]}}");
    assertThatThrownBy(() -> golden.expected().ints("y"))
        .hasMessageContaining("has 1 values for a shape of 3");
  }
}
