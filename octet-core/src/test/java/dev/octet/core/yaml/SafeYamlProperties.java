package dev.octet.core.yaml;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

final class SafeYamlProperties {
  @Provide
  Arbitrary<Map<String, Object>> sections() {
    Arbitrary<String> texts = Arbitraries.strings().withCharRange(' ', '~').ofMaxLength(12);
    Arbitrary<Object> scalars =
        Arbitraries.oneOf(
            texts.map(text -> text),
            Arbitraries.integers().map(number -> number),
            Arbitraries.longs().greaterOrEqual(1L << 40).map(number -> number),
            Arbitraries.doubles().map(number -> number),
            Arbitraries.of(true, false).map(flag -> flag));
    Arbitrary<Object> lists = scalars.list().ofMaxSize(3).map(list -> list);
    Arbitrary<Object> inner = Arbitraries.maps(texts, scalars).ofMaxSize(3).map(map -> map);
    return Arbitraries.maps(texts, Arbitraries.oneOf(scalars, lists, inner)).ofMaxSize(5);
  }

  @Property(tries = 300)
  void readsWhatItWrites(@ForAll("sections") Map<String, Object> section) {
    assertThat(SafeYaml.read(SafeYaml.write(section), "t")).isEqualTo(section);
  }

  @Property(tries = 300)
  void anyTextIsReadOrRefused(@ForAll String text) {
    Throwable refusal = catchThrowable(() -> SafeYaml.read(text, "t"));
    if (refusal != null) {
      assertThat(refusal).isExactlyInstanceOf(IllegalArgumentException.class);
      assertThat(refusal).hasMessageStartingWith("t:");
    }
  }

  @Example
  void orderAndNullsAreKept() {
    Map<String, Object> section = new LinkedHashMap<>();
    section.put("z", null);
    section.put("a", List.of(1, 2.5));
    Map<String, Object> read = SafeYaml.read(SafeYaml.write(section), "t");
    assertThat(read).isEqualTo(section);
    assertThat(read.keySet()).containsExactly("z", "a");
  }

  @Example
  void nothingGrowsOrMakesObjects() {
    StringBuilder bomb = new StringBuilder("a0: &a0 [x, x]\n");
    for (int i = 1; i < 40; i++) {
      bomb.append("a%d: &a%d [*a%d, *a%d]\n".formatted(i, i, i - 1, i - 1));
    }
    assertThatThrownBy(() -> SafeYaml.read(bomb.toString(), "t"))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> SafeYaml.read("a: !!javax.script.ScriptEngineManager []", "t"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("t:1:4: ")
        .hasMessageContaining("is a YAML tag, which data files do not have");
    assertThatThrownBy(() -> SafeYaml.read("a: 1\na: 2", "t"))
        .hasMessage("t:2:1: key 'a' is given twice, first in line 1; drop one");
    assertThatThrownBy(() -> SafeYaml.read("[1]", "t")).hasMessageContaining("a list");
    assertThatThrownBy(() -> SafeYaml.read("{? {b: c} : 1}", "t"))
        .hasMessageContaining("used as a key");
  }

  @Example
  void valuesAreThoseOfYaml() {
    Map<String, Object> read =
        SafeYaml.read(
            """
            flag: yes
            off: Off
            none: ~
            quoted: '7'
            whole: -7
            long: 5000000000
            real: 1.5e+3
            text: 1e-05x
            huge: .inf
            least: -.INF
            0: {a: [1, b]}
            """,
            "t");
    assertThat(read)
        .containsEntry("flag", true)
        .containsEntry("off", false)
        .containsEntry("none", null)
        .containsEntry("quoted", "7")
        .containsEntry("whole", -7)
        .containsEntry("long", 5_000_000_000L)
        .containsEntry("real", 1500.0)
        .containsEntry("text", "1e-05x")
        .containsEntry("huge", Double.POSITIVE_INFINITY)
        .containsEntry("least", Double.NEGATIVE_INFINITY)
        .containsEntry("0", Map.of("a", List.of(1, "b")));
    assertThat(SafeYaml.read("", "t")).isEmpty();
    assertThat(SafeYaml.read("---\n", "t")).isEmpty();
    assertThat(SafeYaml.number("1e-05", "it")).isEqualTo(1e-5);
  }

  @Example
  void numbersThatNobodyMeansSoAreRefused() {
    for (String text : List.of("010", "1:30", "0x1F", "99999999999999999999", "2001-01-01")) {
      assertThatThrownBy(() -> SafeYaml.read("b: 1\na: " + text, "t"))
          .isExactlyInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith("t:2:4: '" + text + "' is read as ");
    }
    assertThat(SafeYaml.read("a: " + "9".repeat(1_000_000), "t")).containsKey("a");
    assertThat(SafeYaml.read("a: 1" + ":1".repeat(500_000), "t")).containsKey("a");
  }
}
