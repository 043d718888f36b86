package dev.octet.torch.graph;

import dev.octet.graph.Graph;
import dev.octet.graph.Node;
import dev.octet.graph.Value;
import dev.octet.graph.fold.CannotFold;
import dev.octet.graph.fold.Evaluator;
import dev.octet.torch.Scope;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A graph laid out as steps over numbered slots. What a step makes is freed as soon as its last
 * reader has run; what gradients still need of it, LibTorch keeps.
 */
final class Program {

  /** What one step does with its inputs. */
  @FunctionalInterface
  interface Body {
    List<Datum> run(List<@Nullable Datum> inputs, Phase phase);
  }

  private static final class Step {
    final String label;
    final Body body;
    final int[] inputs;
    final int[] outputs;

    /** Slots that nobody reads after this step. */
    int[] last = {};

    Step(String label, Body body, int[] inputs, int[] outputs) {
      this.label = label;
      this.body = body;
      this.inputs = inputs;
      this.outputs = outputs;
    }
  }

  private final List<Step> steps;
  private final Map<Value, Integer> slots;
  private final @Nullable Datum[] constants;

  private Program(List<Step> steps, Map<Value, Integer> slots, @Nullable Datum[] constants) {
    this.steps = steps;
    this.slots = slots;
    this.constants = constants;
  }

  /**
   * Runs all steps.
   *
   * @param given by value: inputs
   * @param wanted values to hand over, in this order
   * @return tensors of the scope around
   */
  List<Tensor> run(Map<Value, Tensor> given, Collection<Value> wanted, Phase phase, Scope scope) {
    @Nullable Datum[] frame = Arrays.copyOf(constants, constants.length);
    given.forEach((value, tensor) -> frame[slot(value)] = Datum.borrowed(tensor));
    BitSet kept = new BitSet();
    wanted.forEach(value -> kept.set(slot(value)));
    try {
      for (Step step : steps) {
        run(step, frame, phase);
        for (int slot : step.last) {
          if (!kept.get(slot)) {
            free(frame, slot);
          }
        }
      }
      List<Tensor> results = new ArrayList<>();
      for (Value value : wanted) {
        Datum found = frame[slot(value)];
        if (found == null) {
          throw new IllegalStateException("'" + value.name() + "' was not computed");
        }
        results.add(scope.give(new Tensor(found.tensor())));
      }
      return results;
    } finally {
      for (int slot = 0; slot < frame.length; slot++) {
        free(frame, slot);
      }
    }
  }

  private static void run(Step step, @Nullable Datum[] frame, Phase phase) {
    List<@Nullable Datum> inputs = new ArrayList<>(step.inputs.length);
    for (int slot : step.inputs) {
      inputs.add(slot < 0 ? null : frame[slot]);
    }
    try (Scope scope = Scope.open()) {
      List<Datum> made = step.body.run(inputs, phase);
      for (int i = 0; i < made.size(); i++) {
        int slot = i < step.outputs.length ? step.outputs[i] : -1;
        if (slot < 0) {
          made.get(i).free();
        } else {
          frame[slot] = made.get(i);
        }
      }
    } catch (RuntimeException e) {
      String message = String.valueOf(e.getMessage());
      throw new IllegalArgumentException(
          step.label + ": " + message.lines().findFirst().orElse(message), e);
    }
  }

  private void free(@Nullable Datum[] frame, int slot) {
    Datum datum = frame[slot];
    if (datum != null && constants[slot] == null) {
      datum.free();
      frame[slot] = null;
    }
  }

  private int slot(Value value) {
    Integer found = slots.get(value);
    if (found == null) {
      throw new IllegalArgumentException("the graph does not compute '" + value.name() + "'");
    }
    return found;
  }

  /** Frees constants. */
  void free() {
    for (Datum constant : constants) {
      if (constant != null) {
        constant.free();
      }
    }
  }

  /** Lays out a graph, node by node. */
  static final class Builder {
    private final List<Step> steps = new ArrayList<>();
    private final Map<Value, Integer> slots = new HashMap<>();
    private final List<@Nullable Datum> constants = new ArrayList<>();

    /** The slot of a value, made when first asked for. */
    int slot(Value value) {
      return slots.computeIfAbsent(value, v -> fresh());
    }

    /** A slot for what is no value of the graph. */
    int fresh() {
      constants.add(null);
      return constants.size() - 1;
    }

    void constant(Value value, Datum datum) {
      constants.set(slot(value), datum);
    }

    int constant(Datum datum) {
      int slot = fresh();
      constants.set(slot, datum);
      return slot;
    }

    void step(String label, Body body, int[] inputs, int... outputs) {
      steps.add(new Step(label, body, inputs, outputs));
    }

    /** A step that computes a node as its operator says. */
    void step(Node node, Kernel kernel, long opset, int[] inputs) {
      int[] outputs = new int[node.outputs().size()];
      for (int i = 0; i < outputs.length; i++) {
        Value output = node.outputs().get(i);
        outputs[i] = output == null ? -1 : slot(output);
      }
      String label = "node '" + node.label() + "' (" + node.op() + ")";
      boolean hostable = Evaluator.knows(node);
      Body body =
          (data, phase) -> {
            Datum onHost = hostable ? onHost(node, data) : null;
            return onHost != null
                ? List.of(onHost)
                : kernel.run(new Call(node, opset, phase, data));
          };
      if (hostable && Arrays.stream(inputs).allMatch(slot -> slot < 0 || isNumbers(slot))) {
        Datum known = onHost(node, data(inputs));
        if (known != null) {
          constants.set(outputs[0], known);
          return;
        }
      }
      step(label, body, inputs, outputs);
    }

    private boolean isNumbers(int slot) {
      Datum datum = constants.get(slot);
      return datum != null && datum.isHost();
    }

    private List<@Nullable Datum> data(int[] inputs) {
      List<@Nullable Datum> data = new ArrayList<>();
      for (int slot : inputs) {
        data.add(slot < 0 ? null : constants.get(slot));
      }
      return data;
    }

    /** The result where all inputs lie on the host and its kernels know the case, else null. */
    private static @Nullable Datum onHost(Node node, List<@Nullable Datum> data) {
      List<dev.octet.graph.@Nullable Tensor> numbers = new ArrayList<>();
      for (Datum datum : data) {
        if (datum != null && !datum.isHost()) {
          return null;
        }
        numbers.add(datum == null ? null : datum.numbers());
      }
      try {
        return Datum.host(Evaluator.evaluate(node, numbers));
      } catch (CannotFold unknown) {
        return null;
      }
    }

    /** The inputs of a node as slots; -1 where one is left out. */
    int[] inputs(Node node) {
      int[] inputs = new int[node.inputs().size()];
      for (int i = 0; i < inputs.length; i++) {
        Value input = node.input(i);
        inputs[i] = input == null ? -1 : slot(input);
      }
      return inputs;
    }

    /** The program; outputs of {@code graph} stay until it ends. */
    Program build(Graph graph) {
      graph.outputs().forEach(this::slot);
      Map<Integer, Integer> lastStep = new HashMap<>();
      for (int i = 0; i < steps.size(); i++) {
        Step step = steps.get(i);
        for (int slot : step.outputs) {
          lastStep.put(slot, i);
        }
        for (int slot : step.inputs) {
          lastStep.put(slot, i);
        }
      }
      lastStep.remove(-1);
      List<List<Integer>> ending = new ArrayList<>();
      steps.forEach(step -> ending.add(new ArrayList<>()));
      lastStep.forEach((slot, step) -> ending.get(step).add(slot));
      for (int i = 0; i < steps.size(); i++) {
        steps.get(i).last = ending.get(i).stream().mapToInt(Integer::intValue).toArray();
      }
      return new Program(List.copyOf(steps), Map.copyOf(slots), constants.toArray(new Datum[0]));
    }
  }
}
