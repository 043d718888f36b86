package dev.octet.torch.op;

import dev.octet.graph.Attribute;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Value;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/**
 * Whole recurrent networks in one operation, as LibTorch has them. A trace writes one ONNX LSTM,
 * GRU or RNN node for each layer.
 */
public final class RecurrentOps {
  // ONNX orders LSTM's gates input, output, forget, cell and GRU's update, reset, new.
  private static final int[] LSTM_ORDER = {0, 3, 1, 2};
  private static final int[] GRU_ORDER = {1, 0, 2};
  private static final int[] RNN_ORDER = {0};

  private RecurrentOps() {}

  /**
   * Runs over sequences of one length.
   *
   * @param training whether dropout between layers is on
   * @param x [time, batch, features], or [batch, time, features] if {@code batchFirst}; at least
   *     one step
   * @param state hidden and, for LSTM, cell, each [num_layers · directions, batch, size]; null for
   *     zeros
   * @param weights in the order of {@link Recurrence#parameterShapes}
   * @return the output of the last layer in the layout of {@code x}, and the states after the last
   *     step
   * @throws IllegalArgumentException if a shape or type does not fit
   * @throws TraceException if a trace runs and a node cannot say it: with a projection, with
   *     dropout on, with weights that are computed
   */
  public static List<Tensor> padded(
      Recurrence settings,
      boolean training,
      Tensor x,
      @Nullable List<Tensor> state,
      List<Tensor> weights) {
    return run(settings, training, x, state, weights.stream().map(StoredWeight::of).toList());
  }

  /**
   * The same of weights that are not stored as floats, outside training. In a trace they are
   * constants as they are stored, which a node makes real.
   */
  public static List<Tensor> paddedStored(
      Recurrence settings, Tensor x, @Nullable List<Tensor> state, List<StoredWeight> weights) {
    return run(settings, false, x, state, weights);
  }

  private static List<Tensor> run(
      Recurrence settings,
      boolean training,
      Tensor x,
      @Nullable List<Tensor> state,
      List<StoredWeight> stored) {
    List<Tensor> weights = stored.stream().map(StoredWeight::real).toList();
    Tensors.check(x, "the input");
    long[] shape = Tensors.shape(x);
    if (shape.length != 3) {
      throw new IllegalArgumentException(
          "the input is " + Tensors.describe(x) + ", not of 3 dimensions");
    }
    checkFeatures(settings, x, shape[2]);
    if (shape[settings.batchFirst() ? 1 : 0] == 0) {
      throw new IllegalArgumentException(
          "the input " + Tensors.describe(x) + " has no step; give at least one");
    }
    long batch = shape[settings.batchFirst() ? 0 : 1];
    if (state != null) {
      settings.checkState(state, batch, x);
    }
    settings.checkWeights(weights, x);
    try (Scope scope = Scope.open()) {
      List<Tensor> start = state == null ? zeros(settings, x, batch) : state;
      TensorVector all = vector(weights);
      boolean bias = settings.bias();
      int layers = settings.numLayers();
      double dropout = settings.dropout();
      boolean both = settings.bidirectional();
      boolean first = settings.batchFirst();
      List<Tensor> outputs =
          switch (settings.kind()) {
            case LSTM -> {
              var made =
                  torch.lstm(x, vector(start), all, bias, layers, dropout, training, both, first);
              yield owned(made.get0(), made.get1(), made.get2());
            }
            case GRU -> {
              var made =
                  torch.gru(x, start.get(0), all, bias, layers, dropout, training, both, first);
              yield owned(made.get0(), made.get1());
            }
            case RNN_TANH -> {
              var made =
                  torch.rnn_tanh(
                      x, start.get(0), all, bias, layers, dropout, training, both, first);
              yield owned(made.get0(), made.get1());
            }
            case RNN_RELU -> {
              var made =
                  torch.rnn_relu(
                      x, start.get(0), all, bias, layers, dropout, training, both, first);
              yield owned(made.get0(), made.get1());
            }
          };
      Tracer tracer = Tracer.current();
      if (tracer != null) {
        List<Value> values = nodes(tracer, settings, training, x, state, stored);
        for (int i = 0; i < outputs.size(); i++) {
          tracer.bind(outputs.get(i), values.get(i));
        }
      }
      outputs.forEach(scope::give);
      return outputs;
    }
  }

  /**
   * Runs over packed sequences.
   *
   * @param data [sum of batch sizes, features]: the sequences that have a first step, then those
   *     that have a second, and so on
   * @param batchSizes how many sequences have each step: positive, never growing; together the rows
   *     of {@code data}
   * @param state as in {@link #padded}, in the order of the packed sequences
   * @return the packed output, and the states after each sequence's last step
   * @throws TraceException if a trace runs: the lengths are data, which nodes cannot depend on
   */
  public static List<Tensor> packed(
      Recurrence settings,
      boolean training,
      Tensor data,
      List<Long> batchSizes,
      @Nullable List<Tensor> state,
      List<Tensor> weights) {
    Tensors.check(data, "the packed data");
    checkBatchSizes(data, batchSizes);
    long[] shape = Tensors.shape(data);
    if (shape.length != 2) {
      throw new IllegalArgumentException(
          "the packed data is " + Tensors.describe(data) + ", not of 2 dimensions");
    }
    checkFeatures(settings, data, shape[1]);
    long batch = batchSizes.get(0);
    if (state != null) {
      settings.checkState(state, batch, data);
    }
    settings.checkWeights(weights, data);
    Tracer tracer = Tracer.current();
    if (tracer != null) {
      throw new TraceException(
          "a trace cannot follow packed sequences: their lengths are data; trace with padded"
              + " input");
    }
    try (Scope scope = Scope.open()) {
      List<Tensor> start = state == null ? zeros(settings, data, batch) : state;
      TensorVector all = vector(weights);
      Tensor sizes =
          Tensors.of(batchSizes.stream().mapToLong(Long::longValue).toArray(), batchSizes.size());
      boolean bias = settings.bias();
      int layers = settings.numLayers();
      double dropout = settings.dropout();
      boolean both = settings.bidirectional();
      List<Tensor> outputs =
          switch (settings.kind()) {
            case LSTM -> {
              var made =
                  torch.lstm(
                      data, sizes, vector(start), all, bias, layers, dropout, training, both);
              yield owned(made.get0(), made.get1(), made.get2());
            }
            case GRU -> {
              var made =
                  torch.gru(data, sizes, start.get(0), all, bias, layers, dropout, training, both);
              yield owned(made.get0(), made.get1());
            }
            case RNN_TANH -> {
              var made =
                  torch.rnn_tanh(
                      data, sizes, start.get(0), all, bias, layers, dropout, training, both);
              yield owned(made.get0(), made.get1());
            }
            case RNN_RELU -> {
              var made =
                  torch.rnn_relu(
                      data, sizes, start.get(0), all, bias, layers, dropout, training, both);
              yield owned(made.get0(), made.get1());
            }
          };
      outputs.forEach(scope::give);
      return outputs;
    }
  }

  /**
   * Zeros with as many rows as a tensor has. In a trace they follow it, so the batch may be of any
   * size.
   *
   * @param x [batch, ...]
   * @param size of a row
   * @return [batch, size], of the type of {@code x}
   */
  public static Tensor zeroRows(Tensor x, long size) {
    try (Scope scope = Scope.open()) {
      Tensor zeros = torch.zeros(new long[] {x.size(0), size}, new TensorOptions(Tensors.type(x)));
      Tracer.track(
          zeros,
          tracer -> {
            Value shape =
                tracer.add(
                    NodeSpec.of("Shape").reads(tracer.value(x, "what gives the number of rows")));
            Value rows =
                tracer.add(NodeSpec.of("Gather").reads(shape, tracer.longs(0)).with("axis", 0));
            Value wanted =
                tracer.add(NodeSpec.of("Concat").reads(rows, tracer.longs(size)).with("axis", 0));
            Tensor zero = torch.zeros(new long[] {1}, new TensorOptions(Tensors.type(x)));
            return tracer.add(
                NodeSpec.of("ConstantOfShape")
                    .reads(wanted)
                    .with("value", new Attribute.TensorValue(Tensors.toHost(zero))));
          });
      return scope.give(zeros);
    }
  }

  /**
   * Checks the batch sizes of packed sequences.
   *
   * @throws IllegalArgumentException unless they are positive, never grow, and sum to the rows of
   *     {@code data}
   */
  public static void checkBatchSizes(Tensor data, List<Long> batchSizes) {
    long sum = 0;
    long before = Long.MAX_VALUE;
    for (long size : batchSizes) {
      if (size < 1 || size > before) {
        throw new IllegalArgumentException(
            "the batch sizes " + batchSizes + " are not positive and never growing");
      }
      sum = Math.addExact(sum, size);
      before = size;
    }
    if (batchSizes.isEmpty() || data.dim() < 1 || sum != data.size(0)) {
      throw new IllegalArgumentException(
          "the batch sizes "
              + batchSizes
              + " do not sum to the rows of the packed data, "
              + Tensors.describe(data));
    }
  }

  private static void checkFeatures(Recurrence settings, Tensor x, long features) {
    if (features != settings.inputSize()) {
      throw new IllegalArgumentException(
          "the input is "
              + Tensors.describe(x)
              + "; its last dimension must be input_size, "
              + settings.inputSize());
    }
    if (!x.is_floating_point()) {
      throw new IllegalArgumentException(
          "the input is " + Tensors.describe(x) + "; convert it to a floating type");
    }
  }

  private static List<Tensor> zeros(Recurrence settings, Tensor x, long batch) {
    List<Tensor> zeros = new ArrayList<>();
    for (int i = 0; i < settings.kind().states(); i++) {
      long[] shape = {
        (long) settings.numLayers() * settings.directions(), batch, settings.stateSize(i)
      };
      zeros.add(torch.zeros(shape, new TensorOptions(Tensors.type(x))));
    }
    return zeros;
  }

  /** Handles of their own: a tuple's elements lie in its memory and end with it. */
  private static List<Tensor> owned(Tensor... elements) {
    return Arrays.stream(elements).map(Tensor::new).toList();
  }

  private static TensorVector vector(List<Tensor> tensors) {
    return new TensorVector(tensors.toArray(new Tensor[0]));
  }

  // --- Nodes -----------------------------------------------------------------------------------

  private static List<Value> nodes(
      Tracer tracer,
      Recurrence settings,
      boolean training,
      Tensor x,
      @Nullable List<Tensor> state,
      List<StoredWeight> weights) {
    if (settings.projSize() > 0) {
      throw new TraceException("ONNX's LSTM has no projection; compute step by step");
    }
    if (training && settings.dropout() > 0) {
      throw new TraceException("dropout between layers is on; call eval() before tracing");
    }
    Value layer = tracer.value(x, "the input");
    if (settings.batchFirst()) {
      layer = transpose(tracer, layer, 1, 0, 2);
    }
    List<Value> starts = new ArrayList<>();
    if (state != null) {
      for (Tensor each : state) {
        starts.add(tracer.value(each, "the state"));
      }
    }
    List<List<Value>> ends = new ArrayList<>();
    for (int i = 0; i < settings.kind().states(); i++) {
      ends.add(new ArrayList<>());
    }
    int each = settings.parametersEach();
    int directions = settings.directions();
    for (int index = 0; index < settings.numLayers(); index++) {
      List<StoredWeight> own =
          weights.subList(index * directions * each, (index + 1) * directions * each);
      Value[] made = node(tracer, settings, layer, starts, index, own);
      layer = joined(tracer, settings, made[0]);
      for (int i = 0; i < ends.size(); i++) {
        ends.get(i).add(made[1 + i]);
      }
    }
    List<Value> outputs = new ArrayList<>();
    outputs.add(settings.batchFirst() ? transpose(tracer, layer, 1, 0, 2) : layer);
    for (List<Value> end : ends) {
      outputs.add(
          end.size() == 1
              ? end.get(0)
              : tracer.add(NodeSpec.of("Concat").reads(end.toArray(new Value[0])).with("axis", 0)));
    }
    return outputs;
  }

  /** One layer: its output [time, directions, batch, hidden], and its last states. */
  private static Value[] node(
      Tracer tracer,
      Recurrence settings,
      Value input,
      List<Value> starts,
      int layer,
      List<StoredWeight> weights) {
    int each = settings.parametersEach();
    int directions = settings.directions();
    List<@Nullable Value> reads = new ArrayList<>();
    reads.add(input);
    reads.add(weight(tracer, settings, weights, each, 0, 1));
    reads.add(weight(tracer, settings, weights, each, 1, 1));
    reads.add(settings.bias() ? weight(tracer, settings, weights, each, 2, 2) : null);
    if (!starts.isEmpty()) {
      reads.add(null); // All sequences have the full length.
      for (Value start : starts) {
        reads.add(
            settings.numLayers() == 1
                ? start
                : tracer.add(
                    NodeSpec.of("Slice")
                        .reads(
                            start,
                            tracer.longs((long) layer * directions),
                            tracer.longs((layer + 1L) * directions),
                            tracer.longs(0))));
      }
    }
    while (reads.get(reads.size() - 1) == null) {
      reads.remove(reads.size() - 1);
    }
    NodeSpec spec =
        NodeSpec.of(
                switch (settings.kind()) {
                  case LSTM -> "LSTM";
                  case GRU -> "GRU";
                  case RNN_TANH, RNN_RELU -> "RNN";
                })
            .reads(reads.toArray(new @Nullable Value[0]))
            .with("hidden_size", settings.hiddenSize())
            .with(
                "direction",
                new Attribute.StringValue(directions == 2 ? "bidirectional" : "forward"));
    spec =
        switch (settings.kind()) {
          case LSTM, RNN_TANH -> spec;
          // The reset gate acts on the product with its bias, as in cuDNN and LibTorch.
          case GRU -> spec.with("linear_before_reset", 1);
          case RNN_RELU -> {
            String[] names = new String[directions];
            Arrays.fill(names, "Relu");
            yield spec.with("activations", new Attribute.StringList(List.of(names)));
          }
        };
    return tracer.add(spec, 1 + settings.kind().states());
  }

  /** [time, directions, batch, hidden] to [time, batch, directions · hidden]. */
  private static Value joined(Tracer tracer, Recurrence settings, Value output) {
    if (settings.directions() == 1) {
      return tracer.add(NodeSpec.of("Squeeze").reads(output, tracer.longs(1)));
    }
    Value together = transpose(tracer, output, 0, 2, 1, 3);
    return tracer.add(NodeSpec.of("Reshape").reads(together, tracer.longs(0, 0, -1)));
  }

  private static Value transpose(Tracer tracer, Value value, long... order) {
    return tracer.add(
        NodeSpec.of("Transpose").reads(value).with("perm", Attribute.IntList.of(order)));
  }

  /**
   * The weights of all directions as one constant, gates in ONNX's order.
   *
   * @param each parameters of a direction
   * @param index of the first one wanted among them
   * @param count how many of them follow each other: both biases go into one constant
   */
  private static Value weight(
      Tracer tracer,
      Recurrence settings,
      List<StoredWeight> weights,
      int each,
      int index,
      int count) {
    int[] order =
        switch (settings.kind()) {
          case LSTM -> LSTM_ORDER;
          case GRU -> GRU_ORDER;
          case RNN_TANH, RNN_RELU -> RNN_ORDER;
        };
    List<dev.octet.graph.Tensor> parts = new ArrayList<>();
    int bytes = 0;
    for (int direction = 0; direction < settings.directions(); direction++) {
      for (int i = 0; i < count; i++) {
        StoredWeight weight = weights.get(direction * each + index + i);
        if (weight.codes() == null && !tracer.isWeight(weight.real())) {
          throw new TraceException(
              "the weights of a recurrent layer are computed, which its ONNX node cannot say;"
                  + " compute step by step");
        }
        dev.octet.graph.Tensor host = Tensors.toHost(weight.stored());
        parts.add(host);
        bytes = Math.addExact(bytes, Math.toIntExact(host.sizeBytes()));
      }
    }
    ByteBuffer joined = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    for (dev.octet.graph.Tensor part : parts) {
      ByteBuffer data = part.data();
      int block = data.remaining() / order.length;
      for (int gate : order) {
        joined.put(data.slice(data.position() + gate * block, block));
      }
    }
    joined.flip();
    dev.octet.graph.Tensor first = parts.get(0);
    long[] shape = {
      settings.directions(), count * first.dim(0), first.rank() == 2 ? first.dim(1) : 0
    };
    Value constant =
        tracer.constant(
            dev.octet.graph.Tensor.wrap(
                first.type(), first.rank() == 2 ? shape : Arrays.copyOf(shape, 2), joined));
    List<StoredWeight> directions = new ArrayList<>();
    for (int direction = 0; direction < settings.directions(); direction++) {
      directions.add(weights.get(direction * each + index));
    }
    return StoredWeight.real(tracer, constant, directions, order);
  }
}
