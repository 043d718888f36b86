package dev.octet.cli;

import dev.octet.core.recipe.Format;
import dev.octet.core.recipe.Mode;
import dev.octet.core.recipe.Target;
import dev.octet.quantize.Version;
import dev.octet.quantize.data.Preprocessing;
import dev.octet.quantize.run.Runner;
import dev.octet.torch.graph.QuantizedGraph;
import dev.octet.workflows.distiller.ClipMode;
import dev.octet.workflows.distiller.Lapq;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The command {@code octet}: the root of the sub-commands, and the way in for the JVM. */
@Command(
    name = "octet",
    description = "Quantizes neural networks, and says what it cost.",
    synopsisSubcommandLabel = "COMMAND",
    mixinStandardHelpOptions = true,
    versionProvider = Octet.VersionText.class,
    subcommands = {
      QuantizeCommand.class,
      EvaluateCommand.class,
      CompareCommand.class,
      RunCommand.class,
      BenchCommand.class,
      InspectCommand.class,
      TrainQatCommand.class,
      DistillerCommand.class,
      DemoCommand.class,
      RecipesCommand.class,
      CompletionCommand.class,
    },
    footer = {
      "",
      "Start here:",
      "  octet demo                                      everything, on a model that ships with it",
      "  octet quantize model.onnx --data photos/        writes model.int8.onnx and a report",
      "",
      "octet COMMAND --help tells of each command.",
    },
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:done",
      "1:done and written, but below a floor such as --min-agreement",
      "2:the command line is wrong",
      "3:the model cannot be read or written",
      "4:the samples or ranges cannot be read, or do not fit the model",
      "5:nothing in the model can be quantized",
      "6:the runtime refuses the model",
      "7:a report cannot be written",
      "8:training cannot go on, or its checkpoint does not fit",
      "70:a defect of Octet, or too little memory",
      "130:interrupted by Ctrl-C",
    })
public final class Octet implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "no command is given; try 'octet demo'");
  }

  /** Runs the command and ends the JVM with its exit code. */
  public static void main(String[] args) {
    // Decoding images needs no display, and must not look for one.
    System.setProperty("java.awt.headless", "true");
    System.exit(execute(args));
  }

  /** The whole command, ready to be executed; output goes to the standard streams unless set. */
  static CommandLine commandLine() {
    CommandLine command =
        new CommandLine(new Octet())
            .setUsageHelpAutoWidth(true)
            .setParameterExceptionHandler(Failures::wrongUsage)
            .setExecutionExceptionHandler(Failures::failed);
    EnumWords.register(command, Mode.class);
    EnumWords.register(command, Format.class);
    EnumWords.register(command, Target.class);
    EnumWords.register(command, Preprocessing.Layout.class);
    EnumWords.register(command, Preprocessing.Channels.class);
    EnumWords.register(command, Preprocessing.PixelRange.class);
    EnumWords.register(command, QuantizedGraph.BatchNorms.class);
    EnumWords.register(command, TrainingOptions.Augment.class);
    EnumWords.register(command, Runner.class);
    EnumWords.register(command, DistillerOptions.Mode.class);
    EnumWords.register(command, ClipMode.class);
    EnumWords.register(command, Lapq.Method.class);
    EnumWords.register(command, LapqOptions.Start.class);
    return command;
  }

  private static int execute(String[] args) {
    CommandLine command = commandLine();
    try {
      return command.execute(args);
    } catch (OutOfMemoryError e) {
      command.getErr().println(Failures.outOfMemory());
      return ExitCode.INTERNAL;
    }
  }

  /** What {@code --version} shows. */
  static final class VersionText implements IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {
        "octet " + Version.TEXT,
        "Java " + Runtime.version() + " on " + System.getProperty("os.name"),
      };
    }
  }
}
