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
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** That the guides for Java say only what compiles, runs and is there. */
class GuidesTest {
  private static final Pattern LINK = Pattern.compile("]\\(([^)#]+)(#[^)]*)?\\)");

  /** A page, with what its text says that snippets import and that names stand for. */
  enum Page {
    TRAINING(
        "training.md",
        9,
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
        """,
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
        """),
    DISTILLER(
        "distiller-workflow.md",
        1,
        """
        import dev.octet.graph.Model;
        import dev.octet.graph.onnx.OnnxReader;
        import dev.octet.graph.onnx.OnnxWriter;
        import dev.octet.torch.*;
        import dev.octet.torch.data.DataLoader;
        import dev.octet.torch.graph.LayerGraph;
        import dev.octet.torch.nn.*;
        import dev.octet.torch.nn.Module;
        import dev.octet.torch.quant.flow.ParameterGroups;
        import dev.octet.torch.trace.Trace;
        import dev.octet.torch.train.*;
        import dev.octet.workflows.distiller.*;
        import dev.octet.workflows.distiller.prune.*;
        import dev.octet.workflows.distiller.schedule.*;
        import dev.octet.workflows.distiller.stats.*;
        import dev.octet.workflows.distiller.train.*;
        import java.nio.file.Path;
        import java.util.*;
        import org.bytedeco.pytorch.Tensor;
        """,
        """
        static Module net;
        static Module teacher;
        static Tensor images;
        static Tensor example;
        static List<Tensor> calibration;
        static ModelStats stats;
        static PostTrainLinearQuantizer quantizer;
        static DataLoader training;
        static DataLoader heldOut;
        static double loss(Module model) { return 0; }
        """),
    PYTORCH(
        "pytorch-workflow.md",
        0,
        """
        import dev.octet.graph.Model;
        import dev.octet.graph.onnx.OnnxReader;
        import dev.octet.torch.*;
        import dev.octet.torch.nn.*;
        import dev.octet.torch.nn.Module;
        import dev.octet.torch.trace.Trace;
        import dev.octet.workflows.pytorch.*;
        import dev.octet.workflows.pytorch.experimental.*;
        import dev.octet.workflows.pytorch.fx.*;
        import dev.octet.workflows.pytorch.observer.*;
        import dev.octet.workflows.pytorch.quantized.*;
        import java.nio.file.Path;
        import java.util.*;
        import org.bytedeco.pytorch.Tensor;
        """,
        """
        static Module net;
        static Module freshNet;
        static Tensor images;
        static Tensor example;
        static List<Tensor> calibration;
        static List<Tensor> evaluation;
        static GraphModule prepared;
        static Conversion converted;
        static ConvertedModule int8;
        static Model exact;
        static List<Tensor[]> batches;
        static void train(Module model) {}
        """);

    private final String file;
    private final int examples;
    private final String imports;
    private final String given;

    Page(String file, int examples, String imports, String given) {
      this.file = file;
      this.examples = examples;
      this.imports = imports;
      this.given = given;
    }

    private Path path() {
      for (Path at = Path.of("").toAbsolutePath(); at != null; at = at.getParent()) {
        Path page = at.resolve("docs/guide").resolve(file);
        if (Files.exists(page)) {
          return page;
        }
      }
      throw new AssertionError("docs/guide/" + file + " is not above the working directory");
    }

    private String text() throws IOException {
      return Files.readString(path());
    }

    private List<String> blocks(String info) throws IOException {
      return GuidesTest.blocks(path(), info);
    }

    private JavaFileObject source(String name, String text) {
      return new SimpleJavaFileObject(
          URI.create("string:///" + name + ".java"), JavaFileObject.Kind.SOURCE) {
        @Override
        public CharSequence getCharContent(boolean ignoreEncodingErrors) {
          return imports + text;
        }
      };
    }
  }

  @ParameterizedTest
  @EnumSource
  void everySnippetCompiles(Page page, @TempDir Path folder) throws IOException {
    List<String> statements = new ArrayList<>(page.blocks("java"));
    String methods = String.join("\n", page.blocks("java method"));
    List<JavaFileObject> sources = new ArrayList<>();
    for (String type : page.blocks("java class")) {
      sources.add(page.source("Type" + sources.size(), type));
    }
    if (page == Page.TRAINING) {
      statements.add(blocks(page.path().resolve("../../../README.md").normalize(), "java").get(1));
    }
    for (String statement : statements) {
      String name = "Snippet" + sources.size();
      String body = "static void run() throws Exception {\n" + statement + "}\n";
      sources.add(
          page.source(name, "class " + name + " {\n" + page.given + methods + body + "}\n"));
    }
    DiagnosticCollector<JavaFileObject> told = new DiagnosticCollector<>();

    ToolProvider.getSystemJavaCompiler()
        .getTask(null, null, told, List.of("-d", folder.toString(), "-proc:none"), null, sources)
        .call();

    assertThat(statements).hasSizeGreaterThan(5);
    assertThat(told.getDiagnostics().stream().filter(one -> one.getKind() == Diagnostic.Kind.ERROR))
        .isEmpty();
  }

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "PYTORCH")
  void everyCommandIsOneThatTheCommandLineTakes(Page page) throws IOException {
    List<String> commands = page.blocks("sh").stream().flatMap(String::lines).toList();

    assertThat(commands).isNotEmpty();
    for (String command : commands) {
      assertThat(command).startsWith("./octet ");
      String[] words = command.substring("./octet ".length()).split(" ");
      assertThatCode(() -> Octet.commandLine().parseArgs(words))
          .as(command)
          .doesNotThrowAnyException();
    }
  }

  @ParameterizedTest
  @EnumSource
  void everyLinkedPageIsThere(Page page) throws IOException {
    for (MatchResult link : LINK.matcher(page.text()).results().toList()) {
      assertThat(page.path().resolveSibling(link.group(1))).exists();
    }
  }

  @ParameterizedTest
  @EnumSource
  void everyExampleIsOneThatTheScriptKnows(Page page) throws IOException {
    String script =
        Files.readString(page.path().resolve("../../../octet-examples/run").normalize());
    List<String> named =
        Pattern.compile("octet-examples/run ([\\w-]+)")
            .matcher(page.text())
            .results()
            .map(example -> example.group(1))
            .distinct()
            .toList();

    assertThat(named).hasSize(page.examples);
    assertThat(named).allSatisfy(name -> assertThat(script).contains("\n  " + name + ") main="));
  }

  private static List<String> blocks(Path page, String info) throws IOException {
    return Pattern.compile("```" + info + "\n(.*?)```", Pattern.DOTALL)
        .matcher(Files.readString(page))
        .results()
        .map(block -> block.group(1))
        .toList();
  }
}
