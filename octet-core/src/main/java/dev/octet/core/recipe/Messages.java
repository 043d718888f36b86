package dev.octet.core.recipe;

import java.util.Collection;

/** Wording that messages about recipes share. */
final class Messages {
  private static final int LONGEST = 60;

  private Messages() {}

  /** {@code text} on one line, and cut where it is too long for a message. */
  static String shorten(String text) {
    StringBuilder line = new StringBuilder();
    int shown = Math.min(text.length(), LONGEST);
    for (int i = 0; i < shown; i++) {
      char c = text.charAt(i);
      line.append(Character.isISOControl(c) ? ' ' : c);
    }
    return shown < text.length() ? line + "..." : line.toString();
  }

  /** {@code did you mean 'x'?} where a choice is near to {@code word}, otherwise all choices. */
  static String suggestion(String word, Collection<String> choices) {
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

  /** The fewest letters to insert, drop or replace (Levenshtein); at most 99. */
  private static int distance(String a, String b) {
    if (a.length() > LONGEST) {
      return 99;
    }
    int[] row = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      row[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int replaced = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(replaced, Math.min(row[j], row[j - 1]) + 1);
      }
    }
    return row[b.length()];
  }
}
