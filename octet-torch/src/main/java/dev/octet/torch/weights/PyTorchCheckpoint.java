package dev.octet.torch.weights;

import dev.octet.graph.Tensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads what {@code torch.save} wrote, {@code .pth} and {@code .pt}, in the zip form (torch 1.6 and
 * later) and the one before it. Such a file holds a pickle, which in Python is a program; here it
 * is data: a fixed list of names stands for tensors and plain values, any other name is refused,
 * and nothing is run.
 *
 * <p>Read are dense tensors of whole, floating, complex and truth values, parameters, dicts, lists,
 * tuples, sets, numbers, text, bytes, and numpy's numbers and arrays. Not read are whole models,
 * quantized and sparse tensors, TorchScript programs, and compressed zip files.
 */
public final class PyTorchCheckpoint {
  /** Where training scripts keep the weights beside other things, in order of preference. */
  private static final List<String> PLACES =
      List.of("state_dict", "model_state_dict", "model", "net");

  /** What DataParallel puts before every name. */
  private static final String WRAPPER = "module.";

  private static final int ZIP = 0x04034b50;
  private static final int PICKLE = 0x80;

  private PyTorchCheckpoint() {}

  @FunctionalInterface
  private interface Use<T> {
    T of(Archive archive, PlainTree tree) throws IOException;
  }

  /**
   * Everything in a file that fits in half of the heap: dicts as {@code Map} (keys are {@code
   * String}, {@code Boolean} or {@code Number}), lists, tuples and sets as {@code List}, numbers as
   * {@code Long}, {@code BigInteger} or {@code Double}, text, element types, devices and names of
   * classes as {@code String}, bytes as {@link dev.octet.graph.Bytes}, {@code None} as null,
   * tensors as {@link Tensor} in row-major order, whatever their strides were. Maps and lists are
   * unmodifiable. Tensors that share elements in the file may share memory.
   *
   * @throws WeightsException if it cannot be read, asks for anything but data, or is too large
   */
  public static @Nullable Object read(Path file) {
    return read(file, Long.MAX_VALUE);
  }

  /**
   * As {@link #read(Path)}, in at most {@code maxBytes} bytes of memory, and never more than half
   * of the heap; what is too large is refused before memory is taken for it.
   */
  public static @Nullable Object read(Path file, long maxBytes) {
    // A list, since the tree itself may be null.
    return open(file, maxBytes, (archive, tree) -> Collections.singletonList(tree.all())).get(0);
  }

  /**
   * The weights in a file that needs at most half of the heap for them: the map of tensors that it
   * holds, or else the first such map under {@code state_dict}, {@code model_state_dict}, {@code
   * model} or {@code net}. Where all names begin with {@code module.} that is taken off. Only these
   * tensors are loaded.
   *
   * @return tensors by name in the order of the file, row-major; unmodifiable
   * @throws WeightsException as {@link #read(Path)}, and if there is no such map
   */
  public static Map<String, Tensor> stateDict(Path file) {
    return stateDict(file, Long.MAX_VALUE);
  }

  /** As {@link #stateDict(Path)}, in at most {@code maxBytes} bytes of memory. */
  public static Map<String, Tensor> stateDict(Path file, long maxBytes) {
    return open(
        file, maxBytes, (archive, tree) -> unwrapped(tree.tensors(findStateDict(archive.root()))));
  }

  private static <T> T open(Path file, long maxBytes, Use<T> use) {
    MemoryBudget budget = new MemoryBudget(maxBytes);
    return WeightFile.naming(
        file,
        () -> {
          try (WeightFile open = new WeightFile(file)) {
            Archive archive = archive(open, budget);
            return use.of(archive, new PlainTree(archive, open, budget));
          }
        });
  }

  private static Archive archive(WeightFile file, MemoryBudget budget) throws IOException {
    ByteBuffer head = file.read(0, Integer.BYTES, "the head of a checkpoint", budget);
    if (head.getInt(0) == ZIP) {
      return ZipCheckpoint.read(file, budget);
    }
    if ((head.get(0) & 0xFF) == PICKLE) {
      return LegacyCheckpoint.read(file, budget);
    }
    throw new WeightsException(
        "this is no checkpoint of torch.save; for safetensors use Safetensors.read");
  }

  private static Map<?, ?> findStateDict(Object root) {
    if (!(root instanceof Map<?, ?> map)) {
      throw new WeightsException("the file holds no dict, so no state dict; read(path) gives it");
    }
    if (isStateDict(map)) {
      return map;
    }
    for (String place : PLACES) {
      if (map.get(place) instanceof Map<?, ?> inner && isStateDict(inner)) {
        return inner;
      }
    }
    throw new WeightsException(
        "the file holds no state dict, neither by itself nor under one of "
            + PLACES
            + "; its keys begin with "
            + map.keySet().stream().limit(20).toList()
            + "; read(path) gives everything");
  }

  private static boolean isStateDict(Map<?, ?> map) {
    return map.keySet().stream().allMatch(String.class::isInstance)
        && map.values().stream().allMatch(PlainTree::isTensor);
  }

  private static Map<String, Tensor> unwrapped(Map<String, Tensor> tensors) {
    if (!tensors.keySet().stream().allMatch(name -> name.startsWith(WRAPPER))) {
      return tensors;
    }
    Map<String, Tensor> result = new LinkedHashMap<>();
    tensors.forEach((name, tensor) -> result.put(name.substring(WRAPPER.length()), tensor));
    return Collections.unmodifiableMap(result);
  }
}
