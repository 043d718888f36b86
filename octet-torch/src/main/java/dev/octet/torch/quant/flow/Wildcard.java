package dev.octet.torch.quant.flow;

import java.util.regex.Pattern;

/** Names with {@code *} for any characters, dots too, and {@code ?} for one. */
final class Wildcard {
  private Wildcard() {}

  /**
   * The regular expression for a wildcard.
   *
   * @throws IllegalArgumentException if it is empty
   */
  static Pattern compile(String wildcard) {
    if (wildcard.isEmpty()) {
      throw new IllegalArgumentException("the pattern is empty; '*' names everything");
    }
    StringBuilder regex = new StringBuilder();
    StringBuilder literal = new StringBuilder();
    for (int i = 0; i < wildcard.length(); i++) {
      char c = wildcard.charAt(i);
      if (c == '*' || c == '?') {
        quote(regex, literal);
        // A run of stars is one: several would only make the matcher try more ways.
        if (c == '?') {
          regex.append('.');
        } else if (!regex.toString().endsWith(".*")) {
          regex.append(".*");
        }
      } else {
        literal.append(c);
      }
    }
    quote(regex, literal);
    return Pattern.compile(regex.toString(), Pattern.DOTALL);
  }

  private static void quote(StringBuilder regex, StringBuilder literal) {
    if (!literal.isEmpty()) {
      regex.append(Pattern.quote(literal.toString()));
      literal.setLength(0);
    }
  }
}
