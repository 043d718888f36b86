package dev.octet.torch.weights;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import dev.octet.graph.Tensor;
import dev.octet.graph.onnx.AtomicFile;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Reads and writes safetensors files: eight bytes with the header's length, the header in JSON
 * (names, types, shapes, places, and text as metadata), then the elements, little-endian.
 *
 * <p>Every rule of the <a href="https://huggingface.co/docs/safetensors">format</a> is checked.
 * Types are BOOL, U8 to U64, I8 to I64, F16, BF16, F32, F64, C64 and the four of eight bits.
 */
public final class Safetensors {
  /** The longest header that the reference implementation reads, in bytes. */
  private static final int MAX_HEADER_BYTES = 100_000_000;

  private static final int LENGTH_BYTES = 8;
  private static final int ALIGNMENT = 8;

  private Safetensors() {}

  /**
   * What a file holds.
   *
   * @param tensors by name, in the order of the header; unmodifiable
   * @param metadata free text by key; empty where the file has none; unmodifiable
   */
  public record Content(Map<String, Tensor> tensors, Map<String, String> metadata) {
    /** Copies both maps and keeps their order. */
    public Content {
      tensors = Collections.unmodifiableMap(new LinkedHashMap<>(tensors));
      metadata = Collections.unmodifiableMap(new LinkedHashMap<>(metadata));
    }
  }

  /**
   * Reads a file that fits in half of the heap.
   *
   * @throws WeightsException if it cannot be read, breaks a rule of the format, or is too large
   */
  public static Content read(Path file) {
    return read(file, Long.MAX_VALUE);
  }

  /**
   * Reads a file into at most {@code maxBytes} bytes of memory, and never more than half of the
   * heap; what is too large is refused before memory is taken for it.
   *
   * @throws WeightsException if it cannot be read, breaks a rule of the format, or is too large
   */
  public static Content read(Path file, long maxBytes) {
    MemoryBudget budget = new MemoryBudget(maxBytes);
    return WeightFile.naming(
        file,
        () -> {
          try (WeightFile open = new WeightFile(file)) {
            return read(open, budget);
          }
        });
  }

  private static Content read(WeightFile file, MemoryBudget budget) throws IOException {
    long length = file.read(0, LENGTH_BYTES, "the length of the header", budget).getLong();
    if (length < 0 || length > MAX_HEADER_BYTES) {
      throw new WeightsException(
          "the header claims "
              + Long.toUnsignedString(length)
              + " bytes, more than the "
              + MAX_HEADER_BYTES
              + " that are allowed; this is probably no safetensors file");
    }
    long dataStart = LENGTH_BYTES + length;
    ByteBuffer bytes = file.read(LENGTH_BYTES, length, "the header", budget);
    budget.take(3 * length, "the header as text");
    SafetensorsHeader header =
        SafetensorsHeader.parse(decode(bytes), file.size() - dataStart, budget);
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (Map.Entry<String, SafetensorsHeader.Entry> named : header.tensors().entrySet()) {
      String where = "tensor '" + named.getKey() + "'";
      SafetensorsHeader.Entry entry = named.getValue();
      ByteBuffer data =
          file.read(dataStart + entry.begin(), entry.end() - entry.begin(), where, budget);
      tensors.put(named.getKey(), Shapes.tensor(entry.type(), entry.shape(), data, where));
    }
    return new Content(tensors, header.metadata());
  }

  private static String decode(ByteBuffer bytes) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
    } catch (CharacterCodingException e) {
      throw new WeightsException("the header is not UTF-8; this is no safetensors file", e);
    }
  }

  /**
   * Writes {@code tensors} and {@code metadata} so that the file appears under its name only when
   * it is complete. The same content gives the same bytes, whatever the order of the maps: tensors
   * are sorted as the reference implementation sorts them, by type with the widest first, then by
   * name.
   *
   * @throws WeightsException if a tensor's type or name cannot be stored, or the file cannot be
   *     written
   */
  public static void write(Path file, Map<String, Tensor> tensors, Map<String, String> metadata) {
    WeightFile.naming(
        file,
        () -> {
          List<String> order = order(tensors);
          byte[] header = header(order, tensors, metadata);
          AtomicFile.write(
              file,
              out -> {
                WritableByteChannel channel = Channels.newChannel(out);
                channel.write(
                    ByteBuffer.allocate(LENGTH_BYTES)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putLong(0, header.length));
                channel.write(ByteBuffer.wrap(header));
                for (String name : order) {
                  channel.write(require(tensors, name).data());
                }
              });
          return file;
        });
  }

  private static List<String> order(Map<String, Tensor> tensors) {
    List<String> names = new ArrayList<>(tensors.keySet());
    Comparator<String> widestFirst =
        Comparator.comparing(
            name -> typeOf(name, require(tensors, name)), Comparator.reverseOrder());
    names.sort(
        widestFirst.thenComparing(
            name -> name.getBytes(StandardCharsets.UTF_8), Arrays::compareUnsigned));
    return names;
  }

  private static byte[] header(
      List<String> order, Map<String, Tensor> tensors, Map<String, String> metadata)
      throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (JsonGenerator json = new JsonFactory().createGenerator(bytes)) {
      json.writeStartObject();
      if (!metadata.isEmpty()) {
        json.writeObjectFieldStart(SafetensorsHeader.METADATA);
        for (Map.Entry<String, String> entry : new TreeMap<>(metadata).entrySet()) {
          json.writeStringField(entry.getKey(), entry.getValue());
        }
        json.writeEndObject();
      }
      long position = 0;
      for (String name : order) {
        Tensor tensor = require(tensors, name);
        json.writeObjectFieldStart(name);
        json.writeStringField("dtype", typeOf(name, tensor).name());
        writeCounts(json, "shape", tensor.shape());
        writeCounts(json, "data_offsets", position, position + tensor.sizeBytes());
        json.writeEndObject();
        position += tensor.sizeBytes();
      }
      json.writeEndObject();
    }
    while (bytes.size() % ALIGNMENT != 0) {
      bytes.write(' ');
    }
    if (bytes.size() > MAX_HEADER_BYTES) {
      throw new WeightsException(
          "the header would take "
              + bytes.size()
              + " bytes, more than the "
              + MAX_HEADER_BYTES
              + " that readers allow; store less metadata or fewer tensors");
    }
    return bytes.toByteArray();
  }

  private static void writeCounts(JsonGenerator json, String field, long... counts)
      throws IOException {
    json.writeFieldName(field);
    json.writeArray(counts, 0, counts.length);
  }

  private static SafetensorsType typeOf(String name, Tensor tensor) {
    if (name.equals(SafetensorsHeader.METADATA)) {
      throw new WeightsException("a tensor cannot be called '" + name + "'; rename it");
    }
    if (tensor.rank() > WeightFile.MAX_RANK) {
      throw new WeightsException(
          "tensor '" + name + "' has more than " + WeightFile.MAX_RANK + " dimensions");
    }
    return SafetensorsType.of(tensor.type())
        .orElseThrow(
            () ->
                new WeightsException(
                    "tensor '"
                        + name
                        + "' is of "
                        + tensor.type()
                        + ", which safetensors cannot store; convert it first"));
  }

  private static Tensor require(Map<String, Tensor> tensors, String name) {
    Tensor tensor = tensors.get(name);
    if (tensor == null) {
      throw new WeightsException("tensor '" + name + "' is null");
    }
    return tensor;
  }
}
