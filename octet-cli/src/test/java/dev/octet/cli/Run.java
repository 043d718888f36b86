package dev.octet.cli;

import dev.octet.quantize.run.Runner;
import java.io.PrintWriter;
import java.io.StringWriter;
import picocli.CommandLine;

/** One run of the command, with what it said. */
record Run(int code, String out, String err) {

  /** Runs {@code octet} with these words; paths and numbers are written as text. */
  static Run octet(Object... words) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    CommandLine command =
        Octet.commandLine().setOut(new PrintWriter(out)).setErr(new PrintWriter(err));
    String[] args = new String[words.length];
    for (int i = 0; i < args.length; i++) {
      args[i] = words[i].toString();
    }
    try {
      int code = command.execute(args);
      return new Run(code, out.toString(), err.toString());
    } finally {
      System.clearProperty(Runner.PROPERTY); // a process has one command, these tests have many
    }
  }
}
