package dev.octet.torch.models;

import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.nn.Module;
import dev.octet.torch.weights.PyTorchCheckpoint;
import dev.octet.torch.weights.Safetensors;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/**
 * Weights from files into a module, and out again.
 *
 * <pre>{@code
 * Module net = ResNet.resnet18(1000);
 * ModelWeights.load(net, Path.of("resnet18.pth"), true);
 * ModelWeights.save(net, Path.of("resnet18.safetensors"));
 * }</pre>
 */
public final class ModelWeights {
  /** Before the path of the module, in the metadata of a safetensors file. */
  private static final String EXTRA_STATE = "extra_state:";

  /** Checkpoints from before PyTorch 0.4.1 have no such counters. */
  private static final String COUNTER = "num_batches_tracked";

  private ModelWeights() {}

  /**
   * Copies weights into a module, or changes nothing.
   *
   * @param weights by path in the module; the type of a value is converted, its shape must fit.
   *     BatchNorm's counters ({@code num_batches_tracked}) may be absent
   * @param strict whether a name that is missing or left over is an error
   * @return the names that were missing or left over
   * @throws IllegalArgumentException naming every shape that differs and, if strict, every name
   */
  public static Module.Mismatch load(
      Module module, Map<String, dev.octet.graph.Tensor> weights, boolean strict) {
    try (Scope scope = Scope.open()) {
      Map<String, Tensor> state = new LinkedHashMap<>();
      weights.forEach((name, value) -> state.put(name, tensor(name, value)));
      module
          .stateDict()
          .forEach(
              (name, own) -> {
                if (name.equals(COUNTER) || name.endsWith("." + COUNTER)) {
                  state.putIfAbsent(name, own);
                }
              });
      return module.loadStateDict(state, strict);
    }
  }

  /**
   * Copies weights from a file into a module: {@code .safetensors}, or else what {@code torch.save}
   * wrote. What {@link #save} kept of quantizers comes back too, before the weights.
   *
   * @throws dev.octet.torch.weights.WeightsException if the file cannot be read
   * @throws IllegalArgumentException as the other {@code load}, with the file's name
   */
  public static Module.Mismatch load(Module module, Path file, boolean strict) {
    try {
      if (!isSafetensors(file)) {
        return load(module, PyTorchCheckpoint.stateDict(file), strict);
      }
      Safetensors.Content content = Safetensors.read(file);
      Map<String, String> extra = new LinkedHashMap<>();
      content
          .metadata()
          .forEach(
              (key, text) -> {
                if (key.startsWith(EXTRA_STATE)) {
                  extra.put(key.substring(EXTRA_STATE.length()), text);
                }
              });
      module.loadExtraStates(extra);
      return load(module, content.tensors(), strict);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("'" + file + "': " + e.getMessage(), e);
    }
  }

  /**
   * Writes the state of a module, whole or not at all: tensors by path, and the settings of
   * quantizers as metadata.
   *
   * @param file named {@code .safetensors}
   * @throws IllegalArgumentException if the name ends in anything else
   * @throws dev.octet.torch.weights.WeightsException if it cannot be written
   */
  public static void save(Module module, Path file) {
    if (!isSafetensors(file)) {
      throw new IllegalArgumentException(
          "'" + file + "' does not end in .safetensors, the format that is written; rename it");
    }
    Map<String, dev.octet.graph.Tensor> tensors = new LinkedHashMap<>();
    module.stateDict().forEach((name, tensor) -> tensors.put(name, Tensors.toHost(tensor)));
    Map<String, String> metadata = new LinkedHashMap<>();
    metadata.put("format", "pt"); // What readers in Python ask for.
    module.extraStates().forEach((path, text) -> metadata.put(EXTRA_STATE + path, text));
    Safetensors.write(file, tensors, metadata);
  }

  private static boolean isSafetensors(Path file) {
    return file.toString().toLowerCase(Locale.ROOT).endsWith(".safetensors");
  }

  private static Tensor tensor(String name, dev.octet.graph.Tensor value) {
    try {
      return Tensors.of(value);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("weight '" + name + "': " + e.getMessage(), e);
    }
  }
}
