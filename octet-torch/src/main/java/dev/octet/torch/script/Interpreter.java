package dev.octet.torch.script;

import dev.octet.graph.Value;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.bytedeco.pytorch.Block;
import org.bytedeco.pytorch.FunctionSchema;
import org.bytedeco.pytorch.FunctionType;
import org.bytedeco.pytorch.Graph;
import org.bytedeco.pytorch.GraphFunction;
import org.bytedeco.pytorch.IValueOptional;
import org.bytedeco.pytorch.IValueVector;
import org.bytedeco.pytorch.JitNode;
import org.bytedeco.pytorch.JitObject;
import org.bytedeco.pytorch.MethodOptional;
import org.bytedeco.pytorch.Symbol;
import org.bytedeco.pytorch.TypeVector;
import org.bytedeco.pytorch.ValueArrayRef;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/**
 * Runs a module's graphs once, step by step, on example inputs.
 *
 * <p>Every tensor operator is computed by LibTorch, which gives the shapes, the numbers that depend
 * on shapes only, and so the way that branches and loops take. Operators that read a tensor that
 * depends on the inputs are written to the graph as well; everything else is constant. A branch or
 * a loop that would need an input's values ends the run.
 *
 * <p>Only operators in {@link Operators} ever run, so a file cannot make LibTorch write files or
 * reach operators that trust their arguments.
 */
final class Interpreter {
  /** Deeper than people nest modules; native recursion is no part of it. */
  private static final int MAX_CALLS = 200;

  /** An unrolled loop longer than this is no network. */
  private static final long MAX_STEPS = 2_000_000;

  /** Ends the run: the way onward depends on something unknown. */
  private static final class Halt extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Halt(String reason) {
      super(reason);
    }
  }

  private final Emitter emitter;
  private final Memory memory;
  private final AttributeNames names = new AttributeNames();
  private final Map<String, Object> attributes = new HashMap<>();
  private final Set<String> unsupported = new LinkedHashSet<>();
  private long steps;
  private int calls;

  Interpreter(Emitter emitter) {
    this.emitter = emitter;
    this.memory = new Memory(emitter);
  }

  /**
   * What {@code forward} of {@code module} returns.
   *
   * @throws TorchScriptException if something in it cannot be converted; the message lists all that
   *     was found
   */
  Object forward(ScriptValue.Instance module, Graph graph, List<Object> inputs) {
    List<Object> arguments = new ArrayList<>();
    arguments.add(module);
    arguments.addAll(inputs);
    Object result = ScriptValue.None.NONE;
    String halted = "";
    try {
      result = call(graph, arguments, "").get(0);
    } catch (Halt halt) {
      halted = String.valueOf(halt.getMessage());
    }
    if (!unsupported.isEmpty()) {
      throw new TorchScriptException(
          unsupported.size()
              + (unsupported.size() == 1 ? " operator cannot" : " operators cannot")
              + " be converted:\n  "
              + String.join("\n  ", unsupported)
              + (halted.isEmpty() ? "" : "\nand then: " + halted));
    }
    if (!halted.isEmpty()) {
      throw new TorchScriptException(halted);
    }
    return result;
  }

  private List<Object> call(Graph graph, List<Object> arguments, String path) {
    if (++calls > MAX_CALLS) {
      throw new Halt("calls are nested more than " + MAX_CALLS + " deep");
    }
    Map<Long, Object> frame = new HashMap<>();
    ValueArrayRef inputs = graph.inputs();
    for (int i = 0; i < inputs.size(); i++) {
      frame.put(inputs.at(i).unique(), arguments.get(i));
    }
    List<Object> results = run(graph.block(), frame, path);
    calls--;
    return results;
  }

  private List<Object> run(Block block, Map<Long, Object> frame, String path) {
    JitNode end = block.return_node();
    for (JitNode node = end.next(); !node.equals(end); node = node.next()) {
      if (++steps > MAX_STEPS) {
        throw new Halt("the module takes more than " + MAX_STEPS + " steps; see " + Place.of(node));
      }
      step(node, frame, path);
    }
    return values(block.outputs(), frame);
  }

  private static List<Object> values(ValueArrayRef refs, Map<Long, Object> frame) {
    List<Object> values = new ArrayList<>();
    for (int i = 0; i < refs.size(); i++) {
      values.add(get(frame, refs.at(i)));
    }
    return values;
  }

  private static Object get(Map<Long, Object> frame, org.bytedeco.pytorch.Value value) {
    Object found = frame.get(value.unique());
    if (found == null) {
      throw new TorchScriptException(
          "the graph reads '%" + Boxing.text(value.debugName()) + "' before it is made");
    }
    return found;
  }

  private static void put(JitNode node, Map<Long, Object> frame, List<Object> results) {
    ValueArrayRef outputs = node.outputs();
    if (outputs.size() != results.size()) {
      throw new Halt(
          Boxing.text(node.kind().toQualString())
              + " returns "
              + results.size()
              + " values where "
              + outputs.size()
              + " are expected, "
              + Place.of(node));
    }
    for (int i = 0; i < results.size(); i++) {
      frame.put(outputs.at(i).unique(), results.get(i));
    }
  }

  private void step(JitNode node, Map<Long, Object> frame, String path) {
    String kind = Boxing.text(node.kind().toQualString());
    emitter.enter(path);
    switch (kind) {
      case "prim::Param" -> {}
      case "prim::Constant" -> put(node, frame, List.of(constant(node)));
      case "prim::If" -> put(node, frame, branch(node, frame, path));
      case "prim::Loop" -> put(node, frame, loop(node, frame, path));
      case "prim::CallMethod" -> put(node, frame, callMethod(node, frame));
      case "prim::CallFunction" -> put(node, frame, callFunction(node, frame, path));
      default -> {
        List<Object> arguments = values(node.inputs(), frame);
        if (kind.startsWith("prim::")) {
          List<Object> results = primitive(kind.substring(6), node, arguments);
          if (results != null) {
            put(node, frame, results);
            return;
          }
        }
        put(node, frame, operator(kind, node, arguments));
      }
    }
  }

  // ---- control flow ----

  private List<Object> branch(JitNode node, Map<Long, Object> frame, String path) {
    Object condition = get(frame, node.input(0));
    return run(node.blocks().at(truth(condition, node) ? 0 : 1), frame, path);
  }

  private List<Object> loop(JitNode node, Map<Long, Object> frame, String path) {
    Object trips = get(frame, node.input(0));
    boolean going = truth(get(frame, node.input(1)), node);
    if (!(trips instanceof Long limit)) {
      throw unknown(node);
    }
    Block body = node.blocks().at(0);
    List<Object> carried = values(node.inputs(), frame);
    carried = new ArrayList<>(carried.subList(2, carried.size()));
    for (long i = 0; i < limit && going; i++) {
      if (++steps > MAX_STEPS) {
        throw new Halt("a loop takes more than " + MAX_STEPS + " steps, " + Place.of(node));
      }
      ValueArrayRef inputs = body.inputs();
      frame.put(inputs.at(0).unique(), i);
      for (int j = 0; j < carried.size(); j++) {
        frame.put(inputs.at(j + 1).unique(), carried.get(j));
      }
      List<Object> results = run(body, frame, path);
      going = truth(results.get(0), node);
      carried = new ArrayList<>(results.subList(1, results.size()));
    }
    return carried;
  }

  private static boolean truth(Object condition, JitNode node) {
    if (condition instanceof Boolean flag) {
      return flag;
    }
    throw unknown(node);
  }

  private static Halt unknown(JitNode node) {
    return new Halt(
        "which way to go depends on an operator that cannot be converted, " + Place.of(node));
  }

  // ---- calls ----

  private List<Object> callMethod(JitNode node, Map<Long, Object> frame) {
    List<Object> arguments = values(node.inputs(), frame);
    String name = names.of(node);
    if (!(arguments.get(0) instanceof ScriptValue.Instance instance)) {
      throw new Halt("'" + name + "' is called on something unknown, " + Place.of(node));
    }
    MethodOptional method = new JitObject(instance.object()).find_method(name);
    if (!method.has_value()) {
      throw new Halt("'" + instance.path() + "' has no method '" + name + "', " + Place.of(node));
    }
    return call(method.get().graph(), arguments, instance.path());
  }

  private List<Object> callFunction(JitNode node, Map<Long, Object> frame, String path) {
    FunctionType type = new FunctionType(node.input(0).type().get());
    GraphFunction function = torch.tryToGraphFunction(type.function());
    if (function == null || function.isNull()) {
      throw new Halt("a function without a graph is called, " + Place.of(node));
    }
    List<Object> arguments = values(node.inputs(), frame);
    return call(function.graph(), arguments.subList(1, arguments.size()), path);
  }

  // ---- what is part of the language ----

  private Object constant(JitNode node) {
    IValueOptional value = torch.toIValue(node.output());
    if (!value.has_value()) {
      return ScriptValue.None.NONE; // a function too: callFunction looks at the type
    }
    Object constant = Boxing.unbox(value.get(), "", false);
    remember(constant);
    return constant;
  }

  /** The results of a language construct, or null where {@code kind} is an operator like others. */
  private @Nullable List<Object> primitive(String kind, JitNode node, List<Object> arguments) {
    return switch (kind) {
      case "ListConstruct" -> List.of(new ArrayList<>(arguments));
      case "TupleConstruct" -> List.of(new ScriptValue.Tuple(arguments));
      case "DictConstruct" -> List.of(map(arguments));
      case "Uninitialized" -> List.of(ScriptValue.Unknown.UNKNOWN);
      case "unchecked_cast", "unchecked_unwrap_optional" -> arguments;
      case "Print" -> List.of();
      case "RaiseException" ->
          throw new Halt(
              "the module raises '"
                  + arguments.get(0)
                  + "' for inputs of these shapes, "
                  + Place.of(node));
      case "GetAttr" -> List.of(attribute(node, arguments.get(0)));
      case "SetAttr" ->
          throw new Halt(
              "the module changes its own attribute '"
                  + names.of(node)
                  + "', which a model has no place for, "
                  + Place.of(node));
      case "isinstance" -> List.of(isInstance(node, arguments.get(0)));
      case "ListUnpack", "TupleUnpack", "TupleIndex", "TupleSlice" -> taken(kind, node, arguments);
      default -> null;
    };
  }

  private static Map<Object, Object> map(List<Object> keysAndValues) {
    Map<Object, Object> map = new LinkedHashMap<>();
    for (int i = 0; i + 1 < keysAndValues.size(); i += 2) {
      map.put(keysAndValues.get(i), keysAndValues.get(i + 1));
    }
    return map;
  }

  /** Items of a list or tuple. */
  private static List<Object> taken(String kind, JitNode node, List<Object> arguments) {
    Object whole = arguments.get(0);
    if (whole instanceof List<?> list) {
      return list.stream().map(Object.class::cast).toList();
    }
    if (!(whole instanceof ScriptValue.Tuple tuple)) {
      return unknowns(node);
    }
    List<Object> items = tuple.items();
    return switch (kind) {
      case "TupleIndex" -> List.of(items.get(Lists.index(arguments.get(1), items.size())));
      case "TupleSlice" ->
          List.of(
              new ScriptValue.Tuple(
                  items.subList(
                      (int) node.i(Symbol.attr("beg")), (int) node.i(Symbol.attr("end")))));
      default -> items;
    };
  }

  private Object attribute(JitNode node, Object owner) {
    String name = names.of(node);
    if (!(owner instanceof ScriptValue.Instance instance)) {
      throw new Halt("'" + name + "' is read from something unknown, " + Place.of(node));
    }
    String path = instance.path().isEmpty() ? name : instance.path() + "." + name;
    Object known = attributes.get(path);
    if (known == null) {
      known = shared(Boxing.unbox(new JitObject(instance.object()).attr(name), path, true));
      attributes.put(path, known);
      remember(known);
    }
    return known;
  }

  /** One traced tensor for one native tensor, so that shared weights stay one initializer. */
  private Object shared(Object value) {
    if (value instanceof TracedTensor tensor) {
      for (Object other : attributes.values()) {
        if (other instanceof TracedTensor known
            && known.nativeTensor().is_same(tensor.nativeTensor())) {
          return known;
        }
      }
    }
    return value;
  }

  private static boolean isInstance(JitNode node, Object value) {
    TypeVector types = node.tys(Symbol.attr("types"));
    for (long i = 0; i < types.size(); i++) {
      String type = Boxing.text(types.get(i).get().str());
      boolean matches =
          switch (type) {
            case "Tensor" -> value instanceof TracedTensor;
            case "int" -> value instanceof Long;
            case "float" -> value instanceof Double;
            case "bool" -> value instanceof Boolean;
            case "str" -> value instanceof String;
            case "NoneType" -> value == ScriptValue.None.NONE;
            default -> {
              if (type.endsWith("[]")) {
                yield value instanceof List<?>;
              }
              throw new Halt("isinstance asks for " + type + ", " + Place.of(node));
            }
          };
      if (matches) {
        return true;
      }
    }
    return false;
  }

  private static List<Object> unknowns(JitNode node) {
    return new ArrayList<>(
        Collections.nCopies(Math.toIntExact(node.outputs().size()), ScriptValue.Unknown.UNKNOWN));
  }

  private void remember(Object value) {
    ScriptValue.tensors(value).forEach(memory::add);
  }

  // ---- operators ----

  private List<Object> operator(String kind, JitNode node, List<Object> arguments) {
    String name = kind.substring(kind.indexOf("::") + 2);
    List<Object> done = Lists.apply(name, arguments);
    if (done != null) {
      return done;
    }
    boolean inPlace = name.endsWith("_") && !name.endsWith("__");
    String base = inPlace ? name.substring(0, name.length() - 1) : name;
    boolean core = kind.startsWith("aten::") || kind.startsWith("prim::");
    Operators.@Nullable Rule rule = core ? Operators.rule(base) : null;
    boolean known = rule != null || (core && Operators.runsOnConstants(base));
    if (!known) {
      unsupported.add(kind + " " + Place.of(node));
      return unknowns(node);
    }
    if (arguments.stream().anyMatch(ScriptValue::isUnknown)) {
      return unknowns(node);
    }
    Object assumed = Operators.assumed(name);
    if (assumed != null) {
      return List.of(assumed);
    }
    List<TracedTensor> tensors = ScriptValue.tensors(arguments);
    boolean symbolic = tensors.stream().anyMatch(tensor -> !tensor.isConstant());
    if (symbolic && Operators.readsValues(name)) {
      throw new Halt(
          kind
              + " reads a number out of a tensor that depends on the inputs' values,"
              + " which a model of fixed shape cannot follow, "
              + Place.of(node));
    }
    try {
      if (inPlace && tensors.isEmpty()) {
        throw new Call.Refusal("changes something that is no tensor");
      }
      if (inPlace) {
        memory.beforeWrite(tensors.get(0), symbolic);
      }
      List<Object> results = compute(kind, node, arguments, tensors);
      boolean fromShapes = Operators.needsShapesOnly(name) && !(inPlace && symbolic);
      if ((!symbolic && !Operators.alwaysWritten(base)) || fromShapes) {
        if (inPlace) {
          memory.afterConstantWrite(tensors.get(0));
        }
      } else if (ScriptValue.tensors(results).isEmpty()) {
        return results;
      } else {
        convert(rule, kind, base, arguments, results, inPlace);
      }
      return results;
    } catch (Call.Refusal refusal) {
      unsupported.add(kind + " " + refusal.getMessage() + ", " + Place.of(node));
      return unknowns(node);
    }
  }

  private void convert(
      Operators.@Nullable Rule rule,
      String kind,
      String base,
      List<Object> arguments,
      List<Object> results,
      boolean inPlace) {
    if (rule == null) {
      throw new Call.Refusal("is supported for constants only");
    }
    if (inPlace) {
      memory.write(
          (TracedTensor) arguments.get(0),
          () -> rule.apply(new Call(base, arguments, results, emitter)));
      return;
    }
    // An operator that did nothing returned its argument itself.
    if (results.size() == 1 && arguments.contains(results.get(0))) {
      return;
    }
    rule.apply(new Call(base, arguments, results, emitter));
    for (TracedTensor result : ScriptValue.tensors(results)) {
      Value value = result.symbol();
      if (value == null) {
        throw new Call.Refusal("returns tensors that have no place in the graph (" + kind + ")");
      }
      if (value.type() == null) {
        emitter.graph().setType(value, Emitter.type(result.type(), result.shape()));
      }
    }
  }

  /** Runs an operator natively; a result that is one of the arguments is that very object. */
  private List<Object> compute(
      String kind, JitNode node, List<Object> arguments, List<TracedTensor> tensors) {
    String fault = RecurrentOperators.fault(kind.substring(6), arguments);
    if (fault != null) {
      throw new Call.Refusal(fault);
    }
    IValueVector stack = new IValueVector();
    for (int i = 0; i < arguments.size(); i++) {
      stack.push_back(Boxing.box(arguments.get(i), Boxing.text(node.input(i).type().get().str())));
    }
    try {
      FunctionSchema schema = node.maybeSchema();
      if (schema != null && !schema.isNull() && schema.is_vararg()) {
        stack.push_back(new org.bytedeco.pytorch.IValue((long) arguments.size()));
      }
      node.getOperation().apply(stack);
    } catch (RuntimeException e) {
      throw new TorchScriptException(
          kind
              + " fails on the example inputs: "
              + TorchScriptException.firstLine(e)
              + ", "
              + Place.of(node),
          e);
    }
    String origin =
        tensors.stream()
            .filter(TracedTensor::isConstant)
            .map(TracedTensor::origin)
            .filter(o -> !o.isEmpty())
            .findFirst()
            .orElse("");
    List<Object> results = new ArrayList<>();
    for (long i = 0; i < stack.size(); i++) {
      Object result =
          Boxing.unbox(
              stack.get(i), origin.isEmpty() ? "" : origin + "/" + kind.substring(6), false);
      if (result instanceof TracedTensor made) {
        result =
            tensors.stream()
                .filter(t -> t.nativeTensor().is_same(made.nativeTensor()))
                .findFirst()
                .orElse(made);
      }
      if (!arguments.contains(result)) {
        remember(result);
      }
      results.add(result);
    }
    return results;
  }
}
