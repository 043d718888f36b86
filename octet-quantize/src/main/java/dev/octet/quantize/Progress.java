package dev.octet.quantize;

import java.util.OptionalLong;

/** Is told how far long work has come. Called from the thread that does the work. */
public interface Progress {

  /** Says nothing to anyone. */
  Progress SILENT =
      new Progress() {
        @Override
        public void begin(String stage, OptionalLong total) {}

        @Override
        public void advance(long steps) {}

        @Override
        public void end() {}
      };

  /**
   * A stage begins; the one before has ended.
   *
   * @param stage what is done, for people
   * @param total how many steps it has, where that is known
   */
  void begin(String stage, OptionalLong total);

  /** Another {@code steps} steps of the stage are done. */
  void advance(long steps);

  /** The stage is done. */
  void end();
}
