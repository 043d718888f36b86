package dev.octet.torch.weights;

import dev.octet.graph.Bytes;
import dev.octet.graph.DataType;
import dev.octet.graph.Tensor;
import java.util.List;
import java.util.Optional;

/**
 * What a pickle builds beside Java's own {@code Long}, {@code BigInteger}, {@code Double}, {@code
 * Boolean}, {@code String}, {@link Bytes}, {@code ArrayList} (a list) and {@code LinkedHashMap} (a
 * dict).
 */
sealed interface PickleValue {
  /** Python's None; the machine itself knows no null. */
  enum None implements PickleValue {
    NONE
  }

  /** A tuple. */
  record Tuple(List<Object> items) implements PickleValue {
    static final Tuple EMPTY = new Tuple(List.of());

    int size() {
      return items.size();
    }

    /** The item at {@code index}, or a refusal that names {@code user}. */
    <T> T get(int index, Class<T> type, String user) {
      if (index >= items.size()) {
        throw new WeightsException(user + " is given " + items.size() + " values; it needs more");
      }
      Object item = items.get(index);
      if (!type.isInstance(item)) {
        throw new WeightsException(
            user
                + " is given a "
                + item.getClass().getSimpleName()
                + " as value "
                + index
                + "; it takes a "
                + type.getSimpleName());
      }
      return type.cast(item);
    }

    /** Whole numbers that are not negative: a shape or strides. */
    List<Long> counts(String user) {
      if (items.size() > WeightFile.MAX_RANK) {
        throw new WeightsException(
            user
                + " is given "
                + items.size()
                + " dimensions; "
                + WeightFile.MAX_RANK
                + " are most");
      }
      for (int i = 0; i < items.size(); i++) {
        long count = get(i, Long.class, user);
        if (count < 0) {
          throw new WeightsException(user + " is given " + count + ", which is negative");
        }
      }
      return items.stream().map(Long.class::cast).toList();
    }
  }

  /** A class or function of the allow-list that can be called. */
  record Callable(String name, Body body) implements PickleValue {
    /** What a call gives. */
    @FunctionalInterface
    interface Body {
      Object call(Tuple arguments, String name);
    }

    Object call(Tuple arguments) {
      return body.call(arguments, name);
    }
  }

  /** The class of a storage, or an element type as a value. */
  record ElementType(String name, DataType type) implements PickleValue {}

  /** Elements that lie elsewhere in the file under {@code key}. */
  record Storage(String key, DataType type, long bytes) implements PickleValue {}

  /** A tensor as a view of a storage; offset and strides count elements of {@code type}. */
  record View(Storage storage, DataType type, long offset, List<Long> shape, List<Long> strides)
      implements PickleValue {}

  /** Something that a BUILD completes or adds attributes to. */
  sealed interface Buildable extends PickleValue {
    void build(Object state);
  }

  /** A parameter of old versions of torch, which get their tensor after they are made. */
  final class Parameter implements Buildable {
    private Optional<View> tensor = Optional.empty();

    @Override
    public void build(Object state) {
      if (!(state instanceof Tuple tuple)) {
        throw new WeightsException("the state of a Parameter is not a tuple");
      }
      tensor = Optional.of(tuple.get(0, View.class, "the state of a Parameter"));
    }

    View tensor() {
      return tensor.orElseThrow(() -> new WeightsException("a Parameter was never given a tensor"));
    }
  }

  /** A numpy element type; the byte order comes with its state. */
  final class NumpyType implements Buildable {
    private final DataType type;

    NumpyType(DataType type) {
      this.type = type;
    }

    DataType type() {
      return type;
    }

    @Override
    public void build(Object state) {
      if (state instanceof Tuple tuple
          && tuple.get(1, String.class, "the state of a numpy.dtype").equals(">")) {
        throw new WeightsException("numpy data is big-endian; save it as a tensor");
      }
    }
  }

  /** A numpy array, complete once its state is set. */
  final class NumpyArray implements Buildable {
    private Optional<Tensor> tensor = Optional.empty();

    @Override
    public void build(Object state) {
      tensor = Optional.of(NumpyGlobals.array(state));
    }

    Tensor tensor() {
      return tensor.orElseThrow(() -> new WeightsException("a numpy array was never given data"));
    }
  }
}
