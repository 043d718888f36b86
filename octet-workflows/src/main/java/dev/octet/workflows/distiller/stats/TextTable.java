package dev.octet.workflows.distiller.stats;

import java.util.List;

/** Tables as text. */
public final class TextTable {
  private TextTable() {}

  /**
   * Rows under each other.
   *
   * @param rows of one length, the first of them names
   * @param words how many columns begin on their left; the others, figures, end on their right
   */
  public static String of(List<String[]> rows, int words) {
    int[] widths = new int[rows.get(0).length];
    for (String[] row : rows) {
      for (int i = 0; i < row.length; i++) {
        widths[i] = Math.max(widths[i], row[i].length());
      }
    }
    StringBuilder text = new StringBuilder();
    for (String[] row : rows) {
      StringBuilder line = new StringBuilder();
      for (int i = 0; i < row.length; i++) {
        String blanks = " ".repeat(widths[i] - row[i].length());
        line.append(i == 0 ? "" : "  ").append(i < words ? row[i] + blanks : blanks + row[i]);
      }
      text.append(line.toString().stripTrailing()).append('\n');
    }
    return text.toString();
  }
}
