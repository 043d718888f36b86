package dev.octet.torch.weights;

import dev.octet.torch.weights.Archive.Range;
import dev.octet.torch.weights.PickleValue.Storage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The form torch writes since 1.6: a zip file with {@code data.pkl}, {@code byteorder} and one file
 * below {@code data/} for each storage, all in one folder of any name.
 */
final class ZipCheckpoint {
  private static final String PICKLE = "/data.pkl";
  private static final String LITTLE = "little";

  private ZipCheckpoint() {}

  static Archive read(WeightFile file, MemoryBudget budget) throws IOException {
    Map<String, Range> entries = ZipDirectory.read(file, budget);
    String folder = folder(entries);
    if (entries.containsKey(folder + "/constants.pkl")) {
      throw new WeightsException(
          "this is a TorchScript program, not a checkpoint; read it with dev.octet.torch.script, or"
              + " save its state_dict()");
    }
    checkByteOrder(file, entries.get(folder + "/byteorder"), budget);
    Map<String, Range> storages = new HashMap<>();
    Range pickle = require(entries, folder + PICKLE);
    PickleInput in =
        new PickleInput(file.stream(pickle.offset(), pickle.length()), pickle.length(), budget);
    Object root =
        new Unpickler(
                in,
                budget,
                id -> {
                  Storage storage = Archive.storage(id);
                  Range range = require(entries, folder + "/data/" + storage.key());
                  if (range.length() != storage.bytes()) {
                    throw new WeightsException(
                        "storage '"
                            + storage.key()
                            + "' has "
                            + range.length()
                            + " bytes in the file, but its type and length need "
                            + storage.bytes());
                  }
                  storages.put(storage.key(), range);
                  return storage;
                })
            .load();
    return new Archive(root, storages);
  }

  private static String folder(Map<String, Range> entries) {
    List<String> folders =
        entries.keySet().stream()
            .filter(name -> name.endsWith(PICKLE))
            .map(name -> name.substring(0, name.length() - PICKLE.length()))
            .filter(name -> !name.contains("/"))
            .toList();
    if (folders.size() != 1) {
      throw new WeightsException(
          "the zip file has "
              + folders.size()
              + " entries of the form <folder>/data.pkl; a checkpoint has one");
    }
    return folders.get(0);
  }

  private static Range require(Map<String, Range> entries, String name) {
    Range range = entries.get(name);
    if (range == null) {
      throw new WeightsException("the zip file lacks '" + name + "'; it is damaged");
    }
    return range;
  }

  private static void checkByteOrder(WeightFile file, @Nullable Range range, MemoryBudget budget)
      throws IOException {
    if (range == null) {
      return; // before torch 2.1 there is none, and big-endian machines were not served
    }
    byte[] name = file.read(range.offset(), range.length(), "byteorder", budget).array();
    if (!new String(name, StandardCharsets.US_ASCII).equals(LITTLE)) {
      throw new WeightsException(
          "the byte order is not 'little'; load it on the machine that made it and save it from a"
              + " little-endian one");
    }
  }
}
