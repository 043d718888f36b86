package dev.octet.torch.weights;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import dev.octet.graph.DataType;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The JSON at the head of a safetensors file, checked. */
final class SafetensorsHeader {
  static final String METADATA = "__metadata__";

  /** What the objects for one tensor take at most, beside its data and its name. */
  private static final int TENSOR_BYTES = 1024;

  // Names come from the file: nothing of them may stay in tables that outlive the read.
  private static final JsonFactory JSON =
      JsonFactory.builder()
          .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
          .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
          .build();

  /** A tensor's place: bytes {@code begin} to {@code end} (exclusive) after the header. */
  record Entry(DataType type, List<Long> shape, long begin, long end) {}

  private final JsonParser json;
  private final MemoryBudget budget;
  private final Map<String, Entry> tensors = new LinkedHashMap<>();
  private @Nullable Map<String, String> metadata;

  private SafetensorsHeader(JsonParser json, MemoryBudget budget) {
    this.json = json;
    this.budget = budget;
  }

  /** Reads a header before {@code dataBytes} bytes of elements. */
  static SafetensorsHeader parse(String text, long dataBytes, MemoryBudget budget)
      throws IOException {
    if (!text.startsWith("{")) {
      throw new WeightsException("the header does not begin with '{'; this is no safetensors file");
    }
    try (JsonParser json = JSON.createParser(text)) {
      SafetensorsHeader header = new SafetensorsHeader(json, budget);
      header.readAll();
      header.checkLayout(dataBytes);
      return header;
    } catch (JsonProcessingException e) {
      throw new WeightsException("the header is not valid JSON: " + e.getOriginalMessage(), e);
    }
  }

  /** The tensors in the order of the header. */
  Map<String, Entry> tensors() {
    return tensors;
  }

  Map<String, String> metadata() {
    return metadata == null ? Map.of() : metadata;
  }

  private void readAll() throws IOException {
    json.nextToken();
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String name = json.currentName();
      if (name.equals(METADATA)) {
        if (metadata != null) {
          throw new WeightsException("the header has " + METADATA + " twice");
        }
        metadata = readMetadata();
      } else {
        budget.take(TENSOR_BYTES, "tensor '" + name + "'");
        if (tensors.put(name, readEntry("tensor '" + name + "'")) != null) {
          throw new WeightsException("the header has tensor '" + name + "' twice");
        }
      }
    }
    if (json.nextToken() != null) {
      throw new WeightsException("the header goes on after its last '}'");
    }
  }

  private Map<String, String> readMetadata() throws IOException {
    expect(json.nextToken() == JsonToken.START_OBJECT, METADATA, "is not an object");
    Map<String, String> entries = new LinkedHashMap<>();
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String key = json.currentName();
      String where = METADATA + " entry '" + key + "'";
      budget.take(TENSOR_BYTES, where);
      expect(json.nextToken() == JsonToken.VALUE_STRING, where, "is not text");
      expect(entries.put(key, json.getText()) == null, where, "is there twice");
    }
    return entries;
  }

  private Entry readEntry(String where) throws IOException {
    expect(json.nextToken() == JsonToken.START_OBJECT, where, "is not described by an object");
    DataType type = null;
    List<Long> shape = null;
    List<Long> offsets = null;
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String field = json.currentName();
      switch (field) {
        case "dtype" -> {
          expect(type == null, where, "has dtype twice");
          type = readType(where);
        }
        case "shape" -> {
          expect(shape == null, where, "has shape twice");
          shape = readCounts(where + ", shape,", WeightFile.MAX_RANK);
        }
        case "data_offsets" -> {
          expect(offsets == null, where, "has data_offsets twice");
          offsets = readCounts(where + ", data_offsets,", 2);
          expect(offsets.size() == 2, where, "has other than two data_offsets");
        }
        default -> {
          json.nextToken();
          json.skipChildren();
        }
      }
    }
    if (type == null || shape == null || offsets == null) {
      throw new WeightsException(where + " lacks one of dtype, shape and data_offsets");
    }
    return new Entry(type, shape, offsets.get(0), offsets.get(1));
  }

  private DataType readType(String where) throws IOException {
    expect(json.nextToken() == JsonToken.VALUE_STRING, where, "has a dtype that is not text");
    String name = json.getText();
    return SafetensorsType.named(name)
        .orElseThrow(
            () ->
                new WeightsException(
                    where
                        + " has dtype '"
                        + name
                        + "'; known are "
                        + List.of(SafetensorsType.values())))
        .type();
  }

  private List<Long> readCounts(String where, int most) throws IOException {
    expect(json.nextToken() == JsonToken.START_ARRAY, where, "is not a list");
    List<Long> counts = new ArrayList<>();
    while (json.nextToken() != JsonToken.END_ARRAY) {
      expect(json.currentToken() == JsonToken.VALUE_NUMBER_INT, where, "holds no whole number");
      long count = json.getLongValue();
      expect(count >= 0, where, "holds " + count + ", which is negative");
      expect(counts.size() < most, where, "has more than " + most + " numbers");
      counts.add(count);
    }
    return List.copyOf(counts);
  }

  /** Tensors must fill the rest of the file one after the other. */
  private void checkLayout(long dataBytes) {
    List<Map.Entry<String, Entry>> byPlace = new ArrayList<>(tensors.entrySet());
    byPlace.sort(
        Comparator.comparing(
            Map.Entry::getValue,
            Comparator.comparingLong(Entry::begin).thenComparingLong(Entry::end)));
    long position = 0;
    for (Map.Entry<String, Entry> tensor : byPlace) {
      String where = "tensor '" + tensor.getKey() + "'";
      Entry entry = tensor.getValue();
      expect(
          entry.begin() == position,
          where,
          "begins at "
              + entry.begin()
              + ", but the data before it ends at "
              + position
              + "; tensors must follow each other without holes or overlap");
      expect(entry.end() >= entry.begin(), where, "ends before it begins");
      long needed = Shapes.sizeBytes(entry.type(), entry.shape(), where);
      expect(
          entry.end() - entry.begin() == needed,
          where,
          "has "
              + (entry.end() - entry.begin())
              + " bytes of data, but its type and shape need "
              + needed);
      position = entry.end();
    }
    if (position != dataBytes) {
      throw new WeightsException(
          "the tensors take "
              + position
              + " bytes, but "
              + dataBytes
              + " follow the header; the file is cut short or has something appended");
    }
  }

  private static void expect(boolean holds, String where, String otherwise) {
    if (!holds) {
      throw new WeightsException(where + " " + otherwise);
    }
  }
}
