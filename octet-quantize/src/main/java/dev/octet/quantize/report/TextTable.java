package dev.octet.quantize.report;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * Rows of text in aligned columns: words begin on the left of theirs, figures end on the right.
 * Cells may quote names that come from files: what is not plain text in them, and could move a
 * terminal's cursor, is shown as a question mark.
 */
public final class TextTable {
  private final int words;
  private final List<List<String>> rows = new ArrayList<>();

  /** A table whose first {@code words} columns hold words and the rest figures. */
  public TextTable(int words) {
    this.words = words;
  }

  /** A table without figures. */
  public static TextTable ofWords() {
    return new TextTable(Integer.MAX_VALUE);
  }

  /** Adds a row; a shorter one leaves its last columns empty. */
  public TextTable row(String... cells) {
    rows.add(Stream.of(cells).map(Figures::line).toList());
    return this;
  }

  /** The rows, one line each, without blanks at line ends. */
  public String print() {
    return print(0, 3);
  }

  /**
   * The rows, one line each, without blanks at line ends.
   *
   * @param indent blanks before each line
   * @param gap blanks between columns
   */
  public String print(int indent, int gap) {
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
      StringBuilder line = new StringBuilder(" ".repeat(indent));
      for (int i = 0; i < row.size(); i++) {
        String cell = row.get(i);
        String blanks = " ".repeat(widths.get(i) - cell.codePointCount(0, cell.length()));
        line.append(i == 0 ? "" : " ".repeat(gap));
        line.append(i < words ? cell + blanks : blanks + cell);
      }
      text.append(line.toString().stripTrailing()).append('\n');
    }
    return text.toString();
  }
}
