package dev.octet.cli;

import dev.octet.quantize.Progress;
import java.nio.charset.Charset;
import java.util.OptionalLong;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;

/** Progress as a bar with the time left, on a terminal. */
final class ProgressBars implements Progress {
  private static final int REDRAW_MILLIS = 200;
  private static final int WIDTH = 80;

  private @Nullable ProgressBar bar;

  @Override
  public void begin(String stage, OptionalLong total) {
    end();
    bar =
        new ProgressBarBuilder()
            .setTaskName(stage)
            .setInitialMax(total.orElse(-1))
            .setUnit(" samples", 1)
            .setStyle(style())
            .setUpdateIntervalMillis(REDRAW_MILLIS)
            .setMaxRenderedLength(WIDTH)
            .setConsumer(new ConsoleProgressBarConsumer(System.err))
            .build();
  }

  @Override
  public void advance(long steps) {
    if (bar != null) {
      bar.stepBy(steps);
    }
  }

  @Override
  public void end() {
    if (bar != null) {
      bar.close();
      bar = null;
    }
  }

  private static ProgressBarStyle style() {
    return Charset.defaultCharset().newEncoder().canEncode('█')
        ? ProgressBarStyle.UNICODE_BLOCK
        : ProgressBarStyle.ASCII;
  }
}
