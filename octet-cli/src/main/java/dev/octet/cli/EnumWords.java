package dev.octet.cli;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.TypeConversionException;

/** Enum constants as people type them: {@code weight-only} for {@code WEIGHT_ONLY}. */
final class EnumWords {
  private EnumWords() {}

  /** Makes {@code command} and its sub-commands read and refuse constants of {@code type} so. */
  static <E extends Enum<E>> void register(CommandLine command, Class<E> type) {
    command.registerConverter(type, text -> parse(text, type));
  }

  /** The word for {@code constant}. */
  static String of(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  private static <E extends Enum<E>> E parse(String text, Class<E> type) {
    for (E constant : type.getEnumConstants()) {
      if (of(constant).equals(text.toLowerCase(Locale.ROOT).replace('_', '-'))) {
        return constant;
      }
    }
    String choices =
        Arrays.stream(type.getEnumConstants()).map(EnumWords::of).collect(Collectors.joining(", "));
    throw new TypeConversionException("'" + text + "' is none of " + choices);
  }
}
