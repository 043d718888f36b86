package dev.octet.torch.quant;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.octet.core.affine.Arithmetic;
import dev.octet.core.descriptor.Granularity;
import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.core.descriptor.RangeMethod;
import dev.octet.core.format.Float8;
import dev.octet.core.range.Range;
import dev.octet.torch.nn.ExtraState;
import dev.octet.torch.quant.QuantizerConfig.Learned;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A quantizer's settings, and what its calibrator has collected so far, as JSON.
 *
 * <p>Numbers are written so that they read back exactly. A name that is not known is an error: it
 * would be a setting that is not obeyed.
 */
record QuantizerState(TensorQuantizer quantizer) implements ExtraState {
  private static final int VERSION = 1;
  private static final ObjectMapper JSON = new ObjectMapper();

  @Override
  public String text() {
    ObjectNode root = JSON.createObjectNode();
    root.put("version", VERSION);
    root.put("library", library());
    QuantizerConfig config = quantizer.config();
    root.set("descriptor", descriptor(config.descriptor()));
    root.put("arithmetic", word(config.arithmetic()));
    root.put("fakeQuant", config.fakeQuant());
    root.put("scaleAmax", config.scaleAmax());
    root.put("learned", word(config.learned()));
    root.put("disabled", config.disabled());
    root.put("quant", config.quant());
    root.put("clip", config.clip());
    root.put("calib", config.calib());
    if (config.calib() && quantizer.calibrator() instanceof RangeCalibrator calibrator) {
      byte[] collected = calibrator.state();
      if (collected.length > 0) {
        root.put("collected", collected);
        root.set("collectedShape", JSON.valueToTree(calibrator.shape()));
      }
    }
    return root.toString();
  }

  /** The version that writes, for people who read the file. */
  private static String library() {
    String version = QuantizerState.class.getPackage().getImplementationVersion();
    return version == null ? "development" : version;
  }

  private static ObjectNode descriptor(QuantDescriptor descriptor) {
    ObjectNode node = JSON.createObjectNode();
    if (descriptor.name() != null) {
      node.put("name", descriptor.name());
    }
    node.put("bits", descriptor.bits());
    node.put("signed", descriptor.signed());
    node.put("symmetric", descriptor.symmetric());
    node.put("narrow", descriptor.narrow());
    if (descriptor.granularity() instanceof Granularity.PerAxis perAxis) {
      node.put("axis", perAxis.axis());
    } else if (descriptor.granularity() instanceof Granularity.PerBlock perBlock) {
      node.put("axis", perBlock.axis());
      node.put("block", perBlock.size());
    }
    Range fixed = descriptor.fixedRange();
    if (fixed != null) {
      node.put("min", fixed.min());
      node.put("max", fixed.max());
    }
    node.put("method", descriptor.method().toString());
    Float8 float8 = descriptor.float8();
    if (float8 != null) {
      node.put("float8", word(float8));
    }
    return node;
  }

  private static String word(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }

  /**
   * @throws IllegalArgumentException if the text is no quantizer's state; nothing is changed then
   */
  @Override
  public void load(String text) {
    Reader root = new Reader(parse(text), "the quantizer's state");
    int version = root.integer("version");
    if (version != VERSION) {
      throw new IllegalArgumentException(
          "the quantizer's state is of version " + version + "; this program reads " + VERSION);
    }
    root.text("library");
    QuantDescriptor descriptor = descriptor(new Reader(root.get("descriptor"), "its descriptor"));
    QuantizerConfig config =
        QuantizerConfig.builder(descriptor)
            .arithmetic(root.word("arithmetic", Arithmetic.class))
            .fakeQuant(root.flag("fakeQuant"))
            .scaleAmax(root.number("scaleAmax"))
            .learned(root.word("learned", Learned.class))
            .disabled(root.flag("disabled"))
            .quant(root.flag("quant"))
            .clip(root.flag("clip"))
            .calib(root.flag("calib"))
            .build();
    RangeCalibrator resumed = null;
    if (root.has("collected")) {
      resumed =
          RangeCalibrator.resume(descriptor, root.bytes("collected"), root.longs("collectedShape"));
    }
    root.end();
    quantizer.config(config);
    if (resumed != null) {
      quantizer.calibrator(resumed);
    }
  }

  private static JsonNode parse(String text) {
    try {
      return JSON.readTree(text);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException("the quantizer's state is no JSON", e);
    }
  }

  private static QuantDescriptor descriptor(Reader node) {
    Granularity granularity = Granularity.perTensor();
    if (node.has("block")) {
      granularity = Granularity.perBlock(node.integer("axis"), node.integer("block"));
    } else if (node.has("axis")) {
      granularity = Granularity.perAxis(node.integer("axis"));
    }
    @Nullable Range fixed =
        node.has("min") ? new Range(node.number("min"), node.number("max")) : null;
    QuantDescriptor descriptor =
        QuantDescriptor.builder()
            .name(node.has("name") ? node.text("name") : null)
            .bits(node.integer("bits"))
            .signed(node.flag("signed"))
            .symmetric(node.flag("symmetric"))
            .narrow(node.flag("narrow"))
            .granularity(granularity)
            .fixedRange(fixed)
            .method(RangeMethod.parse(node.text("method")))
            .float8(node.has("float8") ? node.word("float8", Float8.class) : null)
            .build();
    node.end();
    return descriptor;
  }

  /** Fields of an object, each read once and all of them. */
  private static final class Reader {
    private final ObjectNode node;
    private final String what;

    Reader(@Nullable JsonNode node, String what) {
      if (!(node instanceof ObjectNode object)) {
        throw new IllegalArgumentException(what + " is no JSON object");
      }
      this.node = object;
      this.what = what;
    }

    boolean has(String name) {
      return node.has(name);
    }

    JsonNode get(String name) {
      JsonNode field = node.remove(name);
      if (field == null) {
        throw new IllegalArgumentException(what + " lacks '" + name + "'");
      }
      return field;
    }

    private IllegalArgumentException wrong(String name, JsonNode field, String wanted) {
      return new IllegalArgumentException(
          what + " has '" + name + "': " + field + ", which is no " + wanted);
    }

    int integer(String name) {
      JsonNode field = get(name);
      if (!field.isIntegralNumber() || !field.canConvertToInt()) {
        throw wrong(name, field, "whole number");
      }
      return field.intValue();
    }

    float number(String name) {
      JsonNode field = get(name);
      if (!field.isNumber()) {
        throw wrong(name, field, "number");
      }
      return Float.parseFloat(field.asText());
    }

    boolean flag(String name) {
      JsonNode field = get(name);
      if (!field.isBoolean()) {
        throw wrong(name, field, "truth value");
      }
      return field.booleanValue();
    }

    String text(String name) {
      JsonNode field = get(name);
      if (!field.isTextual()) {
        throw wrong(name, field, "text");
      }
      return field.textValue();
    }

    <E extends Enum<E>> E word(String name, Class<E> type) {
      String text = text(name);
      for (E each : type.getEnumConstants()) {
        if (QuantizerState.word(each).equals(text)) {
          return each;
        }
      }
      throw new IllegalArgumentException(what + " has '" + name + "': '" + text + "'");
    }

    byte[] bytes(String name) {
      JsonNode field = get(name);
      try {
        byte[] value = field.binaryValue();
        if (value != null) {
          return value;
        }
      } catch (java.io.IOException e) {
        throw new IllegalArgumentException(what + " has '" + name + "' that is no base 64", e);
      }
      throw wrong(name, field, "base 64");
    }

    long[] longs(String name) {
      JsonNode field = get(name);
      long[] values = new long[field.size()];
      for (int i = 0; i < values.length; i++) {
        if (!field.get(i).isIntegralNumber()) {
          throw wrong(name, field, "list of whole numbers");
        }
        values[i] = field.get(i).longValue();
      }
      return values;
    }

    void end() {
      if (!node.isEmpty()) {
        throw new IllegalArgumentException(
            what + " has what this program does not know: " + node.fieldNames().next());
      }
    }
  }
}
