package dev.octet.cli;

import dev.octet.core.range.CalibrationException;
import dev.octet.core.recipe.RecipeException;
import dev.octet.engine.plan.UnsupportedNodeException;
import dev.octet.graph.ModelException;
import dev.octet.quantize.NothingToQuantizeException;
import dev.octet.quantize.data.DataException;
import dev.octet.quantize.run.RunException;
import dev.octet.torch.train.TrainingException;
import dev.octet.workflows.distiller.schedule.ScheduleException;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.UnmatchedArgumentException;

/** Turns exceptions into one sentence on standard error and an exit code. */
final class Failures {
  private Failures() {}

  /** For a command line that cannot be understood. */
  static int wrongUsage(ParameterException failure, String[] args) {
    CommandLine command = failure.getCommandLine();
    PrintWriter err = command.getErr();
    err.println("octet: " + sentence(failure));
    if (!UnmatchedArgumentException.printSuggestions(failure, err)) {
      err.println("Try '" + command.getCommandSpec().qualifiedName() + " --help'.");
    }
    if (List.of(args).contains("--verbose")) {
      failure.printStackTrace(err);
    }
    return ExitCode.USAGE;
  }

  /** For everything that goes wrong while a command runs. */
  static int failed(Exception failure, CommandLine command, ParseResult parsed) {
    PrintWriter err = command.getErr();
    int code = codeOf(failure);
    err.println("octet: " + message(failure, code));
    if (verbose(parsed)) {
      failure.printStackTrace(err);
    } else if (code == ExitCode.INTERNAL) {
      err.println("This is a defect of Octet; --verbose shows where. Please report it.");
    }
    return code;
  }

  static String outOfMemory() {
    return "octet: the heap of "
        + (Runtime.getRuntime().maxMemory() >> 20)
        + " MB is too small; give more, such as OCTET_OPTS=-Xmx8g, or a smaller --batch";
  }

  private static int codeOf(Exception failure) {
    if (failure instanceof OptionException
        || failure instanceof RecipeException
        || failure instanceof ScheduleException) {
      return ExitCode.USAGE;
    }
    if (failure instanceof ModelException) {
      return ExitCode.BAD_MODEL;
    }
    if (failure instanceof DataException || failure instanceof CalibrationException) {
      return ExitCode.BAD_DATA;
    }
    if (failure instanceof NothingToQuantizeException) {
      return ExitCode.NOTHING_TO_QUANTIZE;
    }
    if (failure instanceof RunException) {
      return ExitCode.RUNTIME_REFUSED;
    }
    if (failure instanceof TrainingException) {
      return ExitCode.TRAINING_FAILED;
    }
    if (failure instanceof IOException || failure instanceof UncheckedIOException) {
      return ExitCode.CANNOT_WRITE;
    }
    return ExitCode.INTERNAL;
  }

  private static String message(Exception failure, int code) {
    Throwable told =
        failure instanceof UncheckedIOException && failure.getCause() != null
            ? failure.getCause()
            : failure;
    String text = told.getMessage();
    if (code == ExitCode.INTERNAL || text == null) {
      return told.toString();
    }
    if (told instanceof FileSystemException file && file.getReason() == null) {
      return "'" + file.getFile() + "' " + reason(file);
    }
    return told.getCause() instanceof UnsupportedNodeException ? text + ": --runner auto" : text;
  }

  /** The exceptions of the file system carry the path and leave the reason to their class. */
  private static String reason(FileSystemException failure) {
    if (failure instanceof NoSuchFileException) {
      return "does not exist";
    }
    if (failure instanceof AccessDeniedException) {
      return "may not be read or written";
    }
    return "cannot be read or written (" + failure.getClass().getSimpleName() + ")";
  }

  private static String sentence(ParameterException failure) {
    String text = String.valueOf(failure.getMessage()).strip();
    // Our own messages begin in lower case already; picocli's do not.
    return Character.toLowerCase(text.charAt(0)) + text.substring(1);
  }

  private static boolean verbose(ParseResult parsed) {
    for (ParseResult at = parsed; at != null; at = at.subcommand()) {
      if (at.hasMatchedOption("--verbose")) {
        return true;
      }
    }
    return false;
  }
}
