package dev.octet.engine.plan;

import dev.octet.engine.dnnl.DnnlException;
import dev.octet.engine.dnnl.Layout;
import dev.octet.engine.dnnl.Memory;
import dev.octet.graph.DataType;
import dev.octet.graph.Graph;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import dev.octet.graph.fold.CannotFold;
import dev.octet.graph.fold.Evaluator;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Compiles a graph, once for each set of input shapes. Thread-safe. */
public final class Compiler {
  private final Graph graph;
  private final List<Node> nodes;
  private final Function<Node, @Nullable Lowering> lowerings;
  private final Constants constants;

  /**
   * A compiler of {@code graph}, which must not change any more.
   *
   * @param lowerings finds the lowering of a node, null where there is none
   * @param constants where packed weights are kept
   * @throws UnsupportedNodeException if a node has neither a lowering nor can be computed at
   *     compile time
   */
  public Compiler(Graph graph, Function<Node, @Nullable Lowering> lowerings, Constants constants) {
    this.graph = graph;
    this.nodes = graph.nodes();
    this.lowerings = lowerings;
    this.constants = constants;
    for (Node node : nodes) {
      if (lowerings.apply(node) instanceof Refusal refusal) {
        throw new UnsupportedNodeException(node, refusal.reason());
      }
      if (lowerings.apply(node) == null && !Compilation.isShape(node) && !Evaluator.knows(node)) {
        throw new UnsupportedNodeException(node, "there is no code for this operator");
      }
    }
  }

  /**
   * Compiles for inputs of the given dimensions.
   *
   * @param shapes dimensions of each input, by name
   * @throws UnsupportedNodeException if a node cannot be run with these shapes
   */
  public Plan compile(Map<String, long[]> shapes) {
    Compilation compilation = new Compilation(constants);
    try {
      return compile(shapes, compilation);
    } catch (RuntimeException | Error failed) {
      compilation.closePrimitives();
      throw failed;
    }
  }

  private Plan compile(Map<String, long[]> shapes, Compilation compilation) {
    List<Plan.Port> inputs = new ArrayList<>();
    List<Stored> inputBuffers = new ArrayList<>();
    for (Value input : graph.inputs()) {
      long[] dims = shapes.get(input.name());
      DataType type = elementType(input);
      if (dims == null) {
        throw new IllegalArgumentException("input '" + input.name() + "' is missing");
      }
      Stored stored = compilation.port(Layout.rowMajor(type, dims));
      compilation.define(input, Operand.stored(stored, dims));
      inputs.add(new Plan.Port(input.name(), type, boxed(dims)));
      inputBuffers.add(stored);
    }
    for (Node node : nodes) {
      if (compilation.isClaimed(node)) {
        continue;
      }
      compilation.enter(node);
      if (!foldIfConstant(node, compilation) && !runAhead(node, compilation)) {
        lower(node, compilation);
      }
      compilation.claim(node);
    }
    List<Plan.Port> outputs = new ArrayList<>();
    List<Stored> outputBuffers = new ArrayList<>();
    for (Value output : graph.outputs()) {
      Operand operand = compilation.operand(output);
      Stored stored = result(output, operand, compilation);
      stored.buffer().port = true;
      outputs.add(new Plan.Port(output.name(), operand.type(), boxed(operand.dims())));
      outputBuffers.add(stored);
    }
    long portBytes = MemoryPlan.ports(compilation.buffers);
    if (portBytes > Integer.MAX_VALUE - Memory.ALIGNMENT) {
      throw new IllegalArgumentException(
          "inputs "
              + inputs
              + " and outputs "
              + outputs
              + " take "
              + portBytes
              + " bytes; together they may take 2 GiB");
    }
    return new Plan(
        compilation.steps,
        inputs,
        inputBuffers,
        outputs,
        outputBuffers,
        (int) portBytes,
        MemoryPlan.place(compilation.buffers));
  }

  private boolean runAhead(Node node, Compilation compilation) {
    Lowering lowering = lowerings.apply(node);
    if (lowering == null) {
      return false;
    }
    boolean[] ran = new boolean[1];
    guard(node, () -> ran[0] = Ahead.run(node, lowering, compilation));
    return ran[0];
  }

  /** Conversions of what the graph returns belong to the node that makes it. */
  private static Stored result(Value output, Operand operand, Compilation compilation) {
    Node producer = output.producer();
    if (producer == null) {
      return compilation.rowMajor(operand);
    }
    compilation.enter(producer);
    Stored[] made = new Stored[1];
    guard(producer, () -> made[0] = compilation.rowMajor(operand));
    return made[0];
  }

  private void lower(Node node, Compilation compilation) {
    Lowering lowering = lowerings.apply(node);
    if (lowering == null) {
      throw new UnsupportedNodeException(node, "there is no code for this operator");
    }
    guard(node, () -> lowering.lower(node, compilation));
    for (Value output : node.outputs()) {
      if (output != null && isWanted(output, compilation) && compilation.known(output) == null) {
        throw new UnsupportedNodeException(node, "it makes no output '" + output.name() + "'");
      }
    }
  }

  /** Does {@code work} for {@code node} and names the node where that is refused. */
  private static void guard(Node node, Runnable work) {
    try {
      work.run();
    } catch (DnnlException refused) {
      UnsupportedNodeException named =
          new UnsupportedNodeException(node, String.valueOf(refused.getMessage()));
      named.initCause(refused);
      throw named;
    } catch (ArithmeticException tooLarge) {
      UnsupportedNodeException named =
          new UnsupportedNodeException(node, "its result would be too large to address");
      named.initCause(tooLarge);
      throw named;
    } catch (IndexOutOfBoundsException | IllegalArgumentException | IllegalStateException misfit) {
      UnsupportedNodeException named =
          new UnsupportedNodeException(
              node, "its inputs and attributes do not fit together: " + misfit.getMessage());
      named.initCause(misfit);
      throw named;
    }
  }

  private static boolean isWanted(Value value, Compilation compilation) {
    return value.isOutput()
        || value.consumers().stream()
            .anyMatch(reader -> !compilation.isClaimed(reader) && !Compilation.isShape(reader));
  }

  /** Shape, and what depends on constants alone, is computed here and takes no step. */
  private static boolean foldIfConstant(Node node, Compilation compilation) {
    Value output = node.outputs().isEmpty() ? null : node.outputs().get(0);
    if (output == null) {
      return false;
    }
    Value measured = node.input(0);
    if (Compilation.isShape(node) && measured != null) {
      long[] dims = compilation.dims(measured);
      if (node.is("Size")) {
        long size = Arrays.stream(dims).reduce(1, Math::multiplyExact);
        compilation.define(output, Operand.constant(Tensor.ofLongs(new long[] {size})));
        return true;
      }
      int start = bound(node.intAttribute("start", 0), dims.length);
      int end = bound(node.intAttribute("end", dims.length), dims.length);
      long[] part = start < end ? Arrays.copyOfRange(dims, start, end) : new long[0];
      compilation.define(output, Operand.constant(Tensor.ofLongs(part, part.length)));
      return true;
    }
    if (!Evaluator.knows(node)) {
      return false;
    }
    Tensor narrow = node.is("Cast") ? compilation.constant(node, 0) : null;
    if (narrow != null
        && node.intAttribute("to", 0) == DataType.FLOAT.code()
        && (narrow.type() == DataType.FLOAT16 || narrow.type() == DataType.BFLOAT16)) {
      compilation.define(output, Operand.coded(new Coded(narrow, null, null, 0, 1)));
      return true;
    }
    List<@Nullable Tensor> tensors = new ArrayList<>();
    for (Value input : node.inputs()) {
      Tensor tensor = input == null ? null : compilation.operand(input).constant();
      if (input != null && tensor == null) {
        return false;
      }
      tensors.add(tensor);
    }
    try {
      compilation.define(output, Operand.constant(Evaluator.evaluate(node, tensors)));
      return true;
    } catch (CannotFold tooLarge) {
      return false;
    }
  }

  private static int bound(long index, int rank) {
    return (int) Math.max(0, Math.min(rank, index < 0 ? index + rank : index));
  }

  private static DataType elementType(Value input) {
    if (input.type() instanceof dev.octet.graph.ValueType.TensorType tensor
        && tensor.elementType() != null) {
      return tensor.elementType();
    }
    throw new dev.octet.graph.ModelException(
        "input '" + input.name() + "' has no declared element type");
  }

  private static List<Long> boxed(long[] dims) {
    return Arrays.stream(dims).boxed().toList();
  }
}
