package dev.octet.core.range;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** OCTAV, ACIQ and squared errors against ptq-algorithms.json, computed in float64 by others. */
class ClipSearchGoldenTest {

  static List<PeerCase> octavCases() {
    return load("octav_");
  }

  static List<PeerCase> aciqCases() {
    return PeerCase.load(
        "ptq-algorithms.json", name -> name.startsWith("aciq_") && !name.endsWith("table"));
  }

  static List<PeerCase> tableCases() {
    return load("aciq_unit_table");
  }

  static List<PeerCase> squaredErrorCases() {
    return PeerCase.load(
        "ptq-algorithms.json", name -> name.startsWith("lp_shrink_") && name.endsWith("p2.0"));
  }

  private static List<PeerCase> load(String prefix) {
    return PeerCase.load("ptq-algorithms.json", name -> name.startsWith(prefix));
  }

  private static Distribution values(PeerCase golden) {
    return new SampleDistribution(PeerCase.doubles(golden.inputs().get("x")));
  }

  private static void assertClose(double actual, JsonNode expected, double relative) {
    assertThat(actual)
        .isCloseTo(expected.asDouble(), within(relative * Math.abs(expected.asDouble())));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("octavCases")
  void octavFindsTheFixedPoint(PeerCase golden) {
    int bits = golden.params().get("num_bits").asInt();
    double clip = ClipSearch.octav(values(golden), bits);
    assertClose(clip, golden.expected().get("clip"), 1e-6);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("tableCases")
  void aciqTableAgrees(PeerCase golden) {
    double[] laplace = PeerCase.doubles(golden.expected().get("laplace_alpha_over_b"));
    double[] gauss = PeerCase.doubles(golden.expected().get("gauss_alpha_over_sigma"));
    for (int i = 0; i < laplace.length; i++) {
      int bits = golden.params().get("num_bits").get(i).asInt();
      assertThat(Aciq.laplace(bits)).isCloseTo(laplace[i], within(1e-9 * laplace[i]));
      assertThat(Aciq.gauss(bits)).isCloseTo(gauss[i], within(1e-9 * gauss[i]));
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("aciqCases")
  void aciqClipsAgree(PeerCase golden) {
    int bits = golden.params().get("num_bits").asInt();
    Distribution values = values(golden);
    JsonNode expected = golden.expected();
    double b = values.meanAbsoluteDeviation();
    double sigma = values.standardDeviation();
    assertThat(values.mean())
        .isCloseTo(expected.get("mean").asDouble(), within(1e-12 * values.amax()));
    assertClose(b, expected.get("b"), 1e-9);
    assertClose(sigma, expected.get("sigma"), 1e-9);
    assertClose(b * Aciq.laplace(bits), expected.get("laplace_clip"), 1e-9);
    assertClose(b * Aciq.laplace(bits + 1), expected.get("laplace_clip_half"), 1e-9);
    assertClose(sigma * Aciq.gauss(bits), expected.get("gauss_clip"), 1e-9);
    assertClose(sigma * Aciq.gauss(bits + 1), expected.get("gauss_clip_half"), 1e-9);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("squaredErrorCases")
  void squaredErrorsAgreeAndOurSearchIsNoWorse(PeerCase golden) {
    int bits = golden.params().get("num_bits").asInt();
    Levels levels = new Levels(bits, true, true, false);
    Distribution values = values(golden);
    double[] losses = PeerCase.doubles(golden.expected().get("losses"));
    for (int k = 0; k < losses.length; k++) {
      double scale = values.amax() * (1 - k / 100.0) / levels.qmax();
      double loss = values.squaredError(scale, levels.qmin(), levels.qmax()) / values.total();
      assertThat(loss).as("k = %d", k).isCloseTo(losses[k], within(1e-6 * losses[k]));
    }
    double ours = ClipSearch.symmetric(values, levels) / levels.qmax();
    double loss = values.squaredError(ours, levels.qmin(), levels.qmax()) / values.total();
    // Their grid of 80 factors and ours differ; waves of the error let either be a little ahead.
    assertThat(loss).isLessThanOrEqualTo(golden.expected().get("loss").asDouble() * 1.02);
  }
}
