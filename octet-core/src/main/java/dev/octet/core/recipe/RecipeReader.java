package dev.octet.core.recipe;

import dev.octet.core.descriptor.Granularity;
import dev.octet.core.descriptor.RangeMethod;
import dev.octet.core.range.Range;
import dev.octet.core.rules.Rule;
import dev.octet.core.rules.Rules;
import dev.octet.core.rules.Settings;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
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
  /** A character takes at most so many bytes in UTF-8. */
  private static final int MOST_BYTES = 4 * YamlText.MOST_CHARACTERS;

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

  private final Field top;
  private Recipe recipe;

  private RecipeReader(Field top, Recipe start) {
    this.top = top;
    this.recipe = start;
  }

  static Recipe load(Path file) {
    String text;
    try (InputStream in = Files.newInputStream(file)) {
      byte[] bytes = in.readNBytes(MOST_BYTES + 1);
      if (bytes.length > MOST_BYTES) {
        throw new RecipeException(
            file + ": has more than " + MOST_BYTES + " bytes; is this a recipe?");
      }
      text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (NoSuchFileException e) {
      throw new RecipeException(
          file
              + ": there is no such file; name a recipe's file or one of the presets "
              + String.join(", ", Presets.names()),
          e);
    } catch (CharacterCodingException e) {
      throw new RecipeException(file + ": is not in UTF-8; save it in that encoding", e);
    } catch (IOException e) {
      throw new RecipeException(file + ": cannot be read: " + e.getMessage(), e);
    }
    return read(text, file.toString(), stem(file));
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
    return read(yaml, origin, null);
  }

  private static Recipe read(String yaml, String origin, @Nullable String defaultName) {
    Field top = Field.document(YamlText.read(yaml, origin), origin).section(KEYS);
    Recipe preset = top.get("preset", field -> Recipe.preset(field.text()));
    Recipe start = preset == null ? Recipe.int8() : preset;
    if (defaultName != null) {
      start = start.toBuilder().name(defaultName).build();
    }
    return new RecipeReader(top, start).read();
  }

  private Recipe read() {
    change("name", Field::text, Recipe.Builder::name);
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
    change("cross-layer-equalization", Field::truth, Recipe.Builder::crossLayerEqualization);
    change("bias-correction", Field::truth, Recipe.Builder::biasCorrection);
    smoothQuant();
    change("samples", Field::integer, Recipe.Builder::samples);
    change("batch-size", Field::integer, Recipe.Builder::batchSize);
    change("operators", RecipeReader::texts, Recipe.Builder::operators);
    change("preprocessing", RecipeReader::preprocessing, Recipe.Builder::preprocessing);
    rules();
    return recipe;
  }

  private <T> void change(
      String key, Function<Field, T> read, BiFunction<Recipe.Builder, T, Recipe.Builder> set) {
    Field field = top.get(key);
    if (field != null) {
      T value = field.checked(() -> read.apply(field));
      recipe = field.checked(() -> set.apply(recipe.toBuilder(), value).build());
    }
  }

  private void smoothQuant() {
    Field field = top.get("smooth-quant");
    if (field == null) {
      return;
    }
    boolean off = field.text().equals("false");
    Double strength = off ? null : field.number(Double::valueOf);
    recipe = field.checked(() -> recipe.toBuilder().smoothQuant(strength).build());
  }

  private void rules() {
    Field field = top.get("rules");
    if (field == null) {
      return;
    }
    List<Rule> rules = new ArrayList<>();
    for (Field item : field.items()) {
      Rule rule = rule(item.section(RULE_KEYS));
      rules.add(rule);
      // One more at a time: a contradiction is reported at the later of the two rules.
      recipe = item.checked(() -> recipe.toBuilder().rules(new Rules(rules)).build());
    }
    if (rules.isEmpty()) {
      recipe = recipe.toBuilder().rules(Rules.NONE).build();
    }
  }

  private static Rule rule(Field section) {
    String name = section.get("name", Field::text);
    if (name != null) {
      section.get("name", field -> Rule.keepFloat(name, null));
    }
    String operator = section.get("operator", Field::text);
    Boolean keepFloat = section.get("float", Field::truth);
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

  private static Settings settings(Field field) {
    Field section = field.section(TENSOR_KEYS);
    return new Settings(
        section.get("bits", RecipeReader::bits),
        section.get("signed", Field::truth),
        section.get("symmetric", Field::truth),
        section.get("narrow", Field::truth),
        section.get("granularity", RecipeReader::granularity),
        section.get("method", method -> RangeMethod.parse(method.text())),
        section.get("range", RecipeReader::range));
  }

  private static Integer bits(Field field) {
    int bits = field.integer();
    // Alone first: what is wrong with bits is told at their place, not at the section's.
    field.checked(() -> new Settings(bits, null, null, null, null, null, null));
    return bits;
  }

  private static Granularity granularity(Field field) {
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

  private static Range range(Field field) {
    List<Float> ends = field.floats();
    if (ends.size() != 2) {
      throw field.wrong(
          "found a list of " + ends.size() + "; write both ends, such as [-1.0, 1.0]");
    }
    return new Range(ends.get(0), ends.get(1));
  }

  private static Set<String> texts(Field field) {
    Set<String> texts = new TreeSet<>();
    field.items().forEach(item -> texts.add(item.text()));
    return texts;
  }

  private static PreprocessingSpec preprocessing(Field field) {
    Field section = field.section(PREPROCESSING_KEYS);
    return new PreprocessingSpec(
        section.get("preset", Field::text),
        section.get("resize", Field::integer),
        section.get("crop", Field::integer),
        section.get("layout", Field::text),
        section.get("channels", Field::text),
        section.get("scale", scale -> scale.number(Float::valueOf)),
        section.get("mean", Field::floats),
        section.get("std", Field::floats));
  }
}
