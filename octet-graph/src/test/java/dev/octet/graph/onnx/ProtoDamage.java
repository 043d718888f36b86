package dev.octet.graph.onnx;

import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Changes one thing in a message that stays well-formed protobuf: what random bytes seldom do. */
final class ProtoDamage {
  private static final long[] NUMBERS = {
    -1, 0, 1, 2, 3, 8, 22, 127, 128, 255, 256, 65536, 1L << 31, 1L << 40, Long.MIN_VALUE
  };
  private static final String[] NAMES = {
    "", "x", "y", "w", "inner", "If", "local", "a\0b", "ai.onnx"
  };

  private ProtoDamage() {}

  /** {@code message} with one field changed, dropped, added or repeated, at any depth. */
  static Message once(Message message, Random random) {
    List<FieldDescriptor> present = new ArrayList<>(message.getAllFields().keySet());
    if (present.isEmpty() || random.nextInt(10) == 0) {
      present = message.getDescriptorForType().getFields();
    }
    FieldDescriptor field = present.get(random.nextInt(present.size()));
    Message.Builder builder = message.toBuilder();
    int count = field.isRepeated() ? message.getRepeatedFieldCount(field) : 0;
    switch (random.nextInt(8)) {
      case 0 -> builder.clearField(field);
      case 1 -> {
        if (count > 0) {
          builder.addRepeatedField(field, message.getRepeatedField(field, random.nextInt(count)));
        }
      }
      default -> {
        if (count > 0) {
          int index = random.nextInt(count);
          Object value = message.getRepeatedField(field, index);
          builder.setRepeatedField(field, index, other(field, value, random));
        } else if (field.isRepeated()) {
          builder.addRepeatedField(field, other(field, empty(builder, field), random));
        } else {
          builder.setField(field, other(field, message.getField(field), random));
        }
      }
    }
    return builder.build();
  }

  private static Object empty(Message.Builder builder, FieldDescriptor field) {
    return field.getJavaType() == FieldDescriptor.JavaType.MESSAGE
        ? builder.newBuilderForField(field).build()
        : "";
  }

  private static Object other(FieldDescriptor field, Object value, Random random) {
    long number = NUMBERS[random.nextInt(NUMBERS.length)];
    return switch (field.getJavaType()) {
      case MESSAGE -> once((Message) value, random);
      case INT -> (int) number;
      case LONG -> number;
      case FLOAT -> (float) number;
      case DOUBLE -> (double) number;
      case BOOLEAN -> random.nextBoolean();
      case STRING -> NAMES[random.nextInt(NAMES.length)];
      case BYTE_STRING -> ByteString.copyFrom(new byte[random.nextInt(20)]);
      case ENUM -> {
        var kinds = field.getEnumType().getValues();
        yield kinds.get(random.nextInt(kinds.size()));
      }
    };
  }
}
