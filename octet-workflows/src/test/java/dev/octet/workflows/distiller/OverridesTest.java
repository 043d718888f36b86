package dev.octet.workflows.distiller;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.torch.Scope;
import dev.octet.torch.nn.Linear;
import dev.octet.workflows.distiller.OverridesGoldenTest.Wrapping;
import org.junit.jupiter.api.Test;

final class OverridesTest {
  private static final QBits DEFAULTS = new QBits(8, 8, 32);

  private static Integer weightBits(Overrides overrides, String path) {
    return overrides.session().resolve(path, DEFAULTS).bits().wts();
  }

  @Test
  void alternativesMatchWholeNames() {
    Overrides overrides = Overrides.NONE.with("conv1|fc", "bits_weights", 5);
    assertThat(weightBits(overrides, "conv1")).isEqualTo(5);
    assertThat(weightBits(overrides, "fc")).isEqualTo(5);
    assertThat(weightBits(overrides, "conv1b")).isEqualTo(8);
  }

  @Test
  void groupsDoNotShiftWhatIsMatched() {
    Overrides overrides =
        Overrides.NONE.with("(a|b)x.*", "bits_weights", 2).with("cx.*", "bits_weights", 3);
    assertThat(weightBits(overrides, "bx1")).isEqualTo(2);
    assertThat(weightBits(overrides, "cx1")).isEqualTo(3);
  }

  @Test
  void onlyTheComponentModuleIsLeftOut() {
    Overrides overrides =
        Overrides.NONE
            .with("blk.submodule.fc", "bits_weights", 2)
            .with("blk.subfc", "bits_weights", 3);
    assertThat(weightBits(overrides, "blk.submodule.fc")).isEqualTo(2);
    assertThat(weightBits(overrides, "blk.subfc")).isEqualTo(3);
    assertThat(weightBits(overrides, "module.blk.subfc")).isEqualTo(3);
  }

  @Test
  void saysWhichKeysDecideNothing() {
    try (Scope scope = Scope.open();
        Tree model = new Tree()) {
      model.add("conv1", Linear.builder(2, 2).build());
      Quantizer quantizer =
          new Wrapping(
              model,
              DEFAULTS,
              Overrides.NONE
                  .with("con.*", "bits_weights", 2)
                  .with("conv1", "bits_weights", 3)
                  .with("fc.*", "bits_weights", 4),
              false);
      assertThat(quantizer.warnings())
          .containsExactly(
              "override 1 'con.*' decides nothing: literal names and earlier patterns name all that"
                  + " it names",
              "override 3 'fc.*' matches no layer");
    }
  }

  @Test
  void areReadFromYaml() {
    Overrides overrides =
        Overrides.parse(
            "conv1:\n  bits_weights: 4\nfc:\n  bits_activations: null\n  clip_acts: AVG\nnone:\n",
            "o.yaml");
    assertThat(overrides.entries().keySet()).containsExactly("conv1", "fc", "none");
    assertThat(overrides.session().resolve("fc", DEFAULTS).bits().acts()).isNull();
    assertThat(overrides.session().resolve("fc", DEFAULTS).arguments())
        .containsEntry("clip_acts", "AVG")
        .hasSize(1);
    assertThat(Overrides.parse(overrides.toYaml(), "again")).isEqualTo(overrides);
  }

  @Test
  void refusesTagsAndWrongBits() {
    assertThatThrownBy(() -> Overrides.parse("a: !!java.util.Date 1", "o.yaml"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("o.yaml:1:4: 'tag:yaml.org,2002:java.util.Date' is a YAML tag");
    assertThatThrownBy(() -> Overrides.NONE.with("a", "bits_weights", 0))
        .hasMessage(
            "overrides of 'a' set bits_weights to '0'; give a whole number from 1 to 32, or null to"
                + " leave float");
    assertThatThrownBy(() -> Overrides.NONE.with("a", "wts", 4))
        .hasMessageContaining("deprecated key 'wts'");
  }
}
