package dev.octet.torch.trace;

import dev.octet.graph.Bytes;
import dev.octet.graph.DataType;
import dev.octet.graph.Dimension;
import dev.octet.graph.Graph;
import dev.octet.graph.Model;
import dev.octet.graph.Node;
import dev.octet.graph.Value;
import dev.octet.graph.ValueType;
import dev.octet.graph.onnx.OnnxWriter;
import dev.octet.graph.pass.ConstantFolding;
import dev.octet.graph.pass.ConstantNodes;
import dev.octet.graph.pass.DeduplicateInitializers;
import dev.octet.graph.pass.RemoveIdentity;
import dev.octet.graph.pass.RemoveUnused;
import dev.octet.graph.pass.Rewrite;
import dev.octet.graph.pass.Rewrites;
import dev.octet.graph.shape.Shapes;
import dev.octet.quantize.emit.CodeBiases;
import dev.octet.quantize.emit.CodeConstants;
import dev.octet.quantize.emit.FoldBatchNormIntoScales;
import dev.octet.quantize.emit.ShieldFloatLayers;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.CallStack;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.ModuleException;
import dev.octet.torch.op.TraceException;
import dev.octet.torch.op.Tracer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.bytedeco.pytorch.Tensor;

/**
 * Writes down what a module computes as a graph of ONNX operators.
 *
 * <pre>{@code
 * Model model = Trace.of(net).input("image").output("logits").graph(example);
 * Trace.of(net).write(Path.of("net.onnx"), example);   // weights as integers where quantized
 * }</pre>
 *
 * <p>The module runs once, in eval mode, on an example; nodes are named after modules, weights
 * after parameters. Java's control flow is followed as the example takes it, so a loop becomes its
 * steps and a branch the side taken. The first dimension of every input stays free unless fixed.
 */
public final class Trace {
  /** What every runtime of the last years knows; 8-bit floats need 19, 4-bit types 21. */
  private static final long DEFAULT_OPSET = 17;

  private static final long IR_VERSION_OF_OPSET_17 = 8;
  private static final long IR_VERSION_OF_OPSET_19 = 9;
  private static final long IR_VERSION_OF_OPSET_21 = 10;

  private static final Rewrite[] INTEGER_WEIGHTS = {
    new ConstantNodes(),
    new ConstantFolding(),
    new RemoveIdentity(),
    new CodeConstants(),
    new FoldBatchNormIntoScales()
  };

  private final Module module;
  private List<String> inputs = List.of();
  private String output = "output";
  private boolean freeBatch = true;
  private long opset = DEFAULT_OPSET;

  private Trace(Module module) {
    this.module = module;
  }

  /** A trace of a module, with inputs {@code input}, {@code input_1}, ... and a free batch. */
  public static Trace of(Module module) {
    return new Trace(module);
  }

  /** Names the inputs. */
  public Trace input(String... names) {
    inputs = List.of(names);
    return this;
  }

  /** Names the output. */
  public Trace output(String name) {
    output = name;
    return this;
  }

  /** Keeps the first dimension of every input as the example has it. */
  public Trace fixedBatch() {
    freeBatch = false;
    return this;
  }

  /**
   * Chooses the operator set.
   *
   * @param version 17 to 21
   */
  public Trace opset(long version) {
    if (version < DEFAULT_OPSET || version > 21) {
      throw new IllegalArgumentException("operator set " + version + " is not from 17 to 21");
    }
    opset = version;
    return this;
  }

  /**
   * The graph as the module computes it: fake quantizers are QuantizeLinear and DequantizeLinear,
   * weights are float.
   *
   * @param examples one for each input
   * @throws TraceException naming the module where the computation cannot be followed
   */
  public Model graph(Tensor... examples) {
    if (!inputs.isEmpty() && inputs.size() != examples.length) {
      throw new IllegalArgumentException(
          inputs.size() + " input names for " + examples.length + " inputs");
    }
    Graph graph = new Graph(module.getClass().getSimpleName());
    Model model =
        new Model(
            opset >= 21
                ? IR_VERSION_OF_OPSET_21
                : opset >= 19 ? IR_VERSION_OF_OPSET_19 : IR_VERSION_OF_OPSET_17,
            Map.of("", opset),
            Map.of("producer", "octet"),
            graph,
            Bytes.EMPTY);
    boolean training = module.isTraining();
    module.eval();
    ValueType.TensorType made;
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open();
        Tracer tracer =
            Tracer.start(graph, module.stateDict(), opset, CallStack::path, CallStack::place)) {
      for (int i = 0; i < examples.length; i++) {
        Value input = graph.addValue(inputName(i), type(examples[i]));
        graph.addInput(input);
        tracer.bind(examples[i], input);
      }
      Tensor result = module.call(examples);
      tracer.output(result, output);
      made = type(result);
    } catch (ModuleException e) {
      if (e.getCause() instanceof TraceException reason) {
        throw reason;
      }
      throw e;
    } finally {
      module.train(training);
    }
    Rewrites.run(graph, new RemoveIdentity());
    declareOutput(graph, made);
    return model;
  }

  /** Gives the output the type that ONNX demands, with the dimensions that hold for any batch. */
  private void declareOutput(Graph graph, ValueType.TensorType made) {
    Value value = graph.outputs().get(0);
    List<Dimension> sizes = Objects.requireNonNull(made.shape());
    if (freeBatch) {
      List<Dimension> inferred = Shapes.infer(graph).shape(value);
      sizes =
          inferred != null && inferred.size() == sizes.size()
              ? inferred
              : Collections.nCopies(sizes.size(), new Dimension.Unknown());
    }
    graph.setType(value, new ValueType.TensorType(made.elementType(), sizes));
  }

  /**
   * The graph with integers in place of fake-quantized weights, and BatchNormalization folded into
   * their scales: what a runtime executes. Where a layer's output is quantized as well, its bias
   * becomes int32, as it is in an integer kernel; {@link #roundBiases} makes the module's the same.
   * A layer of float weights between integers is kept from ONNX Runtime's own rounding.
   */
  public Model quantized(Tensor... examples) {
    Model model = graph(examples);
    Rewrites.run(model.graph(), INTEGER_WEIGHTS);
    Rewrites.run(
        model.graph(),
        new CodeBiases(),
        new ShieldFloatLayers(),
        new RemoveUnused(),
        new DeduplicateInitializers());
    return model;
  }

  /**
   * Moves the module's biases, those of BatchNormalization included, by up to half a step to where
   * {@link #quantized} rounds them, so that the module in eval mode computes what is exported. For
   * the end of training: a bias that trains on leaves these values. What several layers share stays
   * as it is.
   *
   * @param examples one for each input
   * @throws TraceException naming the module where the computation cannot be followed
   */
  public void roundBiases(Tensor... examples) {
    Graph graph = graph(examples).graph();
    Map<Node, String> names = new LinkedHashMap<>();
    for (Node node : graph.nodes()) {
      if (!CodeBiases.takes(node)) {
        continue;
      }
      Node norm = node.output().onlyConsumer();
      Value bias = norm != null && norm.is("BatchNormalization") ? norm.input(2) : node.input(2);
      if (bias != null) {
        names.put(node, bias.name());
      }
    }
    Rewrites.run(graph, INTEGER_WEIGHTS);
    Map<Node, float[]> exact = new LinkedHashMap<>();
    names.forEach(
        (node, name) -> {
          Value bias = node.input(2);
          dev.octet.graph.Tensor constant = bias == null ? null : bias.constant();
          if (constant != null && constant.type() == DataType.FLOAT) {
            exact.put(node, constant.toFloats());
          }
        });
    Rewrites.run(graph, new CodeBiases());
    Map<String, Tensor> parameters = module.parameters();
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      exact.forEach(
          (node, before) -> {
            Value bias = node.input(2);
            Node dequantize = bias == null ? null : bias.producer();
            String name = names.get(node);
            Tensor parameter = parameters.get(name);
            if (dequantize != null
                && parameter != null
                && Collections.frequency(names.values(), name) == 1) {
              float[] shift = integers(dequantize);
              for (int i = 0; i < shift.length; i++) {
                shift[i] -= before[i];
              }
              parameter.add_(Tensors.of(shift, shift.length));
            }
          });
    }
  }

  /** What the constant integers of a DequantizeLinear stand for. */
  private static float[] integers(Node dequantize) {
    Value codes = Objects.requireNonNull(dequantize.input(0));
    Value scales = Objects.requireNonNull(dequantize.input(1));
    long[] integers = Objects.requireNonNull(codes.constant()).toLongs();
    float[] steps = Objects.requireNonNull(scales.constant()).toFloats();
    float[] values = new float[integers.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) ((double) integers[i] * steps[i]);
    }
    return values;
  }

  /** Writes {@link #quantized} to a file, whole or not at all. */
  public void write(Path file, Tensor... examples) {
    OnnxWriter.write(quantized(examples), file);
  }

  private String inputName(int index) {
    if (!inputs.isEmpty()) {
      return inputs.get(index);
    }
    return index == 0 ? "input" : "input_" + index;
  }

  private ValueType.TensorType type(Tensor example) {
    List<Dimension> dimensions = new ArrayList<>();
    for (long size : Tensors.shape(Tensors.check(example, "an example"))) {
      dimensions.add(
          dimensions.isEmpty() && freeBatch
              ? new Dimension.Symbolic("n")
              : new Dimension.Fixed(size));
    }
    return new ValueType.TensorType(Tensors.dataType(Tensors.type(example)), dimensions);
  }
}
