package dev.octet.torch.data;

import dev.octet.quantize.data.DataException;
import dev.octet.quantize.data.HostTensor;
import dev.octet.quantize.data.InputBinding;
import dev.octet.quantize.data.ModelInput;
import dev.octet.quantize.data.Sample;
import dev.octet.torch.Tensors;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/** A batch of arrays or token ids in the making. */
final class ValueRows {

  private static final String NAME = "input";

  private final @Nullable InputBinding binding;
  private final List<Sample> samples = new ArrayList<>();

  ValueRows(@Nullable InputBinding binding) {
    this.binding = binding;
  }

  void add(Sample sample) {
    samples.add(sample);
  }

  /** The stacked tensors by input name; they belong to the scope around. */
  Map<String, Tensor> tensors() {
    InputBinding forAll = binding == null ? null : withLength(binding);
    List<Map<String, HostTensor>> rows = new ArrayList<>();
    for (Sample sample : samples) {
      rows.add(forAll == null ? named(sample) : forAll.bind(sample));
    }
    Map<String, Tensor> stacked = new LinkedHashMap<>();
    for (String name : rows.get(0).keySet()) {
      stacked.put(name, stack(name, rows));
    }
    return stacked;
  }

  private static Map<String, HostTensor> named(Sample sample) {
    if (sample.inputs().containsKey(Sample.TOKENS)) {
      throw new IllegalArgumentException(
          "sample '"
              + sample.origin()
              + "' holds token ids, which become ids, mask and types by the model's inputs; give"
              + " the loader an InputBinding");
    }
    Map<String, HostTensor> named = new LinkedHashMap<>();
    sample.inputs().keySet().stream()
        .sorted()
        .forEach(key -> named.put(key.equals(Sample.ONLY) ? NAME : key, input(sample, key)));
    return named;
  }

  private static HostTensor input(Sample sample, String name) {
    HostTensor value = sample.inputs().get(name);
    if (value == null) {
      throw new DataException("sample '" + sample.origin() + "' has no array '" + name + "'");
    }
    return value;
  }

  /**
   * The binding with the length of the longest text here, where the model leaves the length free:
   * shorter ones are padded and masked.
   */
  private InputBinding withLength(InputBinding free) {
    int shortest = Integer.MAX_VALUE;
    int longest = 0;
    for (Sample sample : samples) {
      HostTensor tokens = sample.inputs().get(Sample.TOKENS);
      int length = tokens == null ? 0 : (int) tokens.elementCount();
      shortest = Math.min(shortest, length);
      longest = Math.max(longest, length);
    }
    boolean open =
        free.inputs().stream()
            .anyMatch(i -> i.rank() == 2 && i.dims().get(1) == ModelInput.DYNAMIC);
    if (longest == shortest || !open) {
      return free;
    }
    if (free.inputs().stream().noneMatch(i -> i.name().toLowerCase(Locale.ROOT).contains("mask"))) {
      throw new DataException(
          "samples '"
              + samples.get(0).origin()
              + "' and on have "
              + shortest
              + " to "
              + longest
              + " tokens, and the model has no mask input to hide padding with; train with batches"
              + " of 1, or give texts of one length");
    }
    long length = longest;
    return InputBinding.of(
        free.inputs().stream()
            .map(
                input ->
                    input.rank() == 2 && input.dims().get(1) == ModelInput.DYNAMIC
                        ? new ModelInput(
                            input.name(), input.type(), List.of(input.dims().get(0), length))
                        : input)
            .toList());
  }

  private Tensor stack(String name, List<Map<String, HostTensor>> rows) {
    HostTensor first = row(name, 0, rows);
    long[] shape = Arrays.stream(first.shape()).asLongStream().toArray();
    if (shape.length == 0) {
      throw new DataException(
          "input '" + name + "' is a single number; give one row for each sample");
    }
    shape[0] = Math.multiplyExact(shape[0], rows.size());
    Tensor tensor = Tensors.uninitialised(scalarType(first), shape);
    ByteBuffer memory = Tensors.bytes(tensor);
    for (int i = 0; i < rows.size(); i++) {
      HostTensor row = row(name, i, rows);
      if (row.type() != first.type() || !Arrays.equals(row.shape(), first.shape())) {
        throw new DataException(
            "sample '"
                + samples.get(i).origin()
                + "' gives "
                + row
                + " for input '"
                + name
                + "', and '"
                + samples.get(0).origin()
                + "' of the same batch "
                + first
                + "; give arrays of one shape, or train with batches of 1");
      }
      put(row, memory);
    }
    return tensor;
  }

  private HostTensor row(String name, int index, List<Map<String, HostTensor>> rows) {
    HostTensor row = rows.get(index).get(name);
    if (row == null) {
      throw new DataException(
          "sample '" + samples.get(index).origin() + "' has no array '" + name + "'");
    }
    return row;
  }

  private static void put(HostTensor row, ByteBuffer memory) {
    int bytes = Math.multiplyExact((int) row.elementCount(), row.type().bytes());
    ByteBuffer place = memory.slice(memory.position(), bytes).order(ByteOrder.nativeOrder());
    memory.position(memory.position() + bytes);
    switch (row.type()) {
      case FLOAT32 -> place.asFloatBuffer().put(row.floatBuffer());
      case FLOAT64 -> place.asDoubleBuffer().put(row.doubles());
      case INT64 -> place.asLongBuffer().put(row.longBuffer());
      case INT32 -> place.asIntBuffer().put(row.ints());
      case INT8, UINT8, BOOL -> place.put(row.byteBuffer());
    }
  }

  private static ScalarType scalarType(HostTensor row) {
    return switch (row.type()) {
      case FLOAT32 -> ScalarType.Float;
      case FLOAT64 -> ScalarType.Double;
      case INT64 -> ScalarType.Long;
      case INT32 -> ScalarType.Int;
      case INT8 -> ScalarType.Char;
      case UINT8 -> ScalarType.Byte;
      case BOOL -> ScalarType.Bool;
    };
  }
}
