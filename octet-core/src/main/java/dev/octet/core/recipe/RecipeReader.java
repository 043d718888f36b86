package dev.octet.core.recipe;

import dev.octet.core.descriptor.Granularity;
import dev.octet.core.descriptor.RangeMethod;
import dev.octet.core.range.Range;
import dev.octet.core.rules.Rule;
import dev.octet.core.rules.Rules;
import dev.octet.core.rules.Settings;
import dev.octet.core.yaml.Dialect;
import dev.octet.core.yaml.YamlField;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Turns YAML into a recipe. Keys take effect one at a time, so that what a recipe refuses is
 * reported where it was written.
 */
final class RecipeReader {
  private static final Dialect DIALECT =
      new Dialect(
          "recipe",
          "write at least a preset, such as 'preset: int8'",
          "name a recipe's file or one of the presets " + String.join(", ", Presets.names()),
          RecipeException::new);

  static final List<String> KEYS =
      List.of(
          "name",
          "preset",
          "mode",
          "format",
          "target",
          "weight",
          "activation",
          "cross-layer-equalization",
          "bias-correction",
          "smooth-quant",
          "samples",
          "batch-size",
          "operators",
          "preprocessing",
          "rules");
  static final List<String> TENSOR_KEYS =
      List.of("bits", "signed", "symmetric", "narrow", "granularity", "method", "range");
  static final List<String> RULE_KEYS =
      List.of("name", "operator", "float", "weight", "activation");
  static final List<String> PREPROCESSING_KEYS =
      List.of("preset", "resize", "crop", "layout", "channels", "scale", "mean", "std");

  private final YamlField top;
  private Recipe recipe;

  private RecipeReader(YamlField top, Recipe start) {
    this.top = top;
    this.recipe = start;
  }

  static Recipe load(Path file) {
    return read(YamlField.load(file, DIALECT), stem(file));
  }

  private static @Nullable String stem(Path file) {
    Path last = file.getFileName();
    if (last == null) {
      return null;
    }
    String name = last.toString();
    int dot = name.lastIndexOf('.');
    String stem = dot > 0 ? name.substring(0, dot) : name;
    return stem.isBlank() ? null : stem;
  }

  static Recipe read(String yaml, String origin) {
    return read(YamlField.read(yaml, origin, DIALECT), null);
  }

  private static Recipe read(YamlField document, @Nullable String defaultName) {
    YamlField top = document.section(KEYS);
    Recipe preset = top.get("preset", field -> Recipe.preset(field.text()));
    Recipe start = preset == null ? Recipe.int8() : preset;
    if (defaultName != null) {
      start = start.toBuilder().name(defaultName).build();
    }
    return new RecipeReader(top, start).read();
  }

  private Recipe read() {
    change("name", YamlField::text, Recipe.Builder::name);
    change("mode", field -> field.word(Mode.class), Recipe.Builder::mode);
    change("format", field -> field.word(Format.class), Recipe.Builder::format);
    change("target", field -> field.word(Target.class), Recipe.Builder::target);
    change(
        "weight",
        RecipeReader::settings,
        (builder, settings) -> builder.weight(settings.applyTo(recipe.weight())));
    change(
        "activation",
        RecipeReader::settings,
        (builder, settings) -> builder.activation(settings.applyTo(recipe.activation())));
    change("cross-layer-equalization", YamlField::truth, Recipe.Builder::crossLayerEqualization);
    change("bias-correction", YamlField::truth, Recipe.Builder::biasCorrection);
    smoothQuant();
    change("samples", YamlField::integer, Recipe.Builder::samples);
    change("batch-size", YamlField::integer, Recipe.Builder::batchSize);
    change("operators", RecipeReader::texts, Recipe.Builder::operators);
    change("preprocessing", RecipeReader::preprocessing, Recipe.Builder::preprocessing);
    rules();
    return recipe;
  }

  private <T> void change(
      String key, Function<YamlField, T> read, BiFunction<Recipe.Builder, T, Recipe.Builder> set) {
    YamlField field = top.get(key);
    if (field != null) {
      T value = field.checked(() -> read.apply(field));
      recipe = field.checked(() -> set.apply(recipe.toBuilder(), value).build());
    }
  }

  private void smoothQuant() {
    YamlField field = top.get("smooth-quant");
    if (field == null) {
      return;
    }
    boolean off = field.text().equals("false");
    Double strength = off ? null : field.number(Double::valueOf);
    recipe = field.checked(() -> recipe.toBuilder().smoothQuant(strength).build());
  }

  private void rules() {
    YamlField field = top.get("rules");
    if (field == null) {
      return;
    }
    List<Rule> rules = new ArrayList<>();
    for (YamlField item : field.items()) {
      Rule rule = rule(item.section(RULE_KEYS));
      rules.add(rule);
      // One more at a time: a contradiction is reported at the later of the two rules.
      recipe = item.checked(() -> recipe.toBuilder().rules(new Rules(rules)).build());
    }
    if (rules.isEmpty()) {
      recipe = recipe.toBuilder().rules(Rules.NONE).build();
    }
  }

  private static Rule rule(YamlField section) {
    String name = section.get("name", YamlField::text);
    if (name != null) {
      section.get("name", field -> Rule.keepFloat(name, null));
    }
    String operator = section.get("operator", YamlField::text);
    Boolean keepFloat = section.get("float", YamlField::truth);
    Settings weight = section.get("weight", RecipeReader::settings);
    Settings activation = section.get("activation", RecipeReader::settings);
    return section.checked(
        () ->
            new Rule(
                name,
                operator,
                keepFloat != null && keepFloat,
                weight == null ? Settings.NONE : weight,
                activation == null ? Settings.NONE : activation));
  }

  private static Settings settings(YamlField field) {
    YamlField section = field.section(TENSOR_KEYS);
    return new Settings(
        section.get("bits", RecipeReader::bits),
        section.get("signed", YamlField::truth),
        section.get("symmetric", YamlField::truth),
        section.get("narrow", YamlField::truth),
        section.get("granularity", RecipeReader::granularity),
        section.get("method", method -> RangeMethod.parse(method.text())),
        section.get("range", RecipeReader::range));
  }

  private static Integer bits(YamlField field) {
    int bits = field.integer();
    // Alone first: what is wrong with bits is told at their place, not at the section's.
    field.checked(() -> new Settings(bits, null, null, null, null, null, null));
    return bits;
  }

  private static Granularity granularity(YamlField field) {
    String text = field.text();
    if (text.equals("tensor")) {
      return Granularity.perTensor();
    }
    if (text.equals("channel")) {
      return Granularity.perAxis(0);
    }
    if (text.matches("block:[1-9][0-9]{0,8}")) {
      return Granularity.perBlock(1, Integer.parseInt(text.substring("block:".length())));
    }
    throw field.wrong(
        "found " + field.node().kind() + "; write tensor, channel or a block size as block:32");
  }

  private static Range range(YamlField field) {
    List<Float> ends = field.floats();
    if (ends.size() != 2) {
      throw field.wrong(
          "found a list of " + ends.size() + "; write both ends, such as [-1.0, 1.0]");
    }
    return new Range(ends.get(0), ends.get(1));
  }

  private static Set<String> texts(YamlField field) {
    Set<String> texts = new TreeSet<>();
    field.items().forEach(item -> texts.add(item.text()));
    return texts;
  }

  private static PreprocessingSpec preprocessing(YamlField field) {
    YamlField section = field.section(PREPROCESSING_KEYS);
    return new PreprocessingSpec(
        section.get("preset", YamlField::text),
        section.get("resize", YamlField::integer),
        section.get("crop", YamlField::integer),
        section.get("layout", YamlField::text),
        section.get("channels", YamlField::text),
        section.get("scale", scale -> scale.number(Float::valueOf)),
        section.get("mean", YamlField::floats),
        section.get("std", YamlField::floats));
  }
}
