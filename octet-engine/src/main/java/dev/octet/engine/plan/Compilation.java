package dev.octet.engine.plan;

import dev.octet.engine.dnnl.Args;
import dev.octet.engine.dnnl.Attributes;
import dev.octet.engine.dnnl.Layout;
import dev.octet.engine.dnnl.Primitive;
import dev.octet.engine.dnnl.Primitives;
import dev.octet.graph.DataType;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A graph on its way to a plan, for one set of input shapes: what is known of each value so far,
 * and the steps emitted so far. See {@link Lowering} for the contract.
 */
public final class Compilation {

  /**
   * What to write where a node's output is wanted.
   *
   * @param value the value to define: the node's output, or that of the QuantizeLinear behind it
   * @param quantization how to write it; null for floats
   */
  public record Target(Value value, @Nullable Quantization quantization) {}

  private final Constants constants;
  private final boolean alone;
  private final Map<Value, Operand> operands = new HashMap<>();
  private final Set<Node> claimed = new HashSet<>();
  final List<Step> steps = new ArrayList<>();
  final List<Buffer> buffers = new ArrayList<>();
  private @Nullable Node current;

  Compilation(Constants constants) {
    this(constants, false);
  }

  private Compilation(Constants constants, boolean alone) {
    this.constants = constants;
    this.alone = alone;
  }

  /** For a single node: no reader of what it makes is known, so that none is fused. */
  static Compilation alone(Constants constants) {
    return new Compilation(constants, true);
  }

  // ---- what is known ----

  /** What is known of input number {@code index} of {@code node}, which must be there. */
  public Operand input(Node node, int index) {
    Value value = node.input(index);
    if (value == null) {
      throw new UnsupportedNodeException(node, "its input number " + index + " is missing");
    }
    return operand(value);
  }

  /** What is known of {@code value}, which was computed before. */
  public Operand operand(Value value) {
    Operand known = known(value);
    if (known == null) {
      throw new IllegalStateException("value '" + value.name() + "' is used before it is made");
    }
    return known;
  }

  /** What is known of {@code value}, or null where its node is not lowered yet. */
  public @Nullable Operand known(Value value) {
    Operand found = operands.get(value);
    Tensor tensor = value.constant();
    if (found == null && tensor != null) {
      found = Operand.constant(tensor);
      operands.put(value, found);
    }
    return found;
  }

  /** The tensor of an optional or constant input, null where it is left out or not constant. */
  public @Nullable Tensor constant(Node node, int index) {
    Value value = node.input(index);
    Operand known = value == null ? null : known(value);
    return known == null ? null : known.real();
  }

  /**
   * The one node that reads {@code value} and is not lowered yet; null where others read it too.
   * Reading its dimensions alone does not count.
   */
  public @Nullable Node onlyReader(Value value) {
    Node reader = value.onlyConsumer();
    if (reader == null && !value.isOutput() && value.consumers().size() > 1) {
      List<Node> readers = value.consumers().stream().filter(node -> !isShape(node)).toList();
      reader = readers.size() == 1 ? readers.get(0) : null;
    }
    return reader == null || alone || claimed.contains(reader) ? null : reader;
  }

  /** Whether {@code node} reads nothing but the dimensions of its input. */
  static boolean isShape(Node node) {
    return node.is("Shape") || node.is("Size");
  }

  /**
   * The dimensions of {@code value}, even where it never lies in memory because it was fused with
   * what reads it: that changes no dimensions.
   */
  long[] dims(Value value) {
    Operand known = known(value);
    if (known != null) {
      return known.dims();
    }
    for (Node reader : value.consumers()) {
      if (claimed.contains(reader) && !isShape(reader)) {
        return dims(reader.output());
      }
    }
    throw new IllegalStateException("value '" + value.name() + "' is used before it is made");
  }

  /** Takes over the work of {@code node}: the compiler will pass it by. */
  public void claim(Node node) {
    claimed.add(node);
  }

  boolean isClaimed(Node node) {
    return claimed.contains(node);
  }

  /**
   * What the readers of {@code output} want: the integers of a QuantizeLinear, where that is the
   * only reader and its parameters are constant, one for the whole tensor. The QuantizeLinear is
   * not claimed by this: claim {@code target.value().producer()} when its integers are written.
   */
  public Target target(Value output) {
    Node reader = onlyReader(output);
    if (reader != null && reader.is("QuantizeLinear") && reader.input(0) == output) {
      Quantization wanted = quantizationOf(reader);
      Value integers = reader.outputs().get(0);
      if (wanted != null && wanted.isPerTensor() && integers != null) {
        return new Target(integers, wanted);
      }
    }
    return new Target(output, null);
  }

  /**
   * Scale and zero point of a QuantizeLinear or DequantizeLinear, null where they are not constant,
   * are blocked, or are out of range for their type.
   */
  public @Nullable Quantization quantizationOf(Node node) {
    Tensor scale = constant(node, 1);
    Tensor zero = constant(node, 2);
    if (scale == null
        || scale.type() != DataType.FLOAT
        || (node.input(2) != null && zero == null)
        || node.intAttribute("block_size", 0) != 0) {
      return null;
    }
    DataType type;
    if (zero != null) {
      type = zero.type();
    } else if (node.is("DequantizeLinear")) {
      type = input(node, 0).type();
    } else {
      DataType declared = DataType.ofCode((int) node.intAttribute("output_dtype", 0));
      type = declared == null ? DataType.UINT8 : declared;
    }
    if (type.isFloat() || type.bits() < 8) {
      return null;
    }
    float[] scales = scale.toFloats();
    for (float s : scales) {
      if (!(s > 0) || Float.isInfinite(s)) {
        throw new UnsupportedNodeException(node, "scale " + s + " is not positive and finite");
      }
    }
    int[] zeros = new int[scales.length];
    if (zero != null) {
      long[] given = zero.toLongs();
      if (given.length != scales.length) {
        throw new UnsupportedNodeException(
            node, "it has " + scales.length + " scales and " + given.length + " zero points");
      }
      Arrays.setAll(zeros, i -> (int) given[i]);
    }
    int axis = -1;
    if (scale.rank() > 0 && scales.length > 1) {
      int rank = node.input(0) == null ? 0 : input(node, 0).rank();
      axis = (int) node.intAttribute("axis", 1);
      axis = axis < 0 ? axis + rank : axis;
      if (axis < 0 || axis >= rank || input(node, 0).dim(axis) != scales.length) {
        throw new UnsupportedNodeException(
            node, scales.length + " scales do not fit axis " + axis + " of its input");
      }
    }
    return new Quantization(type, scales, zeros, axis);
  }

  // ---- tensors in memory ----

  /** {@code operand} in memory in whatever layout it has; converted to its type if need be. */
  public Stored stored(Operand operand) {
    return operand.forms.isEmpty() ? stored(operand, natural(operand)) : operand.forms.get(0);
  }

  /** The layout in which {@code operand} lies or would be made most cheaply. */
  public Layout natural(Operand operand) {
    if (!operand.forms.isEmpty()) {
      return operand.forms.get(0).layout();
    }
    Operand source = operand.source;
    return operand.constant != null || source == null
        ? Layout.rowMajor(operand.type(), operand.dims())
        : natural(source).withType(operand.type());
  }

  /** {@code operand} in row-major order. */
  public Stored rowMajor(Operand operand) {
    return stored(operand, Layout.rowMajor(operand.type(), operand.dims()));
  }

  /**
   * {@code operand} in exactly {@code layout}, of the operand's type and dimensions; a conversion
   * is emitted where it does not lie there yet, once for all who ask.
   */
  public Stored stored(Operand operand, Layout layout) {
    for (Stored form : operand.forms) {
      if (form.layout().equals(layout)) {
        return form;
      }
    }
    if (layout.type() != operand.type()) {
      throw new IllegalArgumentException(
          "a tensor of " + operand.type() + " is asked for as " + layout);
    }
    Stored made;
    Tensor origin = operand.origin();
    if (operand.elements() == 0) {
      made = allocate(layout);
    } else if (operand.isConstant() && origin != null) {
      made =
          packed(
              origin,
              operand.derivation(),
              layout,
              () -> Objects.requireNonNull(operand.real(), "a constant"));
    } else if (operand.source != null && operand.quantization != null) {
      made = convert(operand, operand.source, operand.quantization, layout);
    } else {
      made = reorder(operand.forms.get(0), layout);
    }
    operand.forms.add(made);
    return made;
  }

  /** {@code from} copied into {@code layout}. */
  public Stored reorder(Stored from, Layout layout) {
    if (from.layout().equals(layout)) {
      return from;
    }
    Stored made = allocate(layout);
    emit(
        label(),
        Primitives.reorder(from.layout(), layout, new Attributes()),
        Map.of(Args.SRC, from, Args.DST, made));
    return made;
  }

  private Stored convert(Operand result, Operand source, Quantization q, Layout layout) {
    boolean toReals = result.type() == DataType.FLOAT;
    Operand from = source;
    Quantization between = toReals ? null : source.quantization();
    Operand integers = source.integers();
    if (between != null
        && between.isPerTensor()
        && between.isByte()
        && integers != null
        && source.forms.isEmpty()) {
      from = integers; // integers to integers, without floats between
    } else {
      between = null;
    }
    Stored origin = stored(from);
    Attributes attributes = new Attributes();
    Map<Integer, Stored> arguments = new LinkedHashMap<>();
    if (between != null) {
      scaled(attributes, arguments, Args.SRC, between);
    }
    scaled(attributes, arguments, toReals ? Args.SRC : Args.DST, q);
    // oneDNN converts and permutes at once four times slower than one after the other; bytes are
    // the cheaper to permute.
    Layout straight = origin.layout().withType(result.type());
    if (!straight.order().equals(layout.order()) && straight.isNative()) {
      if (toReals) {
        Layout permuted = layout.withType(origin.layout().type());
        origin = permuted.order().equals(layout.order()) ? reorder(origin, permuted) : origin;
      } else if (straight.order().equals(origin.layout().order())) {
        Stored converted = convert(origin, straight, attributes, arguments);
        return reorder(converted, layout);
      }
    }
    return convert(origin, layout, attributes, arguments);
  }

  private Stored convert(
      Stored origin, Layout layout, Attributes attributes, Map<Integer, Stored> arguments) {
    Stored made = allocate(layout);
    arguments.put(Args.SRC, origin);
    arguments.put(Args.DST, made);
    emit(label(), Primitives.reorder(origin.layout(), layout, attributes), arguments);
    return made;
  }

  private void scaled(
      Attributes attributes, Map<Integer, Stored> arguments, int argument, Quantization q) {
    int mask = q.isPerTensor() ? 0 : 1 << q.axis();
    attributes.scale(argument, mask);
    arguments.put(Args.scale(argument), floats(q.scales()));
    if (!q.isSymmetric()) {
      attributes.zeroPoint(argument, mask);
      arguments.put(Args.zeroPoint(argument), ints(q.zeroPoints()));
    }
  }

  /**
   * Memory for a result in {@code layout}.
   *
   * @throws UnsupportedNodeException if it would take more than 2 GiB
   */
  public Stored allocate(Layout layout) {
    Node node = current;
    if (layout.sizeBytes() > Integer.MAX_VALUE && node != null) {
      throw new UnsupportedNodeException(
          node, "it makes " + layout + ", which takes more than 2 GiB");
    }
    Buffer buffer = new Buffer(layout.sizeBytes(), false);
    buffers.add(buffer);
    return new Stored(buffer, layout);
  }

  Stored port(Layout layout) {
    Buffer buffer = new Buffer(layout.sizeBytes(), true);
    buffers.add(buffer);
    return new Stored(buffer, layout);
  }

  /** A few floats as a constant, such as scales. */
  public Stored floats(float... values) {
    return small(Tensor.ofFloats(values, values.length));
  }

  /** A few 32-bit integers as a constant, such as zero points. */
  public Stored ints(int... values) {
    return small(Tensor.ofInts(values, values.length));
  }

  private Stored small(Tensor tensor) {
    return new Stored(constants.small(tensor), Layout.rowMajor(tensor.type(), tensor.shape()));
  }

  /**
   * A constant packed into {@code layout}, made once for all plans.
   *
   * @param base the tensor that it is derived from, by which it is found again
   * @param derivation how, if it is not {@code base} itself: must tell apart all that is derived
   *     from one tensor, with every number that goes into it
   * @param layout where it is to lie
   * @param make computes it, with the type and dimensions of {@code layout}
   */
  public Stored packed(Tensor base, String derivation, Layout layout, Supplier<Tensor> make) {
    return new Stored(constants.packed(base, derivation, layout, make), layout);
  }

  /**
   * What a Java kernel wants of a constant, such as weights in an order of its own, made once for
   * all plans. It must be immutable.
   *
   * @param base the tensor that it is derived from, by which it is found again
   * @param derivation how, as in {@link #packed}
   * @param type what is made
   * @param make makes it
   */
  public <T> T made(Tensor base, String derivation, Class<T> type, Supplier<T> make) {
    return type.cast(constants.made(base, type.getName() + " " + derivation, make));
  }

  /**
   * Whether a step of the node that is being lowered may write over {@code stored}: it is neither
   * an input, an output nor a constant, and nobody reads it but the lowered nodes, the current one
   * and those it claimed. The step must read it at the same place it writes.
   */
  public boolean overwritable(Stored stored) {
    if (stored.buffer().port || stored.buffer().constant != null) {
      return false;
    }
    for (Map.Entry<Value, Operand> entry : operands.entrySet()) {
      if (entry.getValue().uses(stored.buffer()) && isReadLater(entry.getKey())) {
        return false;
      }
    }
    return true;
  }

  private boolean isReadLater(Value value) {
    return value.isOutput()
        || value.consumers().stream()
            .anyMatch(reader -> reader != current && !claimed.contains(reader) && !isShape(reader));
  }

  // ---- steps ----

  /**
   * Emits a primitive, which the plan owns from here on.
   *
   * @param arguments by the numbers of {@link Args}, scales, zero points and operands of
   *     post-operations included; scratch memory is added here. Every layout must be the one that
   *     the primitive has for the argument
   */
  public void primitive(Primitive primitive, Map<Integer, Stored> arguments) {
    emit(label(), primitive, arguments);
  }

  private void emit(String label, Primitive primitive, Map<Integer, Stored> given) {
    Map<Integer, Stored> arguments = new LinkedHashMap<>(given);
    if (primitive.scratchpad().sizeBytes() > 0) {
      arguments.put(Args.SCRATCHPAD, allocate(primitive.scratchpad()));
    }
    List<Stored> reads = new ArrayList<>();
    List<Stored> writes = new ArrayList<>();
    arguments.forEach(
        (argument, stored) -> {
          if (!primitive.accepts(argument, stored.layout())) {
            throw new IllegalArgumentException(
                primitive + " does not take " + stored.layout() + " as argument " + argument);
          }
          boolean written = argument >= Args.DST && argument < Args.WEIGHTS;
          (written ? writes : reads).add(stored);
        });
    add(new Step.PrimitiveStep(label, primitive, arguments, reads, writes));
  }

  /** Emits a computation in Java; {@code what} names it in a word or two. */
  public void kernel(String what, Kernel kernel, List<Stored> reads, List<Stored> writes) {
    add(new Step.KernelStep(label(), what, kernel, List.copyOf(reads), List.copyOf(writes)));
  }

  private void add(Step step) {
    int index = steps.size();
    step.reads().forEach(Compilation::check);
    step.writes().forEach(Compilation::check);
    step.reads().forEach(stored -> stored.buffer().touch(index));
    step.writes().forEach(stored -> stored.buffer().touch(index));
    steps.add(step);
  }

  private static void check(Stored stored) {
    if (stored.layout().sizeBytes() > stored.buffer().bytes) {
      throw new IllegalArgumentException(
          stored.layout() + " does not fit in " + stored.buffer().bytes + " bytes");
    }
  }

  // ---- results ----

  /** Says that {@code value} lies in {@code stored}, with that layout's dimensions. */
  public void define(Value value, Stored stored) {
    define(value, Operand.stored(stored));
  }

  /** Says what {@code value} is. */
  public void define(Value value, Operand operand) {
    operands.put(value, operand);
  }

  /**
   * Says that {@code value} is {@code operand} under other dimensions of equal element count, in
   * row-major order: what Reshape means. Costs nothing where the layout allows it.
   */
  public void defineView(Value value, Operand operand, long... dims) {
    define(value, view(operand, dims));
  }

  private Operand view(Operand operand, long... dims) {
    if (operand.elements() == 0) {
      return Operand.constant(Tensor.wrap(operand.type(), dims, ByteBuffer.allocate(0)));
    }
    Tensor constant = operand.coded() == null ? operand.constant : operand.real();
    if (constant != null) {
      return Operand.constant(constant.reshape(dims));
    }
    Operand integers = operand.integers();
    Quantization q = operand.quantization();
    if (integers != null && q != null && q.isPerTensor() && operand.forms.isEmpty()) {
      return Operand.dequantized(view(integers, dims), q);
    }
    Stored stored = stored(operand);
    Layout changed = stored.layout().reshaped(dims);
    if (changed == null) {
      stored = rowMajor(operand);
      changed = Layout.rowMajor(operand.type(), dims);
    }
    return Operand.stored(new Stored(stored.buffer(), changed), dims);
  }

  // ---- the compiler's side ----

  void enter(Node node) {
    current = node;
  }

  void closePrimitives() {
    for (Step step : steps) {
      if (step instanceof Step.PrimitiveStep primitive) {
        primitive.primitive().close();
      }
    }
  }

  private String label() {
    return current == null ? "" : current.label();
  }
}
