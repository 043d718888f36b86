package dev.octet.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import dev.octet.core.recipe.Recipe;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import javax.tools.Diagnostic;
import javax.tools.DiagnosticCollector;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** That a newcomer who follows docs/guide/getting-started.md does not stumble. */
class GettingStartedTest {
  private static final Pattern WORD = Pattern.compile("'([^']*)'|(\\S+)");
  private static final Pattern LINK = Pattern.compile("]\\(([^)#]+)(#[^)]*)?\\)");

  @Test
  void everyCommandIsOneThatTheCommandLineTakes() throws IOException {
    List<String> commands =
        blocks("sh").stream()
            .flatMap(String::lines)
            .filter(line -> line.startsWith("./octet "))
            .toList();

    assertThat(commands).hasSizeGreaterThan(5);
    for (String command : commands) {
      String[] words =
          WORD.matcher(command)
              .results()
              .skip(1)
              .map(word -> word.group(1) != null ? word.group(1) : word.group(2))
              .toArray(String[]::new);
      assertThatCode(() -> Octet.commandLine().parseArgs(words))
          .as(command)
          .doesNotThrowAnyException();
    }
  }

  @Test
  void everyRecipeLoads(@TempDir Path folder) throws IOException {
    for (String recipe : blocks("yaml")) {
      Path file = Files.writeString(folder.resolve("mine.yaml"), recipe);
      assertThatCode(() -> Recipe.load(file)).as(recipe).doesNotThrowAnyException();
    }
  }

  @Test
  void everyProgramCompiles(@TempDir Path folder) throws IOException {
    List<JavaFileObject> sources =
        blocks("java").stream().map(GettingStartedTest::source).collect(Collectors.toList());
    DiagnosticCollector<JavaFileObject> told = new DiagnosticCollector<>();
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();

    compiler
        .getTask(null, null, told, List.of("-d", folder.toString(), "-proc:none"), null, sources)
        .call();

    assertThat(sources).hasSize(2);
    assertThat(told.getDiagnostics().stream().filter(one -> one.getKind() == Diagnostic.Kind.ERROR))
        .isEmpty();
  }

  @Test
  void everyLinkedPageIsThere() throws IOException {
    for (MatchResult link : LINK.matcher(Files.readString(page())).results().toList()) {
      assertThat(page().resolveSibling(link.group(1))).exists();
    }
  }

  /** A program under the name of its public class. */
  private static JavaFileObject source(String text) {
    String name = text.replaceFirst("(?s).*public class (\\w+).*", "$1");
    return new SimpleJavaFileObject(
        URI.create("string:///" + name + ".java"), JavaFileObject.Kind.SOURCE) {
      @Override
      public CharSequence getCharContent(boolean ignoreEncodingErrors) {
        return text;
      }
    };
  }

  private static List<String> blocks(String language) throws IOException {
    return Pattern.compile("```" + language + "\n(.*?)```", Pattern.DOTALL)
        .matcher(Files.readString(page()))
        .results()
        .map(block -> block.group(1))
        .toList();
  }

  private static Path page() {
    for (Path folder = Path.of("").toAbsolutePath(); folder != null; folder = folder.getParent()) {
      Path page = folder.resolve("docs/guide/getting-started.md");
      if (Files.exists(page)) {
        return page;
      }
    }
    throw new AssertionError("docs/guide/getting-started.md is not above the working directory");
  }
}
