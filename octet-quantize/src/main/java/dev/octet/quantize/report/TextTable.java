package dev.octet.quantize.report;

import java.util.ArrayList;
import java.util.List;

/** Rows of text in aligned columns: words begin on the left of theirs, figures end on the right. */
public final class TextTable {
  private static final String INDENT = "  ";
  private static final String GAP = "   ";

  private final int words;
  private final List<List<String>> rows = new ArrayList<>();

  /** A table whose first {@code words} columns hold words and the rest figures. */
  public TextTable(int words) {
    this.words = words;
  }

  /** Adds a row, of as many cells as there are columns. */
  public TextTable row(String... cells) {
    rows.add(List.of(cells));
    return this;
  }

  /** The rows, one line each, without blanks at line ends. */
  public String print() {
    List<Integer> widths = new ArrayList<>();
    for (List<String> row : rows) {
      for (int i = 0; i < row.size(); i++) {
        int width = row.get(i).codePointCount(0, row.get(i).length());
        if (i == widths.size()) {
          widths.add(width);
        } else {
          widths.set(i, Math.max(width, widths.get(i)));
        }
      }
    }
    StringBuilder text = new StringBuilder();
    for (List<String> row : rows) {
      StringBuilder line = new StringBuilder(INDENT);
      for (int i = 0; i < row.size(); i++) {
        String cell = row.get(i);
        String blanks = " ".repeat(widths.get(i) - cell.codePointCount(0, cell.length()));
        line.append(i == 0 ? "" : GAP).append(i < words ? cell + blanks : blanks + cell);
      }
      text.append(line.toString().stripTrailing()).append('\n');
    }
    return text.toString();
  }
}
