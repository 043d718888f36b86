package dev.octet.workflows.distiller;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.octet.testing.SharedFolder;
import dev.octet.torch.Scope;
import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.Module;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Against Distiller: distiller-overrides.json, the contract of 2019. Three cases differ on purpose:
 * patterns are isolated from each other, match whole names, and only the component {@code module}
 * is left out of a name. They are told apart in {@link OverridesTest}.
 */
final class OverridesGoldenTest {
  private static final Set<String> BETTER =
      Set.of("top_level_alternation", "module_substring_removed", "capturing_group_shift");

  /** Replaces what the peer's test quantizer replaces. */
  static final class Wrapping extends Quantizer {
    private static final Set<String> LAYER = Set.of("clip_acts", "per_channel_wts");

    Wrapping(Module model, QBits bits, Overrides overrides, boolean fpCopy) {
      super(model, bits, overrides, null, fpCopy);
      replace(Conv2d.class, LAYER, (module, name, own, arguments) -> new Wrapper(module));
      replace(Linear.class, LAYER, (module, name, own, arguments) -> new Wrapper(module));
      replaceActivation(
          "ReLU", Set.of("clip_acts"), (module, name, own, arguments) -> new Wrapper(module));
    }
  }

  private static final class Wrapper extends Module {
    Wrapper(Module wrapped) {
      child("wrapped_module", wrapped);
    }

    @Override
    protected Tensor forward(Tensor x) {
      return x;
    }
  }

  record Case(String name, JsonNode json) {
    @Override
    public String toString() {
      return name;
    }
  }

  static Stream<Case> cases() throws IOException {
    JsonNode file =
        new ObjectMapper()
            .readTree(SharedFolder.require("golden/distiller-overrides.json").toFile());
    return StreamSupport.stream(file.get("cases").spliterator(), false)
        .map(json -> new Case(json.get("name").asText(), json))
        .filter(each -> !BETTER.contains(each.name()));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("cases")
  void resolvesAsThePeer(Case golden) {
    JsonNode expected = golden.json().get("expected").get("contract_2019");
    try (Scope scope = Scope.open();
        Tree model = Tree.of(golden.json().get("inputs").get("modules"))) {
      if (expected.has("construct_error")) {
        assertThatThrownBy(() -> quantizer(golden, model))
            .isInstanceOf(IllegalArgumentException.class);
        return;
      }
      Quantizer quantizer = quantizer(golden, model);
      quantizer.compatibility(Quantizer.Compatibility.BIAS_WITHOUT_WEIGHTS);
      Map<String, QBits> bits = new HashMap<>(quantizer.moduleBits());
      for (JsonNode resolved : expected.get("resolved")) {
        String name = resolved.get("name").asText();
        assertThat(bits.get(name))
            .as(name)
            .isEqualTo(
                new QBits(
                    number(resolved.get("acts")),
                    number(resolved.get("wts")),
                    number(resolved.get("bias"))));
        assertThat(quantizer.moduleArguments().get(name))
            .as("arguments of %s", name)
            .isEqualTo(data(resolved.get("kwargs")));
      }
      if (expected.has("prepare_error")) {
        assertThatThrownBy(quantizer::prepareModel).isInstanceOf(IllegalArgumentException.class);
        assertThat(quantizer.replaced()).isEmpty();
        return;
      }
      quantizer.prepareModel();
      List<String> replaced = new ArrayList<>();
      expected.get("replaced").forEach(each -> replaced.add(each.asText()));
      assertThat(quantizer.replaced().keySet()).containsExactlyElementsOf(replaced);
      List<List<Object>> params = new ArrayList<>();
      expected
          .get("params_to_quantize")
          .forEach(
              each ->
                  params.add(
                      List.of(each.get(0).asText(), each.get(1).asText(), each.get(2).asInt())));
      assertThat(
              quantizer.paramsToQuantize().stream()
                  .map(
                      each ->
                          List.<Object>of(each.moduleName(), each.parameterName(), each.bits())))
          .containsExactlyInAnyOrderElementsOf(params);
    }
  }

  private static Quantizer quantizer(Case golden, Module model) {
    JsonNode params = golden.json().get("params");
    JsonNode defaults = params.get("defaults");
    QBits bits =
        new QBits(number(defaults.get(0)), number(defaults.get(1)), number(defaults.get(2)));
    Map<String, Map<String, @Nullable Object>> entries = new LinkedHashMap<>();
    golden
        .json()
        .get("inputs")
        .get("overrides")
        .forEach(each -> entries.put(each.get(0).asText(), data(each.get(1))));
    boolean plain = params.path("plain_dict").asBoolean(false);
    return new Wrapping(
        model,
        bits,
        Overrides.of(plain ? new HashMap<>(entries) : entries),
        params.path("fp_copy").asBoolean(false));
  }

  private static Map<String, @Nullable Object> data(JsonNode json) {
    Map<String, @Nullable Object> data = new LinkedHashMap<>();
    json.properties()
        .forEach(
            each -> {
              JsonNode value = each.getValue();
              data.put(
                  each.getKey(),
                  value.isNull()
                      ? null
                      : value.isInt()
                          ? (Object) value.asInt()
                          : value.isBoolean() ? (Object) value.asBoolean() : value.asText());
            });
    return data;
  }

  private static @Nullable Integer number(JsonNode json) {
    return json.isNull() ? null : json.asInt();
  }
}
