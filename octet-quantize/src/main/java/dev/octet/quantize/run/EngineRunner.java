package dev.octet.quantize.run;

import dev.octet.core.format.BFloat16;
import dev.octet.core.format.Float16;
import dev.octet.engine.Engine;
import dev.octet.engine.EngineOptions;
import dev.octet.engine.Explanation;
import dev.octet.engine.Session;
import dev.octet.engine.dnnl.Library;
import dev.octet.engine.plan.Plan;
import dev.octet.engine.plan.UnsupportedNodeException;
import dev.octet.graph.DataType;
import dev.octet.graph.Model;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import dev.octet.quantize.data.ElementType;
import dev.octet.quantize.data.HostTensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Runs a graph on Octet's engine. Observed values are made outputs of a copy of the model. */
public final class EngineRunner implements GraphRunner {
  private final Engine engine;
  private final InputCheck inputCheck;
  private final Set<String> observed;

  private EngineRunner(Engine engine, InputCheck inputCheck, Set<String> observed) {
    this.engine = engine;
    this.inputCheck = inputCheck;
    this.observed = observed;
  }

  /**
   * Opens {@code model}.
   *
   * @param observed names of the values to hand over; any tensor of the main graph
   * @param threads threads inside an operator
   * @throws RunException if the engine has no code for a node, which the message names
   * @throws IllegalArgumentException if an observed value does not exist
   */
  public static EngineRunner open(Model model, Collection<String> observed, int threads) {
    Set<String> names = new LinkedHashSet<>(observed);
    Model copy = Observation.of(model, names);
    keepDefaults(copy);
    InputCheck check = new InputCheck(model.graph());
    try {
      Engine engine = Engine.load(copy, EngineOptions.defaults().withThreads(threads));
      return new EngineRunner(engine, check, names);
    } catch (UnsupportedNodeException e) {
      throw new RunException(String.valueOf(e.getMessage()), e);
    }
  }

  /** Gets {@code model}, which is changed, ready to run on {@code inputs}. */
  static Repeatable prepare(Model model, Map<String, HostTensor> inputs, int threads) {
    new InputCheck(model.graph()).check(inputs);
    keepDefaults(model);
    Map<String, long[]> shapes = new LinkedHashMap<>();
    inputs.forEach((name, tensor) -> shapes.put(name, toEngine(name, tensor).shape()));
    Engine engine;
    try {
      engine = Engine.load(model, EngineOptions.defaults().withThreads(threads));
    } catch (UnsupportedNodeException e) {
      throw new RunException(String.valueOf(e.getMessage()), e);
    }
    try {
      Session session = engine.session(shapes);
      inputs.forEach((name, tensor) -> session.input(name).put(toEngine(name, tensor).data()));
      return new Repeatable() {
        @Override
        public void run() {
          session.run();
        }

        @Override
        public List<HostTensor> outputs() {
          session.run();
          return session.outputs().stream().map(port -> output(session, port)).toList();
        }

        @Override
        public String runtime() {
          return Library.description();
        }

        @Override
        public void close() {
          session.close();
          engine.close();
        }
      };
    } catch (UnsupportedNodeException e) {
      engine.close();
      throw new RunException(String.valueOf(e.getMessage()), e);
    }
  }

  private static HostTensor output(Session session, Plan.Port port) {
    long[] dims = port.dims().stream().mapToLong(Long::longValue).toArray();
    return fromEngine(port.name(), Tensor.wrap(port.type(), dims, session.output(port.name())));
  }

  /**
   * What the engine runs for {@code model} on inputs of these shapes.
   *
   * @param shapes one for every input that must be supplied, by name
   * @param threads threads inside an operator; 0 for all cores
   * @throws RunException if the engine has no code for a node, which the message names
   */
  public static Explanation explain(Model model, Map<String, int[]> shapes, int threads) {
    Model copy = model.copy();
    keepDefaults(copy);
    Map<String, long[]> wide = new LinkedHashMap<>();
    shapes.forEach((name, shape) -> wide.put(name, Arrays.stream(shape).asLongStream().toArray()));
    try (Engine engine = Engine.load(copy, EngineOptions.defaults().withThreads(threads))) {
      return engine.explain(wide);
    } catch (UnsupportedNodeException e) {
      throw new RunException(String.valueOf(e.getMessage()), e);
    }
  }

  /** Inputs that need not be fed become what they are in all but name: constants. */
  private static void keepDefaults(Model model) {
    for (Value input : List.copyOf(model.graph().inputs())) {
      if (input.initializer() != null) {
        model.graph().removeInput(input);
      }
    }
  }

  @Override
  public void run(Map<String, HostTensor> inputs, Consumer consumer) {
    inputCheck.check(inputs);
    Map<String, Tensor> feeds = new LinkedHashMap<>();
    inputs.forEach((name, tensor) -> feeds.put(name, toEngine(name, tensor)));
    Map<String, Tensor> results;
    try {
      results = engine.run(feeds);
    } catch (UnsupportedNodeException e) {
      throw new RunException(String.valueOf(e.getMessage()), e);
    }
    for (String name : observed) {
      HostTensor given = inputs.get(name);
      Tensor made = results.get(name);
      if (made != null) {
        consumer.accept(name, fromEngine(name, made));
      } else if (given != null) {
        consumer.accept(name, given);
      } else {
        throw new IllegalStateException("the engine did not hand over '" + name + "'");
      }
    }
  }

  @Override
  public void close() {
    engine.close();
  }

  private static Tensor toEngine(String name, HostTensor tensor) {
    if (tensor.elementCount() == 0) {
      throw new RunException(
          "model input '"
              + name
              + "' is "
              + tensor
              + "; the engine runs no tensors of no elements");
    }
    long[] shape = Arrays.stream(tensor.shape()).asLongStream().toArray();
    long bytes = tensor.elementCount() * tensor.type().bytes();
    if (bytes > Integer.MAX_VALUE) {
      throw new RunException(
          "model input '" + name + "' is " + tensor + ", more than 2 GiB; give smaller batches");
    }
    ByteBuffer raw = ByteBuffer.allocate((int) bytes).order(ByteOrder.LITTLE_ENDIAN);
    DataType type =
        switch (tensor.type()) {
          case FLOAT32 -> {
            raw.asFloatBuffer().put(tensor.floatBuffer());
            yield DataType.FLOAT;
          }
          case FLOAT64 -> {
            raw.asDoubleBuffer().put(tensor.doubles());
            yield DataType.DOUBLE;
          }
          case INT64 -> {
            raw.asLongBuffer().put(tensor.longBuffer());
            yield DataType.INT64;
          }
          case INT32 -> {
            raw.asIntBuffer().put(tensor.ints());
            yield DataType.INT32;
          }
          case INT8 -> bytes(tensor, raw, DataType.INT8);
          case UINT8 -> bytes(tensor, raw, DataType.UINT8);
          case BOOL -> bytes(tensor, raw, DataType.BOOL);
        };
    return Tensor.wrap(type, shape, raw);
  }

  private static DataType bytes(HostTensor tensor, ByteBuffer raw, DataType type) {
    raw.put(tensor.byteBuffer()).flip();
    return type;
  }

  private static HostTensor fromEngine(String name, Tensor tensor) {
    int[] shape = Arrays.stream(tensor.shape()).mapToInt(Math::toIntExact).toArray();
    int count = Math.toIntExact(tensor.elementCount());
    ByteBuffer data = tensor.data().order(ByteOrder.LITTLE_ENDIAN);
    return switch (tensor.type()) {
      case FLOAT -> {
        float[] values = new float[count];
        data.asFloatBuffer().get(values);
        yield HostTensor.ofFloats(shape, values);
      }
      case FLOAT16 -> {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
          values[i] = Float16.decode(data.getShort(2 * i));
        }
        yield HostTensor.ofFloats(shape, values);
      }
      case BFLOAT16 -> {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
          values[i] = BFloat16.decode(data.getShort(2 * i));
        }
        yield HostTensor.ofFloats(shape, values);
      }
      case DOUBLE -> {
        double[] values = new double[count];
        data.asDoubleBuffer().get(values);
        yield HostTensor.ofDoubles(shape, values);
      }
      case INT64 -> HostTensor.ofLongs(shape, tensor.toLongs());
      case INT32 -> {
        int[] values = new int[count];
        data.asIntBuffer().get(values);
        yield HostTensor.ofInts(shape, values);
      }
      case INT8 -> HostTensor.ofBytes(ElementType.INT8, shape, array(data));
      case UINT8 -> HostTensor.ofBytes(ElementType.UINT8, shape, array(data));
      case BOOL -> HostTensor.ofBytes(ElementType.BOOL, shape, array(data));
      default ->
          throw new RunException(
              "value '" + name + "' holds " + tensor.type() + ", which is not read");
    };
  }

  private static byte[] array(ByteBuffer data) {
    byte[] bytes = new byte[data.remaining()];
    data.get(bytes);
    return bytes;
  }
}
