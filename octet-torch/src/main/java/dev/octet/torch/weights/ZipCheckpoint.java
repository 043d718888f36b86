package dev.octet.torch.weights;

import dev.octet.torch.weights.Archive.Range;
import dev.octet.torch.weights.PickleValue.Storage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The form torch writes since 1.6: a zip file with {@code data.pkl}, {@code byteorder} and one file
 * below {@code data/} for each storage, all in one folder of any name.
 */
final class ZipCheckpoint {
  private static final String PICKLE = "/data.pkl";
  private static final String BYTE_ORDER = "/byteorder";
  private static final String LITTLE = "little";

  private ZipCheckpoint() {}

  static Archive read(WeightFile file, MemoryBudget budget) throws IOException {
    ZipDirectory zip = ZipDirectory.read(file, budget);
    String folder = folder(zip.names());
    if (zip.names().contains(folder + "/constants.pkl")) {
      throw new WeightsException(
          "this is a TorchScript program, not a checkpoint; read it with dev.octet.torch.script, or"
              + " save its state_dict()");
    }
    if (zip.names().contains(folder + BYTE_ORDER)) { // there is none before torch 2.1
      checkByteOrder(file, zip.require(folder + BYTE_ORDER), budget);
    }
    Map<String, Range> storages = new HashMap<>();
    Range pickle = zip.require(folder + PICKLE);
    PickleInput in =
        new PickleInput(file.stream(pickle.offset(), pickle.length()), pickle.length(), budget);
    Object root =
        new Unpickler(
                in,
                budget,
                id -> {
                  Storage storage = Archive.storage(id);
                  Range range = zip.require(folder + "/data/" + storage.key());
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

  private static String folder(Set<String> names) {
    List<String> folders =
        names.stream()
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

  private static void checkByteOrder(WeightFile file, Range range, MemoryBudget budget)
      throws IOException {
    byte[] name = file.read(range.offset(), range.length(), "byteorder", budget).array();
    if (!new String(name, StandardCharsets.US_ASCII).equals(LITTLE)) {
      throw new WeightsException(
          "the byte order is not 'little'; load it on the machine that made it and save it from a"
              + " little-endian one");
    }
  }
}
