package dev.octet.workflows.pytorch.quantized;

import dev.octet.torch.Tensors;
import dev.octet.torch.models.ModelWeights;
import dev.octet.torch.nn.Identity;
import dev.octet.torch.nn.Module;
import dev.octet.torch.weights.Safetensors;
import dev.octet.torch.weights.WeightsException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * A converted model as one safetensors file: the state dict, and as metadata what each quantized
 * module is ({@code octet.module:PATH}) and which modules were fused away ({@code octet.identity:
 * PATH}).
 */
final class ConvertedFile {
  private static final String FORMAT = "octet.format";
  private static final String VERSION = "converted-model-1";
  private static final String MODULE = "octet.module:";
  private static final String IDENTITY = "octet.identity:";

  private ConvertedFile() {}

  static void write(Module model, Path file) {
    Map<String, dev.octet.graph.Tensor> tensors = new LinkedHashMap<>();
    model.stateDict().forEach((path, tensor) -> tensors.put(path, Tensors.toHost(tensor)));
    Map<String, String> metadata = new TreeMap<>();
    metadata.put(FORMAT, VERSION);
    Map<String, String> states = model.extraStates();
    model
        .modules()
        .forEach(
            (path, module) -> {
              String state = states.get(path);
              if (module instanceof Quantized && state != null) {
                metadata.put(MODULE + path, state);
              } else if (module instanceof Identity) {
                metadata.put(IDENTITY + path, "");
              }
            });
    Safetensors.write(file, tensors, metadata);
  }

  static void read(Module model, Path file) {
    Safetensors.Content content = Safetensors.read(file);
    if (!VERSION.equals(content.metadata().get(FORMAT))) {
      throw new WeightsException(
          file + " holds tensors but no converted model; write it by QuantizedModules.save");
    }
    Map<String, Description> descriptions = new LinkedHashMap<>();
    List<String> identities = new ArrayList<>();
    try {
      content
          .metadata()
          .forEach(
              (key, text) -> {
                if (key.startsWith(MODULE)) {
                  descriptions.put(key.substring(MODULE.length()), Description.parse(text));
                } else if (key.startsWith(IDENTITY)) {
                  identities.add(key.substring(IDENTITY.length()));
                }
              });
    } catch (IllegalArgumentException e) {
      throw new WeightsException(file + ": " + e.getMessage(), e);
    }
    Map<String, Module> made = new LinkedHashMap<>();
    try {
      descriptions.forEach(
          (path, description) -> {
            if (made.keySet().stream().noneMatch(parent -> path.startsWith(parent + "."))) {
              Module built = build(model, path, descriptions, content);
              made.put(path, built);
            }
          });
      identities.forEach(
          path -> {
            place(model, path);
            made.put(path, new Identity());
          });
      checkRest(model, made, content);
    } catch (RuntimeException e) {
      made.values().forEach(Module::close);
      throw e instanceof IllegalArgumentException
          ? new IllegalArgumentException("'" + file + "': " + e.getMessage(), e)
          : e;
    }
    made.forEach((path, module) -> model.replace(path, module).close());
    ModelWeights.load(model, content.tensors(), true);
    model.eval();
  }

  private static Module build(
      Module model,
      String path,
      Map<String, Description> descriptions,
      Safetensors.Content content) {
    Module place = place(model, path);
    try {
      return QuantizedModules.build(new Parts(path, descriptions, content.tensors()), place);
    } catch (IllegalArgumentException | ArithmeticException e) {
      throw new IllegalArgumentException("module '" + path + "': " + e.getMessage(), e);
    }
  }

  private static Module place(Module model, String path) {
    if (path.isEmpty()) {
      throw new IllegalArgumentException(
          "the saved model is a quantized module itself; put it into a module to save and load it");
    }
    return model.get(path);
  }

  /** Refuses before anything is changed what the rest of the model would not take. */
  private static void checkRest(
      Module model, Map<String, Module> made, Safetensors.Content content) {
    Map<String, long[]> wanted = new LinkedHashMap<>();
    model
        .stateDict()
        .forEach(
            (path, tensor) -> {
              if (made.keySet().stream().noneMatch(parent -> path.startsWith(parent + "."))) {
                wanted.put(path, Tensors.shape(tensor));
              }
            });
    made.forEach(
        (path, module) ->
            module
                .stateDict()
                .forEach((name, tensor) -> wanted.put(path + "." + name, Tensors.shape(tensor))));
    List<String> wrong = new ArrayList<>();
    wanted.forEach(
        (path, shape) -> {
          dev.octet.graph.Tensor found = content.tensors().get(path);
          if (found == null) {
            wrong.add("'" + path + "' is missing");
          } else if (!java.util.Arrays.equals(found.shape(), shape)) {
            wrong.add("'" + path + "' is " + found + ", not " + java.util.Arrays.toString(shape));
          }
        });
    content.tensors().keySet().stream()
        .filter(path -> !wanted.containsKey(path))
        .forEach(path -> wrong.add("'" + path + "' is not in the model"));
    if (!wrong.isEmpty()) {
      throw new IllegalArgumentException(
          "the file is of another model: " + String.join("; ", wrong));
    }
  }
}
