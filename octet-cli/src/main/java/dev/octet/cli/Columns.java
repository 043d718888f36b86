package dev.octet.cli;

import dev.octet.torch.train.Score;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Rows of text in columns that line up: the first to the left, the others to the right. */
final class Columns {
  private static final String GAP = "   ";

  private final boolean leftOnly;
  private final List<String[]> rows = new ArrayList<>();

  Columns() {
    this(false);
  }

  private Columns(boolean leftOnly) {
    this.leftOnly = leftOnly;
  }

  /** Columns that are all to the left. */
  static Columns left() {
    return new Columns(true);
  }

  /** Adds a row; rows may differ in length. */
  Columns row(String... cells) {
    String[] safe = new String[cells.length];
    for (int i = 0; i < cells.length; i++) {
      // Names come from files: no control character of theirs may move the cursor.
      safe[i] = cells[i].replaceAll("\\p{Cntrl}", "?");
    }
    rows.add(safe);
    return this;
  }

  /** Adds a row of accuracy and loss. */
  Columns row(String name, Score score) {
    return row(name, percent(score.accuracy()), String.format(Locale.ROOT, "%.4f", score.loss()));
  }

  /** A share from 0 to 1 as a cell. */
  static String percent(double share) {
    return String.format(Locale.ROOT, "%.2f %%", 100 * share);
  }

  /** The lines, each with an end of line. */
  String print() {
    int count = rows.stream().mapToInt(row -> row.length).max().orElse(0);
    int[] widths = new int[count];
    for (String[] row : rows) {
      for (int i = 0; i < row.length; i++) {
        widths[i] = Math.max(widths[i], row[i].length());
      }
    }
    StringBuilder text = new StringBuilder();
    for (String[] row : rows) {
      StringBuilder line = new StringBuilder();
      for (int i = 0; i < row.length; i++) {
        String padding = " ".repeat(widths[i] - row[i].length());
        line.append(i == 0 ? "" : GAP);
        line.append(i == 0 || leftOnly ? row[i] + padding : padding + row[i]);
      }
      text.append(line.toString().stripTrailing()).append('\n');
    }
    return text.toString();
  }
}
