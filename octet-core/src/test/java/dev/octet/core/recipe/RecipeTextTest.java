package dev.octet.core.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.core.descriptor.Granularity;
import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.core.descriptor.RangeMethod;
import dev.octet.core.range.Range;
import dev.octet.core.rules.Rule;
import dev.octet.core.rules.Settings;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RecipeTextTest {

  private static void refused(String yaml, String message) {
    assertThatThrownBy(() -> Recipe.parse(yaml, "my.yaml"))
        .isInstanceOf(RecipeException.class)
        .hasMessage(message);
  }

  @Test
  void everyKeyIsRead() {
    Recipe recipe =
        Recipe.parse(
            """
            name: mine
            preset: w4a8
            mode: weight-only
            format: qoperator
            target: openvino
            weight: {bits: 5, narrow: false, granularity: block:64, method: octav}
            activation: {signed: true, symmetric: true, range: [-6, 6.5]}
            cross-layer-equalization: true
            bias-correction: false
            smooth-quant: 0.5
            samples: 7
            batch-size: 2
            operators: [Gemm, Conv]
            preprocessing:
              preset: imagenet
              resize: 232
              crop: 224
              layout: nhwc
              channels: bgr
              scale: 255
              mean: [104, 117, 123]
              std: [1]
            rules:
              - name: 'head\\.[0-9]+'
                operator: Gemm
                float: true
              - operator: Conv
                weight: {bits: 8, granularity: channel}
                activation: {method: percentile:99.9}
            """);
    assertThat(recipe.name()).isEqualTo("mine");
    assertThat(recipe.mode()).isEqualTo(Mode.WEIGHT_ONLY);
    assertThat(recipe.format()).isEqualTo(Format.QOPERATOR);
    assertThat(recipe.target()).isEqualTo(Target.OPENVINO);
    assertThat(recipe.weight())
        .isEqualTo(
            QuantDescriptor.builder()
                .bits(5)
                .granularity(Granularity.perBlock(1, 64))
                .method(new RangeMethod.Octav())
                .build());
    assertThat(recipe.activation())
        .isEqualTo(
            Recipe.int8().activation().toBuilder()
                .signed(true)
                .symmetric(true)
                .fixedRange(new Range(-6, 6.5f))
                .build());
    assertThat(recipe.crossLayerEqualization()).isTrue();
    assertThat(recipe.biasCorrection()).isFalse();
    assertThat(recipe.smoothQuant()).isEqualTo(0.5);
    assertThat(recipe.samples()).isEqualTo(7);
    assertThat(recipe.batchSize()).isEqualTo(2);
    assertThat(recipe.operators()).containsExactly("Conv", "Gemm");
    assertThat(recipe.preprocessing())
        .isEqualTo(
            new PreprocessingSpec(
                "imagenet", 232, 224, "nhwc", "bgr", 255f, List.of(104f, 117f, 123f), List.of(1f)));
    assertThat(recipe.rules().rules())
        .containsExactly(
            Rule.keepFloat("head\\.[0-9]+", "Gemm"),
            new Rule(
                null,
                "Conv",
                false,
                new Settings(8, null, null, null, Granularity.perAxis(0), null, null),
                new Settings(
                    null, null, null, null, null, new RangeMethod.Percentile(99.9), null)));
  }

  @Test
  void whatIsNotGivenStaysAsTheDefaultHasIt() {
    assertThat(Recipe.parse("samples: 20"))
        .isEqualTo(Recipe.int8().toBuilder().samples(20).build());
    assertThat(Recipe.parse("{preset: int8, weight: {bits: 4}}").weight())
        .isEqualTo(Recipe.int8().weight().toBuilder().bits(4).build());
  }

  @Test
  void whereThePresetStandsDoesNotMatter() {
    assertThat(Recipe.parse("samples: 20\npreset: float16"))
        .isEqualTo(Recipe.parse("preset: float16\nsamples: 20"));
  }

  @Test
  void smoothQuantCanBeLeftOut() {
    assertThat(Recipe.parse("smooth-quant: false").smoothQuant()).isNull();
    refused(
        "smooth-quant: true",
        "my.yaml:1:15: 'smooth-quant': found 'true'; write a number, such as 0.5");
    refused(
        "smooth-quant: 1.5",
        "my.yaml:1:15: 'smooth-quant': SmoothQuant strength is 1.5; choose 0 to 1");
  }

  @Test
  void anUnknownKeyIsNamedWithItsPlaceAndTheNearestKnownKey() {
    refused(
        "preset: int8\nactivaton: {}",
        "my.yaml:2:1: unknown key 'activaton'; did you mean 'activation'?");
    refused("weight:\n  bit: 8", "my.yaml:2:3: unknown key 'weight.bit'; did you mean 'bits'?");
    refused(
        "rules:\n  - name: a\n    flaot: true",
        "my.yaml:3:5: unknown key 'rules #1.flaot'; did you mean 'float'?");
    refused(
        "preprocessing: {sharpness: 1}",
        "my.yaml:1:17: unknown key 'preprocessing.sharpness'; choose one of preset, resize, crop,"
            + " layout, channels, scale, mean, std");
  }

  @Test
  void aKeyGivenTwiceIsRefused() {
    refused(
        "samples: 1\nmode: static\nsamples: 2",
        "my.yaml:3:1: key 'samples' is given twice, first in line 1; drop one");
  }

  @Test
  void whatADescriptorRefusesIsToldWithTheLineOfItsKey() {
    refused(
        "weight:\n  signed: true\n  bits: 99",
        "my.yaml:3:9: 'weight.bits': bits is 99; choose 2 to 16");
    refused(
        "mode: static\nactivation: {narrow: true}",
        "my.yaml:2:13: 'activation': narrow range needs signed; drop one of the two");
    refused(
        "weight:\n  range: [1, -1]",
        "my.yaml:2:10: 'weight.range': range [1.0, -1.0] is upside down; give the smaller end"
            + " first");
    refused(
        "weight:\n  range: [0, 1e39]",
        "my.yaml:2:10: 'weight.range': range [0.0, Infinity] is not finite; leave NaN and"
            + " infinities out");
    refused(
        "activation:\n  method: percentile:12",
        "my.yaml:2:11: 'activation.method': percentile is 12.0; choose above 50 and at most 100");
    refused(
        "activation:\n  granularity: channel",
        "my.yaml:2:3: 'activation': activations are quantized per channel of axis 0; only one"
            + " scale for the tensor can be folded into integer arithmetic");
  }

  @Test
  void weightsAreNotAveragedOverBatchesTheyDoNotHave() {
    String message =
        "range method 'average' averages over batches or samples, and weights have none; choose"
            + " mse, minmax or another that looks at values";
    refused("weight:\n  method: average", "my.yaml:2:3: 'weight': " + message);
    refused(
        "rules:\n  - {name: a, weight: {method: average}}",
        "my.yaml:2:5: 'rules #1': rule 'a': " + message);
    assertThat(Recipe.parse("activation: {method: average}").activation().method())
        .isEqualTo(new RangeMethod.AverageExtremes());
  }

  @Test
  void whatARuleWouldDoToTheDefaultsIsCheckedAtItsLine() {
    refused(
        """
        rules:
          - name: a
            float: true
          - name: b
            activation: {narrow: true}
        """,
        "my.yaml:4:5: 'rules #2': rule 'b': narrow range needs signed; drop one of the two");
  }

  @Test
  void contradictingRulesAreToldAtTheLaterOne() {
    refused(
        """
        rules:
          - {name: a, float: true}
          - {name: b, float: true}
          - {name: a, weight: {bits: 4}}
        """,
        "my.yaml:4:5: 'rules #3': rules 1 and 3 both name 'a' and contradict each other; drop one");
  }

  @Test
  void aPatternThatIsNoRegularExpressionIsToldAtItsName() {
    refused(
        "rules:\n  - operator: Conv\n    name: '[a'\n    float: true",
        "my.yaml:3:11: 'rules #1.name': '[a' is no regular expression: missing closing ]");
    refused(
        "rules:\n  - float: true",
        "my.yaml:2:5: 'rules #1': a rule names nothing; give 'name', 'operator' or both");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "samples: 0           | 1:10: 'samples': samples is 0; choose 1 or more",
        "batch-size: -1       | 1:13: 'batch-size': batch size is -1; choose 1 or more",
        "samples: 010         | 1:10: 'samples': found '010'; write a whole number in decimal"
            + " digits",
        "samples: 99999999999 | 1:10: 'samples': 99999999999 is more than any setting takes",
        "samples: [1]         | 1:10: 'samples': found a list; write a whole number",
        "samples:             | 1:9: 'samples': found nothing; write a whole number",
        "bias-correction: yes | 1:18: 'bias-correction': found 'yes'; write true or false",
        "mode: statc          | 1:7: 'mode': found 'statc'; did you mean 'static'?",
        "mode: 1              | 1:7: 'mode': found '1'; choose one of static, dynamic, weight-only,"
            + " float16",
        "mode: {}             | 1:7: 'mode': found a section; write one of static, dynamic,"
            + " weight-only, float16",
        "name: ' '            | 1:7: 'name': the recipe's name is blank; give one or leave it out",
        "preset: int4         | 1:9: 'preset': there is no preset 'int4'; did you mean 'int8'?",
        "weight: 8            | 1:9: 'weight': found '8'; write a section of keys and values",
        "weight: {range: [1]} | 1:17: 'weight.range': found a list of 1; write both ends, such as"
            + " [-1.0, 1.0]",
        "weight: {range: [a,b]} | 1:18: 'weight.range #1': found 'a'; write a number, such as 0.5",
        "weight: {granularity: blok:3} | 1:23: 'weight.granularity': found 'blok:3'; write tensor,"
            + " channel or a block size as block:32",
        "operators: Conv      | 1:12: 'operators': found 'Conv'; write a list, such as [a, b]",
        "operators: ['']      | 1:13: 'operators #1': found nothing; write text, or drop the key",
        "operators: [' ']     | 1:12: 'operators': an operator's name is blank; name an operator"
            + " such as 'Conv'",
        "preprocessing: {crop: 0} | 1:16: 'preprocessing': crop is 0 pixels; choose 1 to 16384",
        "preprocessing: {std: [0]} | 1:16: 'preprocessing': std is [0.0]; choose numbers above 0",
        "preprocessing: {scale: 2} | 1:16: 'preprocessing': scale is 2.0; choose 1 or 255",
        "preprocessing: {layout: hwc} | 1:16: 'preprocessing': layout is 'hwc'; choose one of nchw,"
            + " nhwc",
        "name: *x             | 1:7: '*x' is a YAML alias, which recipes do not have; put quotes"
            + " around text with a '*'",
        "weight: &x {}        | 1:9: '&x' is a YAML anchor, which recipes do not have; put quotes"
            + " around text with a '&'",
        "name: !!java.net.URL y | 1:7: 'tag:yaml.org,2002:java.net.URL' is a YAML tag, which recipes do not have;"
            + " put quotes around text with a '!'",
        "- a                  | 1:1: a recipe is a section of keys and values; found a list",
      })
  void whatIsWrongIsToldWithPlaceAndKey(String yaml, String message) {
    refused(yaml, "my.yaml:" + message);
  }

  @Test
  void aSecondDocumentIsRefused() {
    refused(
        "samples: 1\n---\nsamples: 2\n",
        "my.yaml:3:1: a second document starts; a recipe is one document");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "\n\n", "# nothing\n", "---\n"})
  void anEmptyTextIsRefused(String yaml) {
    assertThatThrownBy(() -> Recipe.parse(yaml)).isInstanceOf(RecipeException.class);
  }

  @Test
  void whatIsNotYamlIsToldWithItsPlace() {
    refused("a: [1, 2\nb: 3", "my.yaml:2:2: this is not YAML: expected ',' or ']', but got :");
    refused(
        "\tsamples: 1",
        "my.yaml:1:1: this is not YAML: found character '\\t(TAB)' that cannot start any token. (Do not use"
            + " \\t(TAB) for indentation)");
  }

  @Test
  void theTextOfARecipeNamesEverything() {
    assertThat(Recipe.preset("w4a8").toYaml())
        .isEqualTo(
            """
            name: w4a8
            mode: static
            format: qdq
            target: onnxruntime
            weight:
              bits: 4
              signed: true
              symmetric: true
              narrow: true
              granularity: block:32
              method: mse
            activation:
              bits: 8
              signed: false
              symmetric: false
              narrow: false
              granularity: tensor
              method: mse
            cross-layer-equalization: false
            bias-correction: true
            smooth-quant: false
            samples: 500
            batch-size: 1
            operators: []
            rules: []
            """);
  }

  @Test
  void aFileWithoutANameIsCalledLikeTheFile(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("mine.v2.yaml");
    Files.writeString(file, "preset: float16\n");
    assertThat(Recipe.load(file))
        .isEqualTo(Recipe.preset("float16").toBuilder().name("mine.v2").build());
    Files.writeString(file, "name: other");
    assertThat(Recipe.load(file).name()).isEqualTo("other");
  }

  @Test
  void aByteOrderMarkIsSkipped(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("r.yaml");
    Files.writeString(file, "\ufeffsamples: 3\r\nbatch-size: 1\r\n");
    assertThat(Recipe.load(file).samples()).isEqualTo(3);
  }

  @Test
  void aFileThatCannotBeReadIsNamed(@TempDir Path folder) throws IOException {
    Path missing = folder.resolve("no.yaml");
    assertThatThrownBy(() -> Recipe.load(missing))
        .isInstanceOf(RecipeException.class)
        .hasMessageStartingWith(
            missing + ": there is no such file; name a recipe's file or one of the presets int8,");
    Path latin = folder.resolve("latin.yaml");
    Files.write(latin, "name: ü".getBytes(StandardCharsets.ISO_8859_1));
    assertThatThrownBy(() -> Recipe.load(latin))
        .isInstanceOf(RecipeException.class)
        .hasMessage(latin + ": is not in UTF-8; save it in that encoding");
    assertThatThrownBy(() -> Recipe.load(folder)).isInstanceOf(RecipeException.class);
    Path model = folder.resolve("model.onnx");
    Files.write(model, new byte[4 * (1 << 20) + 1]);
    assertThatThrownBy(() -> Recipe.load(model))
        .isInstanceOf(RecipeException.class)
        .hasMessage(model + ": has more than 4194304 bytes; is this a recipe?");
  }
}
