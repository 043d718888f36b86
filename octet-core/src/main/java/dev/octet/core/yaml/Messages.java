package dev.octet.core.yaml;

import java.util.Collection;

/** Wording that messages about settings share. */
public final class Messages {
  private static final int LONGEST = 60;

  private Messages() {}

  /** {@code text} on one line, and cut where it is too long for a part of a message. */
  public static String shorten(String text) {
    return shorten(text, LONGEST);
  }

  /** {@code text} on one line, and cut after {@code longest} characters. */
  public static String shorten(String text, int longest) {
    StringBuilder line = new StringBuilder();
    int shown = Math.min(text.length(), longest);
    for (int i = 0; i < shown; i++) {
      char c = text.charAt(i);
      boolean breaks = Character.isISOControl(c) || c == '\u2028' || c == '\u2029';
      line.append(breaks ? ' ' : c);
    }
    return shown < text.length() ? line + "..." : line.toString();
  }

  /** {@code did you mean 'x'?} where a choice is near to {@code word}, otherwise all choices. */
  public static String suggestion(String word, Collection<String> choices) {
    String nearest = "";
    // Two slips in a short word make it another word.
    int least = Math.max(1, Math.min(3, word.length() / 3)) + 1;
    for (String choice : choices) {
      int distance = distance(word, choice);
      if (distance < least) {
        least = distance;
        nearest = choice;
      }
    }
    return nearest.isEmpty()
        ? "choose one of " + String.join(", ", choices)
        : "did you mean '" + nearest + "'?";
  }

  /**
   * The fewest letters to insert, drop or replace, or neighbours to swap (optimal string
   * alignment); many for a word too long to be a slip.
   */
  private static int distance(String a, String b) {
    if (a.length() > LONGEST) {
      return LONGEST;
    }
    int[][] least = new int[a.length() + 1][b.length() + 1];
    for (int i = 0; i <= a.length(); i++) {
      for (int j = 0; j <= b.length(); j++) {
        if (i == 0 || j == 0) {
          least[i][j] = i + j;
          continue;
        }
        boolean same = a.charAt(i - 1) == b.charAt(j - 1);
        least[i][j] =
            Math.min(
                least[i - 1][j - 1] + (same ? 0 : 1),
                Math.min(least[i - 1][j], least[i][j - 1]) + 1);
        if (i > 1
            && j > 1
            && a.charAt(i - 1) == b.charAt(j - 2)
            && a.charAt(i - 2) == b.charAt(j - 1)) {
          least[i][j] = Math.min(least[i][j], least[i - 2][j - 2] + 1);
        }
      }
    }
    return least[a.length()][b.length()];
  }
}
