package dev.octet.torch.weights;

import dev.octet.graph.Bytes;
import dev.octet.graph.DataType;
import dev.octet.graph.Tensor;
import dev.octet.torch.weights.PickleValue.Callable;
import dev.octet.torch.weights.PickleValue.NumpyArray;
import dev.octet.torch.weights.PickleValue.NumpyType;
import dev.octet.torch.weights.PickleValue.Tuple;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The part of the allow-list that is numpy's: numbers and arrays of numbers. */
final class NumpyGlobals {
  private static final Map<String, DataType> TYPES =
      Map.ofEntries(
          Map.entry("b1", DataType.BOOL),
          Map.entry("u1", DataType.UINT8),
          Map.entry("u2", DataType.UINT16),
          Map.entry("u4", DataType.UINT32),
          Map.entry("u8", DataType.UINT64),
          Map.entry("i1", DataType.INT8),
          Map.entry("i2", DataType.INT16),
          Map.entry("i4", DataType.INT32),
          Map.entry("i8", DataType.INT64),
          Map.entry("f2", DataType.FLOAT16),
          Map.entry("f4", DataType.FLOAT),
          Map.entry("f8", DataType.DOUBLE));

  private static final String ARRAY = "the state of a numpy array";

  private NumpyGlobals() {}

  /** What {@code name} stands for, or null where it is not on the list. */
  static @Nullable Object find(String name) {
    return switch (name) {
      case "numpy.dtype" -> new Callable(name, NumpyGlobals::type);
      case "numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar" ->
          new Callable(name, NumpyGlobals::scalar);
      case "numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct" ->
          new Callable(name, (arguments, user) -> new NumpyArray());
      case "numpy.ndarray" -> new Callable(name, NumpyGlobals::refuseCall);
      default -> null;
    };
  }

  /** The array that a state {@code (version, shape, dtype, column-major, bytes)} describes. */
  static Tensor array(Object state) {
    if (!(state instanceof Tuple tuple)) {
      throw new WeightsException(ARRAY + " is not a tuple");
    }
    List<Long> shape = tuple.get(1, Tuple.class, ARRAY).counts(ARRAY);
    DataType type = tuple.get(2, NumpyType.class, ARRAY).type();
    if (tuple.get(3, Boolean.class, ARRAY) && shape.size() > 1) {
      throw new WeightsException("a numpy array is in column-major order; save it as a tensor");
    }
    return tensor(type, shape, tuple.get(4, Bytes.class, ARRAY), ARRAY);
  }

  private static Object type(Tuple arguments, String user) {
    String code = arguments.get(0, String.class, user);
    DataType type = TYPES.get(code);
    if (type == null) {
      throw new WeightsException(user + " '" + code + "' is not a type of plain numbers");
    }
    return new NumpyType(type);
  }

  private static Object scalar(Tuple arguments, String user) {
    DataType type = arguments.get(0, NumpyType.class, user).type();
    Tensor tensor = tensor(type, List.of(), arguments.get(1, Bytes.class, user), user);
    return switch (type) {
      case FLOAT, DOUBLE ->
          tensor.data().remaining() == Float.BYTES
              ? (double) tensor.data().getFloat()
              : tensor.data().getDouble();
      case BOOL -> tensor.toLongs()[0] != 0;
      case FLOAT16, UINT64 ->
          throw new WeightsException(user + " of " + type + " has no plain number in Java");
      default -> tensor.toLongs()[0];
    };
  }

  private static Tensor tensor(DataType type, List<Long> shape, Bytes bytes, String user) {
    ByteBuffer data = ByteBuffer.wrap(bytes.toArray()).order(ByteOrder.LITTLE_ENDIAN);
    long needed = Shapes.sizeBytes(type, shape, user);
    if (data.remaining() != needed) {
      throw new WeightsException(
          user + " has " + data.remaining() + " bytes, but its type and shape need " + needed);
    }
    return Shapes.tensor(type, shape, data, user);
  }

  private static Object refuseCall(Tuple arguments, String user) {
    throw new WeightsException(user + " is called directly, which no checkpoint does");
  }
}
