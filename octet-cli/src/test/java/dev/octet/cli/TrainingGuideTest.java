package dev.octet.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import javax.tools.Diagnostic;
import javax.tools.DiagnosticCollector;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** That docs/guide/training.md says only what compiles, runs and is there. */
class TrainingGuideTest {
  private static final Pattern LINK = Pattern.compile("]\\(([^)#]+)(#[^)]*)?\\)");

  /** What the page says that snippets import. */
  private static final String IMPORTS =
      """
      import dev.octet.core.descriptor.*;
      import dev.octet.core.recipe.Recipe;
      import dev.octet.core.rules.*;
      import dev.octet.graph.DataType;
      import dev.octet.graph.Model;
      import dev.octet.graph.onnx.OnnxWriter;
      import dev.octet.quantize.data.DataSet;
      import dev.octet.quantize.data.SamplesOptions;
      import dev.octet.torch.*;
      import dev.octet.torch.data.*;
      import dev.octet.torch.graph.*;
      import dev.octet.torch.models.*;
      import dev.octet.torch.nn.*;
      import dev.octet.torch.nn.Module;
      import dev.octet.torch.op.Ops;
      import dev.octet.torch.qat.FineTuning;
      import dev.octet.torch.quant.*;
      import dev.octet.torch.quant.flow.*;
      import dev.octet.torch.quant.nn.*;
      import dev.octet.torch.script.*;
      import dev.octet.torch.trace.Trace;
      import dev.octet.torch.train.*;
      import dev.octet.torch.train.events.EventWriter;
      import dev.octet.torch.weights.*;
      import java.nio.file.Path;
      import java.util.*;
      import org.bytedeco.pytorch.Tensor;
      """;

  /** What the page says that names stand for. */
  private static final String GIVEN =
      """
      static Module net;
      static Module teacher;
      static Tensor images;
      static Tensor example;
      static Iterable<Tensor> inputs;
      static DataLoader training;
      static DataLoader heldOut;
      static DataSet samples;
      static Optimizer optimizer;
      static Trainer.Builder trainer;
      """;

  @Test
  void everySnippetCompiles(@TempDir Path folder) throws IOException {
    List<String> statements = new ArrayList<>(blocks("java"));
    String methods = String.join("\n", blocks("java method"));
    List<JavaFileObject> sources = new ArrayList<>();
    for (String type : blocks("java class")) {
      sources.add(source("Type" + sources.size(), type));
    }
    statements.add(blocks(page().resolve("../../../README.md").normalize(), "java").get(1));
    for (String statement : statements) {
      String name = "Snippet" + sources.size();
      String body = "static void run() throws Exception {\n" + statement + "}\n";
      sources.add(source(name, "class " + name + " {\n" + GIVEN + methods + body + "}\n"));
    }
    DiagnosticCollector<JavaFileObject> told = new DiagnosticCollector<>();

    ToolProvider.getSystemJavaCompiler()
        .getTask(null, null, told, List.of("-d", folder.toString(), "-proc:none"), null, sources)
        .call();

    assertThat(statements).hasSizeGreaterThan(10);
    assertThat(told.getDiagnostics().stream().filter(one -> one.getKind() == Diagnostic.Kind.ERROR))
        .isEmpty();
  }

  @Test
  void everyCommandIsOneThatTheCommandLineTakes() throws IOException {
    List<String> commands = blocks("sh").stream().flatMap(String::lines).toList();

    assertThat(commands).isNotEmpty();
    for (String command : commands) {
      assertThat(command).startsWith("./octet ");
      String[] words = command.substring("./octet ".length()).split(" ");
      assertThatCode(() -> Octet.commandLine().parseArgs(words))
          .as(command)
          .doesNotThrowAnyException();
    }
  }

  @Test
  void everyLinkedPageIsThere() throws IOException {
    for (MatchResult link : LINK.matcher(Files.readString(page())).results().toList()) {
      assertThat(page().resolveSibling(link.group(1))).exists();
    }
  }

  @Test
  void everyExampleIsOneThatTheScriptKnows() throws IOException {
    String script = Files.readString(page().resolve("../../../octet-examples/run").normalize());
    List<String> named =
        Pattern.compile("octet-examples/run ([\\w-]+)")
            .matcher(Files.readString(page()))
            .results()
            .map(example -> example.group(1))
            .distinct()
            .toList();

    assertThat(named).hasSize(9);
    assertThat(named).allSatisfy(name -> assertThat(script).contains("\n  " + name + ") main="));
  }

  private static JavaFileObject source(String name, String text) {
    return new SimpleJavaFileObject(
        URI.create("string:///" + name + ".java"), JavaFileObject.Kind.SOURCE) {
      @Override
      public CharSequence getCharContent(boolean ignoreEncodingErrors) {
        return IMPORTS + text;
      }
    };
  }

  private static List<String> blocks(String info) throws IOException {
    return blocks(page(), info);
  }

  private static List<String> blocks(Path page, String info) throws IOException {
    return Pattern.compile("```" + info + "\n(.*?)```", Pattern.DOTALL)
        .matcher(Files.readString(page))
        .results()
        .map(block -> block.group(1))
        .toList();
  }

  private static Path page() {
    for (Path folder = Path.of("").toAbsolutePath(); folder != null; folder = folder.getParent()) {
      Path page = folder.resolve("docs/guide/training.md");
      if (Files.exists(page)) {
        return page;
      }
    }
    throw new AssertionError("docs/guide/training.md is not above the working directory");
  }
}
