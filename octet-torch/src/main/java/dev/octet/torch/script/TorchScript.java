package dev.octet.torch.script;

import dev.octet.graph.Bytes;
import dev.octet.graph.Graph;
import dev.octet.graph.Model;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Value;
import dev.octet.graph.pass.Pass;
import dev.octet.graph.pass.RemoveIdentity;
import dev.octet.graph.pass.RemoveUnused;
import dev.octet.graph.pass.Rewrites;
import dev.octet.torch.Scope;
import dev.octet.torch.Torch;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReference;
import org.bytedeco.pytorch.Argument;
import org.bytedeco.pytorch.FunctionSchema;
import org.bytedeco.pytorch.IValueOptional;
import org.bytedeco.pytorch.JitModule;
import org.bytedeco.pytorch.Method;
import org.bytedeco.pytorch.MethodOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Reads TorchScript modules, traced or scripted, as models of ONNX's operators (operator set 17).
 *
 * <pre>{@code
 * Model model = TorchScript.read(
 *     Path.of("resnet18.pt"), ExampleInput.of(DataType.FLOAT, 1, 3, 224, 224));
 * }</pre>
 *
 * <p>The module is put in evaluation mode. Its inputs have the examples' names, types and shapes,
 * its nodes the path of the module they come from ({@code layer1.0.conv1/Conv}), its weights their
 * names in the state dict. Outputs are {@code output} or {@code output_0}, {@code output_1}...; a
 * dictionary's have its keys. What a script decides by shapes, settings and constants is decided
 * here; what it decides by an input's values is an error, as is every operator without a
 * counterpart. Fake quantization becomes QuantizeLinear and DequantizeLinear.
 */
public final class TorchScript {
  private static final long OPSET = 17;
  private static final long IR_VERSION = 8;

  /** LibTorch parses code recursively; {@link ScriptArchive} bounds how deep. */
  private static final long STACK_BYTES = 512L << 20;

  private TorchScript() {}

  /**
   * Reads {@code file}.
   *
   * @param inputs one for each argument of {@code forward} that has no default, in order or by
   *     name; further ones may be given
   * @throws TorchScriptException if the file is missing, damaged or no TorchScript module, or
   *     cannot be converted: then the message lists every operator in the way with its place in the
   *     source
   * @throws IllegalArgumentException if the inputs are not those of the module
   */
  public static Model read(Path file, ExampleInput... inputs) {
    List<ExampleInput> examples = List.of(inputs);
    AtomicReference<Model> result = new AtomicReference<>();
    AtomicReference<Throwable> failure = new AtomicReference<>();
    Thread reader =
        new Thread(
            null,
            () -> {
              try (Scope scope = Scope.open();
                  Torch.Switched noGrad = Torch.noGrad()) {
                ScriptArchive.check(file);
                result.set(convert(load(file), examples));
              } catch (RuntimeException | StackOverflowError | OutOfMemoryError e) {
                failure.set(e);
              }
            },
            "torchscript",
            STACK_BYTES);
    reader.start();
    boolean interrupted = false;
    while (true) {
      try {
        reader.join();
        break;
      } catch (InterruptedException e) {
        interrupted = true; // native work cannot be left half done
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    Throwable failed = failure.get();
    if (failed instanceof IllegalArgumentException wrong) {
      throw new IllegalArgumentException(file + ": " + wrong.getMessage(), wrong);
    }
    if (failed != null) {
      String reason =
          failed instanceof TorchScriptException
              ? String.valueOf(failed.getMessage())
              : "cannot be converted: " + TorchScriptException.firstLine(failed);
      throw new TorchScriptException(file + ": " + reason, failed);
    }
    return Objects.requireNonNull(result.get());
  }

  private static JitModule load(Path file) {
    try {
      JitModule module = torch.load(file.toString());
      module.eval();
      return module;
    } catch (RuntimeException e) {
      throw new TorchScriptException(
          "LibTorch does not accept it: " + TorchScriptException.firstLine(e), e);
    }
  }

  private static Model convert(JitModule module, List<ExampleInput> examples) {
    MethodOptional found = module.find_method("forward");
    if (!found.has_value()) {
      throw new TorchScriptException("the module has no method 'forward'");
    }
    Method forward = found.get();
    Emitter emitter = new Emitter();
    List<Object> arguments = arguments(forward, examples, emitter);
    Object result =
        new Interpreter(emitter)
            .forward(new ScriptValue.Instance(module._ivalue(), ""), forward.graph(), arguments);
    emitter.enter("");
    Graph graph = emitter.graph();
    output(result, "output", emitter);
    if (graph.outputs().isEmpty()) {
      throw new TorchScriptException("the module returns no tensor");
    }
    Rewrites.run(graph, List.<Pass>of(new RemoveIdentity(), new RemoveUnused()));
    return new Model(IR_VERSION, Map.of("", OPSET), Map.of(), graph, Bytes.EMPTY);
  }

  // ---- inputs ----

  private static List<Object> arguments(
      Method forward, List<ExampleInput> examples, Emitter emitter) {
    FunctionSchema schema = forward.function().getSchema();
    List<ExampleInput> left = new ArrayList<>(examples);
    List<Object> arguments = new ArrayList<>();
    long count = forward.num_inputs();
    for (long i = 1; i < count; i++) {
      Argument argument = schema.arguments().getPointer(i);
      String name = Boxing.text(argument.name());
      ExampleInput example =
          left.stream()
              .filter(e -> e.name().equals(name))
              .findFirst()
              .or(() -> left.stream().filter(e -> e.name().isEmpty()).findFirst())
              .orElse(null);
      if (example != null) {
        left.remove(example);
        arguments.add(input(name, example, Boxing.text(argument.type().get().str()), emitter));
        continue;
      }
      IValueOptional value = argument.default_value();
      if (!value.has_value()) {
        throw new IllegalArgumentException(
            "no example is given for argument '" + name + "' of forward");
      }
      arguments.add(Boxing.unbox(value.get(), "", false));
    }
    if (!left.isEmpty()) {
      throw new IllegalArgumentException(
          "forward has no argument for "
              + (left.get(0).name().isEmpty() ? "input " + left.get(0) : left.get(0).name()));
    }
    return arguments;
  }

  private static TracedTensor input(
      String name, ExampleInput example, String declared, Emitter emitter) {
    if (!declared.startsWith("Tensor")) {
      throw new IllegalArgumentException(
          "argument '" + name + "' of forward is " + declared + ", not a tensor");
    }
    ScalarType type = Objects.requireNonNull(NativeTensors.nativeType(example.type()));
    long[] shape = example.shape().stream().mapToLong(Long::longValue).toArray();
    // Zeros are valid whatever an input means: positions, masks, numbers.
    Tensor zeros = torch.zeros(shape, new TensorOptions(type));
    TracedTensor input = new TracedTensor(zeros, name, false);
    Value value = emitter.graph().addValue(name, Emitter.type(example.type(), example.shape()));
    emitter.graph().addInput(value);
    input.bind(value);
    return input;
  }

  // ---- outputs ----

  private static void output(Object result, String name, Emitter emitter) {
    if (result instanceof TracedTensor tensor) {
      Graph graph = emitter.graph();
      String free = graph.freshName(name);
      Value made = graph.addValue(free, Emitter.type(tensor.type(), tensor.shape()));
      graph.add(NodeSpec.of("Identity").named(free).reads(emitter.value(tensor)).makes(made));
      graph.addOutput(made);
    } else if (result instanceof List<?> items) {
      for (int i = 0; i < items.size(); i++) {
        output(Objects.requireNonNull(items.get(i)), name + "_" + i, emitter);
      }
    } else if (result instanceof ScriptValue.Tuple tuple) {
      output(tuple.items(), name, emitter);
    } else if (result instanceof Map<?, ?> map) {
      map.forEach(
          (key, value) ->
              output(
                  Objects.requireNonNull(value),
                  name.equals("output") ? String.valueOf(key) : name + "_" + key,
                  emitter));
    } else if (result == ScriptValue.Unknown.UNKNOWN) {
      throw new TorchScriptException("an output is not made by any operator that can be converted");
    }
  }
}
