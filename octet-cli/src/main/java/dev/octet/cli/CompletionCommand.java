package dev.octet.cli;

import java.util.concurrent.Callable;
import picocli.AutoComplete;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code octet completion}: what makes a shell complete the command's words. */
@Command(
    name = "completion",
    description = "Print a script that makes bash or zsh complete commands and options.",
    mixinStandardHelpOptions = true,
    versionProvider = Octet.VersionText.class,
    footer = {
      "",
      "Use it at once, or from a shell's start-up file:",
      "  source <(octet completion)"
    })
final class CompletionCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Mixin private CommonOptions common;

  @Override
  public Integer call() {
    common.console().print(AutoComplete.bash("octet", spec.root().commandLine()));
    return ExitCode.OK;
  }
}
