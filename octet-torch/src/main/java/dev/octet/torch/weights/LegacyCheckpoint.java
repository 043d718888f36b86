package dev.octet.torch.weights;

import dev.octet.torch.weights.Archive.Range;
import dev.octet.torch.weights.PickleValue.Storage;
import java.io.IOException;
import java.math.BigInteger;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * The form torch wrote before 1.6, and still writes on request: five pickles one after the other (a
 * number, a version, the system, the content, the storages' keys), then for each key the number of
 * elements and the elements.
 */
final class LegacyCheckpoint {
  private static final BigInteger MAGIC = new BigInteger("1950a86a20f9469cfc6c", 16);
  private static final long VERSION = 1001;

  private final WeightFile file;
  private final MemoryBudget budget;
  private final PickleInput in;
  private final Map<String, Storage> declared = new HashMap<>();

  private LegacyCheckpoint(WeightFile file, MemoryBudget budget) throws IOException {
    this.file = file;
    this.budget = budget;
    this.in = new PickleInput(file.stream(0, file.size()), file.size(), budget);
  }

  static Archive read(WeightFile file, MemoryBudget budget) throws IOException {
    return new LegacyCheckpoint(file, budget).read();
  }

  private Archive read() throws IOException {
    if (!MAGIC.equals(plain())) {
      throw new WeightsException("this is a pickle, but not one that torch.save wrote");
    }
    if (!Objects.equals(plain(), VERSION)) {
      throw new WeightsException("the legacy form has another version than " + VERSION);
    }
    if (!(plain() instanceof Map<?, ?> system)
        || !Objects.equals(system.get("little_endian"), true)) {
      throw new WeightsException("the file was not saved on a little-endian machine");
    }
    Object root = new Unpickler(in, budget, this::declare).load();
    if (!(plain() instanceof List<?> keys)) {
      throw new WeightsException("the keys of the storages are not a list");
    }
    return new Archive(root, locate(keys));
  }

  /** A pickle that refers to no storages. */
  private Object plain() throws IOException {
    return new Unpickler(
            in,
            budget,
            id -> {
              throw new WeightsException("the head of the file refers to a storage");
            })
        .load();
  }

  private Storage declare(PickleValue.Tuple id) {
    Storage storage = Archive.storage(id);
    Storage former = declared.putIfAbsent(storage.key(), storage);
    if (former != null && !former.equals(storage)) {
      throw new WeightsException(
          "storage '" + storage.key() + "' is used with two types or lengths");
    }
    return storage;
  }

  private Map<String, Range> locate(List<?> keys) throws IOException {
    Map<String, Range> ranges = new HashMap<>();
    long position = in.position();
    for (Object key : keys) {
      Storage storage = key instanceof String name ? declared.get(name) : null;
      if (storage == null || ranges.containsKey(storage.key())) {
        throw new WeightsException("the list of storages names an unknown one, or one twice");
      }
      String where = "storage '" + storage.key() + "'";
      long elements = file.read(position, Long.BYTES, where, budget).getLong();
      position += Long.BYTES;
      if (elements != storage.bytes() / (storage.type().bits() / 8)) {
        throw new WeightsException(where + " has " + elements + " elements, not as declared");
      }
      if (storage.bytes() > file.size() - position) {
        throw new WeightsException(where + " reaches beyond the end of the file; it is cut short");
      }
      ranges.put(storage.key(), new Range(position, storage.bytes()));
      position += storage.bytes();
    }
    return ranges;
  }
}
