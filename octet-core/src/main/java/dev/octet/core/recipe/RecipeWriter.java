package dev.octet.core.recipe;

import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLGenerator;
import com.fasterxml.jackson.dataformat.yaml.util.StringQuotingChecker;
import dev.octet.core.descriptor.Granularity;
import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.core.range.Range;
import dev.octet.core.rules.Rule;
import dev.octet.core.rules.Settings;
import dev.octet.core.yaml.YamlField;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Turns a recipe into YAML. */
final class RecipeWriter {
  private static final YAMLFactory FACTORY =
      YAMLFactory.builder()
          .disable(YAMLGenerator.Feature.WRITE_DOC_START_MARKER)
          .disable(YAMLGenerator.Feature.SPLIT_LINES)
          .enable(YAMLGenerator.Feature.MINIMIZE_QUOTES)
          .enable(YAMLGenerator.Feature.ALWAYS_QUOTE_NUMBERS_AS_STRINGS)
          .enable(YAMLGenerator.Feature.INDENT_ARRAYS_WITH_INDICATOR)
          .stringQuotingChecker(new Quotes())
          .build();

  /** Quotes, which bring escapes, for the characters that YAML folds when they stand plain. */
  private static final class Quotes extends StringQuotingChecker.Default {
    private static final long serialVersionUID = 1L;

    @Override
    public boolean needToQuoteValue(String value) {
      return super.needToQuoteValue(value) || !value.chars().allMatch(Quotes::isPlain);
    }

    private static boolean isPlain(int c) {
      return switch (Character.getType(c)) {
        case Character.CONTROL,
            Character.FORMAT,
            Character.LINE_SEPARATOR,
            Character.PARAGRAPH_SEPARATOR ->
            false;
        default -> true;
      };
    }
  }

  private final YAMLGenerator out;

  private RecipeWriter(YAMLGenerator out) {
    this.out = out;
  }

  static String write(Recipe recipe) {
    StringWriter text = new StringWriter();
    try (YAMLGenerator out = FACTORY.createGenerator(text)) {
      new RecipeWriter(out).recipe(recipe);
    } catch (IOException e) {
      throw new UncheckedIOException(e); // a StringWriter throws none
    }
    return text.toString();
  }

  private void recipe(Recipe recipe) throws IOException {
    out.writeStartObject();
    out.writeStringField("name", recipe.name());
    out.writeStringField("mode", YamlField.word(recipe.mode()));
    out.writeStringField("format", YamlField.word(recipe.format()));
    out.writeStringField("target", YamlField.word(recipe.target()));
    settings("weight", all(recipe.weight()));
    settings("activation", all(recipe.activation()));
    out.writeBooleanField("cross-layer-equalization", recipe.crossLayerEqualization());
    out.writeBooleanField("bias-correction", recipe.biasCorrection());
    if (recipe.smoothQuant() == null) {
      out.writeBooleanField("smooth-quant", false);
    } else {
      out.writeNumberField("smooth-quant", recipe.smoothQuant());
    }
    out.writeNumberField("samples", recipe.samples());
    out.writeNumberField("batch-size", recipe.batchSize());
    out.writeArrayFieldStart("operators");
    for (String operator : recipe.operators()) {
      out.writeString(operator);
    }
    out.writeEndArray();
    if (recipe.preprocessing() != null) {
      preprocessing(recipe.preprocessing());
    }
    out.writeArrayFieldStart("rules");
    for (Rule rule : recipe.rules().rules()) {
      rule(rule);
    }
    out.writeEndArray();
    out.writeEndObject();
  }

  private static Settings all(QuantDescriptor descriptor) {
    return new Settings(
        descriptor.bits(),
        descriptor.signed(),
        descriptor.symmetric(),
        descriptor.narrow(),
        descriptor.granularity(),
        descriptor.method(),
        descriptor.fixedRange());
  }

  private void settings(String key, Settings settings) throws IOException {
    out.writeObjectFieldStart(key);
    field("bits", settings.bits());
    field("signed", settings.signed());
    field("symmetric", settings.symmetric());
    field("narrow", settings.narrow());
    if (settings.granularity() != null) {
      out.writeStringField("granularity", word(settings.granularity()));
    }
    if (settings.method() != null) {
      out.writeStringField("method", settings.method().toString());
    }
    Range range = settings.fixedRange();
    if (range != null) {
      floats("range", List.of(range.min(), range.max()));
    }
    out.writeEndObject();
  }

  private static String word(Granularity granularity) {
    if (granularity instanceof Granularity.PerBlock block) {
      return "block:" + block.size();
    }
    return granularity instanceof Granularity.PerAxis ? "channel" : "tensor";
  }

  private void rule(Rule rule) throws IOException {
    out.writeStartObject();
    field("name", rule.pattern());
    field("operator", rule.operator());
    if (rule.keepFloat()) {
      out.writeBooleanField("float", true);
    }
    if (!rule.weight().equals(Settings.NONE)) {
      settings("weight", rule.weight());
    }
    if (!rule.activation().equals(Settings.NONE)) {
      settings("activation", rule.activation());
    }
    out.writeEndObject();
  }

  private void preprocessing(PreprocessingSpec spec) throws IOException {
    out.writeObjectFieldStart("preprocessing");
    field("preset", spec.preset());
    field("resize", spec.resize());
    field("crop", spec.crop());
    field("layout", spec.layout());
    field("channels", spec.channels());
    field("scale", spec.scale());
    floats("mean", spec.mean());
    floats("std", spec.std());
    out.writeEndObject();
  }

  private void field(String key, @Nullable Object value) throws IOException {
    if (value != null) {
      out.writeObjectField(key, value);
    }
  }

  private void floats(String key, @Nullable Collection<Float> values) throws IOException {
    if (values != null) {
      out.writeArrayFieldStart(key);
      for (float value : values) {
        out.writeNumber(value);
      }
      out.writeEndArray();
    }
  }
}
