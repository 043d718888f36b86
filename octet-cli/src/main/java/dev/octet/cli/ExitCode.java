package dev.octet.cli;

/** How a run of the command ended. Scripts rely on these numbers: they do not change. */
public final class ExitCode {
  /** The work is done. */
  public static final int OK = 0;

  /** The work is done and everything is written, but the result misses a floor the user set. */
  public static final int BELOW_TARGET = 1;

  /** The command line cannot be understood or asks for what cannot go together. */
  public static final int USAGE = 2;

  /** The model cannot be read, is unsound, or cannot be written. */
  public static final int BAD_MODEL = 3;

  /** The samples, or a file of ranges, cannot be read or do not fit the model. */
  public static final int BAD_DATA = 4;

  /** The model has nothing that the recipe quantizes; nothing was written. */
  public static final int NOTHING_TO_QUANTIZE = 5;

  /** The runtime refuses to load or run the model. */
  public static final int RUNTIME_REFUSED = 6;

  /** A report or another result cannot be written. */
  public static final int CANNOT_WRITE = 7;

  /** The loss is no number, or a checkpoint belongs to another run. */
  public static final int TRAINING_FAILED = 8;

  /** A defect of Octet, or too little memory. */
  public static final int INTERNAL = 70;

  /** The user pressed Ctrl-C. */
  public static final int INTERRUPTED = 130;

  private ExitCode() {}
}
