package dev.octet.torch.script;

import org.bytedeco.pytorch.JitNode;
import org.bytedeco.pytorch.SourceRange;
import org.bytedeco.pytorch.SourceRangeOptional;
import org.bytedeco.pytorch.T_StringSizeTSizeT_TOptional;

/** Says where in the source a node comes from. */
final class Place {
  private static final int MAX_TEXT = 60;

  private Place() {}

  /** File, line and the code there: the original source where the file still knows it. */
  static String of(JitNode node) {
    SourceRange range = node.sourceRange();
    SourceRangeOptional original = range.findSourceRangeThatGenerated();
    if (original.has_value()) {
      range = original.get();
    }
    T_StringSizeTSizeT_TOptional place = range.file_line_col();
    String text =
        range.source() == null || range.source().isNull()
            ? ""
            : Boxing.text(range.text().str()).lines().findFirst().orElse("").strip();
    if (text.length() > MAX_TEXT) {
      text = text.substring(0, MAX_TEXT) + "...";
    }
    String file = place.has_value() ? Boxing.text(place.get().get0()) : "";
    if (file.isEmpty()) {
      return text.isEmpty() ? "at an unknown place" : "at '" + text + "'";
    }
    return "at " + file + ":" + place.get().get1() + (text.isEmpty() ? "" : " '" + text + "'");
  }
}
