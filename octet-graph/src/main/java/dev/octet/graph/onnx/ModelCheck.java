package dev.octet.graph.onnx;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.SparseTensorProto;
import dev.octet.graph.Attribute;
import dev.octet.graph.DataType;
import dev.octet.graph.Graph;
import dev.octet.graph.Model;
import dev.octet.graph.ModelException;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.Set;

/** What must hold of a model before it is written, so that no runtime meets a broken file. */
final class ModelCheck {
  private final long irVersion;

  private ModelCheck(long irVersion) {
    this.irVersion = irVersion;
  }

  /**
   * Checks versions, names and links.
   *
   * @throws ModelException for the first thing that is wrong
   */
  static void check(Model model) {
    Versions.checkIr(model.irVersion());
    Versions.checkOwnOpset(model.opsets());
    Versions.checkImports(model.opsets(), model.graph());
    new ModelCheck(model.irVersion()).check(model.graph());
  }

  private void check(Graph graph) {
    String where = "graph '" + Texts.shown(graph.name()) + "'";
    Set<String> sparse = sparseNames(graph, where);
    for (Value value : graph.values()) {
      checkName(value.name(), where + " has a value");
      Tensor tensor = value.initializer();
      if (tensor != null) {
        checkInitializer(value, tensor, where);
      }
      boolean made =
          value.producer() != null
              || tensor != null
              || value.isInput()
              || sparse.contains(value.name());
      if (!made && (!value.uses().isEmpty() || value.isOutput())) {
        throw new ModelException(
            where + ": value '" + Texts.shown(value.name()) + "' is needed, but nobody makes it");
      }
    }
    Set<Value> returned = new HashSet<>();
    for (Value output : graph.outputs()) {
      checkReachable(graph, output, where + ", output");
      if (!returned.add(output)) {
        throw new ModelException(where + ": output '" + output.name() + "' is listed twice");
      }
    }
    for (Node node : graph.nodes()) {
      check(graph, node, where);
    }
  }

  private void check(Graph graph, Node node, String where) {
    String place = where + ", node '" + Texts.shown(node.label()) + "'";
    checkName(node.op(), place + " has an operator");
    for (Value input : node.inputs()) {
      if (input != null) {
        checkReachable(graph, input, place);
      }
    }
    for (Attribute attribute : node.attributes().values()) {
      if (attribute instanceof Attribute.TensorValue tensor) {
        checkType(tensor.value().type(), place);
      }
    }
    node.nestedGraphs().forEach(this::check);
  }

  private void checkInitializer(Value value, Tensor tensor, String where) {
    String place = where + ", initializer '" + Texts.shown(value.name()) + "'";
    checkType(tensor.type(), place);
    if (irVersion < Versions.FREE_INITIALIZERS_IR && !value.isInput()) {
      throw new ModelException(
          place
              + " is not an input, which format version "
              + irVersion
              + " demands; raise it with raiseIrVersion("
              + Versions.FREE_INITIALIZERS_IR
              + ")");
    }
  }

  private void checkType(DataType type, String place) {
    long since = Versions.irOf(type);
    if (irVersion < since) {
      throw new ModelException(
          place
              + " is of type "
              + type
              + ", which format version "
              + irVersion
              + " does not have; raise it with raiseIrVersion("
              + since
              + ")");
    }
  }

  /** In the file links are names: the name must lead back to the value that is meant. */
  private static void checkReachable(Graph graph, Value value, String place) {
    Value named = graph.resolve(value.name());
    if (named != value) {
      throw new ModelException(
          place
              + " reads '"
              + Texts.shown(value.name())
              + (named == null
                  ? "', which is no longer in the graph"
                  : "', but a nested graph has another value of that name; rename one"));
    }
  }

  private static void checkName(String name, String what) {
    if (name.isEmpty()) {
      throw new ModelException(what + " without a name");
    }
    if (name.indexOf('\0') >= 0 || !StandardCharsets.UTF_8.newEncoder().canEncode(name)) {
      throw new ModelException(
          what + " '" + Texts.shown(name) + "' whose name has a NUL or half a character");
    }
  }

  private static Set<String> sparseNames(Graph graph, String where) {
    GraphProto.Builder extra = GraphProto.newBuilder();
    GraphEncoder.restore(extra, graph.extra(), where);
    Set<String> names = new HashSet<>();
    for (SparseTensorProto sparse : extra.getSparseInitializerList()) {
      names.add(sparse.getValues().getName());
    }
    return names;
  }
}
