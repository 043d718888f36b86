package dev.octet.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.Spec;

/** What commands with options of their own have in common: how their help is laid out. */
@Command(
    mixinStandardHelpOptions = true,
    versionProvider = Octet.VersionText.class,
    abbreviateSynopsis = true,
    sortOptions = false)
abstract class OctetCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  /** What the user gave. */
  final ParseResult parsed() {
    return spec.commandLine().getParseResult();
  }

  /** Whether the user gave an option. */
  final boolean given(String option) {
    return parsed().hasMatchedOption(option);
  }
}
