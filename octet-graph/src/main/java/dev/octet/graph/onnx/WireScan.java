package dev.octet.graph.onnx;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.WireFormat;
import dev.octet.graph.ModelException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Walks the encoded model once, before protobuf builds any object, and counts what would be built.
 *
 * <p>Protobuf itself only bounds depth and bytes: a file of 200 MB can ask for a hundred million
 * empty nodes. The walk allocates nothing that grows with the file, follows ONNX's schema through
 * the generated descriptors and knows roughly what each message costs in memory, as protobuf's
 * object and as ours. Costs are upper estimates for a 64-bit JVM.
 */
final class WireScan {
  /** Fields of ONNX's messages are numbered below this. */
  private static final int FIELDS = 32;

  /** Messages per level of nested graphs: graph, node, attribute. */
  private static final int MESSAGES_PER_GRAPH = 3;

  /** Messages around and below graphs, deeply nested types included. */
  private static final int OTHER_MESSAGES = 32;

  private static final int NODE_COST = 1200;
  private static final int TENSOR_COST = 1000;
  private static final int VALUE_COST = 800;
  private static final int MESSAGE_COST = 300;
  private static final int TEXT_COST = 400;
  private static final int UNKNOWN_COST = 250;

  /** An entry of a typed tensor: in protobuf's growing list and as raw data. */
  private static final int TENSOR_ENTRY_COST = 24;

  /** An entry of a list attribute: in protobuf's list and boxed in ours. */
  private static final int LIST_ENTRY_COST = 64;

  /** Fields of one kind of message by number. */
  private static final class Schema {
    private static final Map<Descriptor, Schema> KNOWN = new ConcurrentHashMap<>();

    private final Descriptor type;
    private final @Nullable FieldDescriptor[] fields = new FieldDescriptor[FIELDS];

    private Schema(Descriptor type) {
      this.type = type;
      type.getFields().forEach(field -> fields[field.getNumber()] = field);
    }

    static Schema of(Descriptor type) {
      return KNOWN.computeIfAbsent(type, Schema::new);
    }

    Descriptor type() {
      return type;
    }

    @Nullable FieldDescriptor field(int number) {
      return number < FIELDS ? fields[number] : null;
    }
  }

  private final byte[] content;
  private final Budget budget;
  private final ReadLimits limits;
  private int at;
  private long nodes;
  private long tensors;
  private int externalTensors;

  private WireScan(byte[] content, Budget budget) {
    this.content = content;
    this.budget = budget;
    this.limits = budget.limits();
  }

  /**
   * Walks {@code content} as a model.
   *
   * @return how many tensors, wherever they are, say that their data lies in another file
   * @throws ModelException if it is cut short, malformed or beyond the limits
   */
  static int run(byte[] content, Budget budget) {
    WireScan scan = new WireScan(content, budget);
    scan.message(Schema.of(ModelProto.getDescriptor()), content.length, 0, -1);
    return scan.externalTensors;
  }

  /** How deep messages may nest so that {@code limits} allow them. */
  static int deepest(ReadLimits limits) {
    return MESSAGES_PER_GRAPH * limits.maxNesting() + OTHER_MESSAGES;
  }

  private void message(Schema schema, int end, int depth, int graphs) {
    int graphDepth = graphs + (schema.type() == GraphProto.getDescriptor() ? 1 : 0);
    if (graphDepth > limits.maxNesting()) {
      throw problem("graphs nest deeper than the limit (maxNesting) of " + limits.maxNesting());
    }
    if (depth > deepest(limits)) {
      throw problem("messages nest deeper than " + deepest(limits) + " levels");
    }
    count(schema);
    boolean external = false;
    while (at < end) {
      long tag = varint(end);
      int number = number(tag);
      int wire = (int) (tag & 7);
      FieldDescriptor field = schema.field(number);
      if (wire == WireFormat.WIRETYPE_LENGTH_DELIMITED) {
        int fieldEnd = length(end);
        if (field != null && field.getType() == FieldDescriptor.Type.MESSAGE) {
          external |= schema.type() == TensorProto.getDescriptor() && isExternalEntry(number);
          message(Schema.of(field.getMessageType()), fieldEnd, depth + 1, graphDepth);
        } else {
          run(schema, field, fieldEnd);
          at = fieldEnd;
        }
      } else if (field != null && wire == WireFormat.WIRETYPE_VARINT) {
        boolean location =
            schema.type() == TensorProto.getDescriptor()
                && number == TensorProto.DATA_LOCATION_FIELD_NUMBER;
        long value = varint(end);
        external |= location && value == TensorProto.DataLocation.EXTERNAL_VALUE;
        entries(schema, field, 1);
      } else {
        skip(number, wire, end, depth);
        if (field == null) {
          budget.take(UNKNOWN_COST, "an unknown field");
        } else {
          entries(schema, field, 1);
        }
      }
    }
    externalTensors += external ? 1 : 0;
  }

  private static boolean isExternalEntry(int number) {
    return number == TensorProto.EXTERNAL_DATA_FIELD_NUMBER;
  }

  private void count(Schema schema) {
    Descriptor type = schema.type();
    if (type == NodeProto.getDescriptor()) {
      nodes++;
      if (nodes > limits.maxNodes()) {
        throw problem("more nodes than the limit (maxNodes) of " + limits.maxNodes());
      }
      budget.take(NODE_COST, "a node");
    } else if (type == TensorProto.getDescriptor()) {
      tensors++;
      if (tensors > limits.maxTensors()) {
        throw problem("more tensors than the limit (maxTensors) of " + limits.maxTensors());
      }
      budget.take(TENSOR_COST, "a tensor");
    } else if (type == ValueInfoProto.getDescriptor() || type == AttributeProto.getDescriptor()) {
      budget.take(VALUE_COST, "a declaration");
    } else {
      budget.take(MESSAGE_COST, "a message");
    }
  }

  /** Accounts for text, bytes or packed numbers up to {@code end}. */
  private void run(Schema schema, @Nullable FieldDescriptor field, int end) {
    int bytes = end - at;
    if (field == null) {
      budget.take(UNKNOWN_COST + 2L * bytes, "an unknown field");
      return;
    }
    switch (field.getType()) {
      case STRING -> budget.take(TEXT_COST + 3L * bytes, "a text");
      case BYTES -> {
        boolean shared = schema.type() == TensorProto.getDescriptor() && !field.isRepeated();
        budget.take(TEXT_COST / 2 + (shared ? 0 : 3L * bytes), "a run of bytes");
      }
      case FLOAT -> entries(schema, field, bytes / Float.BYTES);
      case DOUBLE -> entries(schema, field, bytes / Double.BYTES);
      default -> {
        long count = 0;
        for (int i = at; i < end; i++) {
          count += content[i] >= 0 ? 1 : 0; // the last byte of each number
        }
        entries(schema, field, count);
      }
    }
  }

  private void entries(Schema schema, FieldDescriptor field, long count) {
    if (field.isRepeated()) {
      boolean tensor = schema.type() == TensorProto.getDescriptor();
      budget.take(count * (tensor ? TENSOR_ENTRY_COST : LIST_ENTRY_COST), "a list of numbers");
    }
  }

  private void skip(int number, int wire, int end, int depth) {
    switch (wire) {
      case WireFormat.WIRETYPE_VARINT -> varint(end);
      case WireFormat.WIRETYPE_FIXED64 -> advance(Long.BYTES, end);
      case WireFormat.WIRETYPE_FIXED32 -> advance(Integer.BYTES, end);
      case WireFormat.WIRETYPE_START_GROUP -> group(number, end, depth + 1);
      default -> throw problem("field " + number + " has wire type " + wire);
    }
  }

  private void group(int opened, int end, int depth) {
    if (depth > deepest(limits)) {
      throw problem("messages nest deeper than " + deepest(limits) + " levels");
    }
    while (at < end) {
      long tag = varint(end);
      int number = number(tag);
      int wire = (int) (tag & 7);
      budget.take(UNKNOWN_COST, "an unknown field");
      if (wire == WireFormat.WIRETYPE_END_GROUP) {
        if (number != opened) {
          throw problem("group " + opened + " ends as " + number);
        }
        return;
      }
      if (wire == WireFormat.WIRETYPE_LENGTH_DELIMITED) {
        int fieldEnd = length(end);
        budget.take(2L * (fieldEnd - at), "an unknown field");
        at = fieldEnd;
      } else {
        skip(number, wire, end, depth);
      }
    }
    throw problem("group " + opened + " does not end");
  }

  private int number(long tag) {
    long number = tag >>> 3;
    if (number == 0 || tag >>> 32 != 0) {
      throw problem("there is no field number where one must be");
    }
    return (int) number;
  }

  private int length(int end) {
    long length = varint(end);
    if (length < 0 || length > end - at) {
      throw problem(
          "a part of "
              + Long.toUnsignedString(length)
              + " bytes begins, but "
              + (end - at)
              + " are left");
    }
    return at + (int) length;
  }

  private void advance(int bytes, int end) {
    if (bytes > end - at) {
      throw problem("a number of " + bytes + " bytes begins, but " + (end - at) + " are left");
    }
    at += bytes;
  }

  private long varint(int end) {
    long value = 0;
    for (int shift = 0; shift < Long.SIZE; shift += 7) {
      if (at >= end) {
        throw problem("a number is cut short");
      }
      byte part = content[at++];
      value |= (long) (part & 0x7F) << shift;
      if (part >= 0) {
        return value;
      }
    }
    throw problem("a number does not end");
  }

  private ModelException problem(String text) {
    return new ModelException(
        "the file is damaged or no ONNX model that can be read: " + text + " (byte " + at + ")");
  }
}
