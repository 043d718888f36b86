package dev.octet.quantize.run;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxTensorLike;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import dev.octet.graph.Graph;
import dev.octet.graph.Model;
import dev.octet.graph.Node;
import dev.octet.graph.Value;
import dev.octet.graph.onnx.OnnxWriter;
import dev.octet.quantize.data.ElementType;
import dev.octet.quantize.data.HostTensor;
import java.nio.ByteBuffer;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

/**
 * Runs a graph in ONNX Runtime on the CPU.
 *
 * <p>The runtime shows outputs only, so observed values are made outputs of a copy of the model
 * before it is loaded.
 */
public final class OnnxRuntimeRunner implements GraphRunner {
  private static final long START_STACK_BYTES = 64L << 20; // reserved, not used

  private final OrtSession session;
  private final InputCheck inputCheck;
  private final Set<String> observed;
  private boolean open = true;

  private OnnxRuntimeRunner(OrtSession session, InputCheck inputCheck, Set<String> observed) {
    this.session = session;
    this.inputCheck = inputCheck;
    this.observed = observed;
  }

  /** Opens {@code model} with all cores, observing its outputs. */
  public static OnnxRuntimeRunner open(Model model) {
    return open(model, model.graph().outputs().stream().map(Value::name).toList());
  }

  /** Opens {@code model} with all cores. */
  public static OnnxRuntimeRunner open(Model model, Collection<String> observed) {
    return open(model, observed, Runtime.getRuntime().availableProcessors());
  }

  /**
   * Opens {@code model}.
   *
   * @param observed names of the values to hand over; any dense tensor of the main graph
   * @param threads threads inside an operator
   * @throws RunException if the runtime does not accept the model
   * @throws IllegalArgumentException if an observed value does not exist
   */
  public static OnnxRuntimeRunner open(Model model, Collection<String> observed, int threads) {
    Set<String> names = new LinkedHashSet<>(observed);
    Model copy = Observation.of(model, names);
    nameOutputsOfSplits(copy.graph());
    InputCheck check = new InputCheck(model.graph());
    OrtEnvironment environment = Environment.STARTED;
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setIntraOpNumThreads(threads);
      // Spinning threads would take the cores from whatever else this process computes.
      options.addConfigEntry("session.intra_op.allow_spinning", "0");
      // What goes wrong arrives as an exception; the runtime need not print it as well.
      options.setSessionLogLevel(OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL);
      OrtSession session = environment.createSession(OnnxWriter.toBytes(copy), options);
      return new OnnxRuntimeRunner(session, check, names);
    } catch (OrtException e) {
      throw new RunException("ONNX Runtime does not accept the model: " + firstLine(e), e);
    }
  }

  /**
   * Loads the model in {@code file} with the runtime's own defaults but for {@code threads}. Its
   * threads spin between operators and for a moment after a run, as those defaults have it.
   */
  static Repeatable prepare(Path file, Map<String, HostTensor> inputs, int threads) {
    OrtEnvironment environment = Environment.STARTED;
    Map<String, OnnxTensor> feeds = new LinkedHashMap<>();
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setIntraOpNumThreads(threads);
      options.setSessionLogLevel(OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL);
      OrtSession session = environment.createSession(file.toString(), options);
      for (Map.Entry<String, HostTensor> input : inputs.entrySet()) {
        feeds.put(input.getKey(), toRuntime(environment, input.getValue()));
      }
      return new Repeatable() {
        @Override
        public void run() {
          try {
            session.run(feeds).close();
          } catch (OrtException e) {
            throw new RunException("ONNX Runtime failed: " + firstLine(e), e);
          }
        }

        @Override
        public List<HostTensor> outputs() {
          List<HostTensor> made = new ArrayList<>();
          try (OrtSession.Result result = session.run(feeds)) {
            result.forEach(output -> made.add(fromRuntime(output.getKey(), output.getValue())));
          } catch (OrtException e) {
            throw new RunException("ONNX Runtime failed: " + firstLine(e), e);
          }
          return made;
        }

        @Override
        public String runtime() {
          return "ONNX Runtime " + environment.getVersion();
        }

        @Override
        public void close() {
          feeds.values().forEach(OnnxTensor::close);
          try {
            session.close();
          } catch (OrtException e) {
            throw new RunException("closing an ONNX Runtime session failed: " + firstLine(e), e);
          }
        }
      };
    } catch (OrtException e) {
      feeds.values().forEach(OnnxTensor::close);
      throw new RunException("ONNX Runtime does not accept the model: " + firstLine(e), e);
    }
  }

  /** Made once. */
  private static final class Environment {
    static final OrtEnvironment STARTED = startRuntime();
  }

  /**
   * Starting, ONNX Runtime 1.29 matches a regular expression in a recursion as deep as the text is
   * long: on a thread with the JVM's usual stack that can end the process.
   */
  private static OrtEnvironment startRuntime() {
    // Not in Environment: the thread would wait for that class, which waits for the thread.
    FutureTask<OrtEnvironment> start =
        new FutureTask<>(
            () -> OrtEnvironment.getEnvironment(OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL));
    new Thread(null, start, "onnxruntime-start", START_STACK_BYTES).start();
    try {
      return start.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new RunException("interrupted while ONNX Runtime started", e);
    } catch (ExecutionException e) {
      throw new RunException("ONNX Runtime does not start: " + e.getCause(), e);
    }
  }

  /** ONNX Runtime 1.29 ends the whole process on a Split that leaves an output out. */
  private static void nameOutputsOfSplits(Graph graph) {
    for (Node node : graph.nodes()) {
      node.nestedGraphs().forEach(OnnxRuntimeRunner::nameOutputsOfSplits);
      if (node.is("Split") && node.outputs().contains(null)) {
        Value[] outputs =
            node.outputs().stream()
                .map(output -> output != null ? output : graph.addFresh("left_out", null))
                .toArray(Value[]::new);
        graph.exchange(node, node.spec().makes(outputs));
      }
    }
  }

  @Override
  public void run(Map<String, HostTensor> inputs, Consumer consumer) {
    if (!open) {
      throw new IllegalStateException("this runner is closed; open the model again");
    }
    inputCheck.check(inputs);
    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    List<OnnxTensor> owned = new ArrayList<>();
    try {
      Map<String, OnnxTensorLike> feeds = new LinkedHashMap<>();
      for (Map.Entry<String, HostTensor> input : inputs.entrySet()) {
        OnnxTensor tensor = toRuntime(environment, input.getValue());
        owned.add(tensor);
        feeds.put(input.getKey(), tensor);
      }
      try (OrtSession.Result result = session.run(feeds, observed)) {
        // Copying out of native memory is most of the work besides the model's; all cores share it.
        List<HostTensor> values =
            observed.parallelStream()
                .map(name -> fromRuntime(name, result.get(name).orElseThrow()))
                .toList();
        Iterator<HostTensor> value = values.iterator();
        observed.forEach(name -> consumer.accept(name, value.next()));
      }
    } catch (OrtException e) {
      throw new RunException("ONNX Runtime failed: " + firstLine(e), e);
    } finally {
      owned.forEach(OnnxTensor::close);
    }
  }

  @Override
  public void close() {
    if (open) {
      open = false;
      try {
        session.close();
      } catch (OrtException e) {
        throw new RunException("closing an ONNX Runtime session failed: " + firstLine(e), e);
      }
    }
  }

  /** A native tensor; buffers in Java's heap are copied by the runtime. */
  private static OnnxTensor toRuntime(OrtEnvironment environment, HostTensor tensor)
      throws OrtException {
    long[] shape = Arrays.stream(tensor.shape()).asLongStream().toArray();
    return switch (tensor.type()) {
      case FLOAT32 ->
          OnnxTensor.createTensor(environment, FloatBuffer.wrap(tensor.floats()), shape);
      case FLOAT64 ->
          OnnxTensor.createTensor(environment, DoubleBuffer.wrap(tensor.doubles()), shape);
      case INT64 -> OnnxTensor.createTensor(environment, LongBuffer.wrap(tensor.longs()), shape);
      case INT32 -> OnnxTensor.createTensor(environment, IntBuffer.wrap(tensor.ints()), shape);
      case INT8 -> bytes(environment, tensor, shape, OnnxJavaType.INT8);
      case UINT8 -> bytes(environment, tensor, shape, OnnxJavaType.UINT8);
      case BOOL -> bytes(environment, tensor, shape, OnnxJavaType.BOOL);
    };
  }

  private static OnnxTensor bytes(
      OrtEnvironment environment, HostTensor tensor, long[] shape, OnnxJavaType type)
      throws OrtException {
    ByteBuffer direct = ByteBuffer.allocateDirect(Math.toIntExact(tensor.elementCount()));
    direct.put(tensor.byteBuffer()).flip();
    return OnnxTensor.createTensor(environment, direct, shape, type);
  }

  private static HostTensor fromRuntime(String name, OnnxValue value) {
    if (!(value instanceof OnnxTensor tensor)) {
      throw new RunException("value '" + name + "' is a " + value.getType() + ", not a tensor");
    }
    TensorInfo info = tensor.getInfo();
    int[] shape = Arrays.stream(info.getShape()).mapToInt(Math::toIntExact).toArray();
    return switch (info.type) {
      // The runtime widens float16 and bfloat16 here.
      case FLOAT, FLOAT16, BFLOAT16 -> HostTensor.ofFloats(shape, array(tensor.getFloatBuffer()));
      case DOUBLE -> {
        DoubleBuffer from = tensor.getDoubleBuffer();
        double[] to = new double[from.remaining()];
        from.get(to);
        yield HostTensor.ofDoubles(shape, to);
      }
      case INT64 -> {
        LongBuffer from = tensor.getLongBuffer();
        long[] to = new long[from.remaining()];
        from.get(to);
        yield HostTensor.ofLongs(shape, to);
      }
      case INT32 -> {
        IntBuffer from = tensor.getIntBuffer();
        int[] to = new int[from.remaining()];
        from.get(to);
        yield HostTensor.ofInts(shape, to);
      }
      case INT8, UINT8, BOOL -> {
        ByteBuffer from = tensor.getByteBuffer();
        byte[] to = new byte[from.remaining()];
        from.get(to);
        ElementType type =
            switch (info.type) {
              case INT8 -> ElementType.INT8;
              case UINT8 -> ElementType.UINT8;
              default -> ElementType.BOOL;
            };
        yield HostTensor.ofBytes(type, shape, to);
      }
      default ->
          throw new RunException("value '" + name + "' holds " + info.type + ", which is not read");
    };
  }

  /** The array under the copy that the runtime made, where it is all of it. */
  private static float[] array(FloatBuffer buffer) {
    if (buffer.hasArray()
        && buffer.arrayOffset() == 0
        && buffer.array().length == buffer.remaining()) {
      return buffer.array();
    }
    float[] copy = new float[buffer.remaining()];
    buffer.get(copy);
    return copy;
  }

  private static String firstLine(OrtException e) {
    String message = String.valueOf(e.getMessage());
    int end = message.indexOf('\n');
    return end < 0 ? message : message.substring(0, end);
  }
}
