package dev.octet.torch.train;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.octet.graph.DataType;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Module;
import dev.octet.torch.weights.Safetensors;
import dev.octet.torch.weights.WeightsException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Collections;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.bytedeco.pytorch.Tensor;

/**
 * Everything that a run needs to go on as if it had never stopped: weights, buffers, quantizer
 * settings, the optimizer's state, random numbers and results so far. One safetensors file, so the
 * weights can be read by others too (their names start with {@code model.}).
 */
public final class Checkpoint {
  private static final String FORMAT = "octet-checkpoint-1";
  private static final String MODEL = "model.";
  private static final String CALLBACKS = "callbacks.";
  private static final String OPTIMIZER = "optimizer";
  private static final String RANDOM = "random";
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Map<String, dev.octet.graph.Tensor> model;
  private final Map<String, String> extra;
  private final byte[] optimizer;
  private final byte[] random;
  private final List<EpochResult> results;
  private final Map<String, String> run;
  private final Map<String, dev.octet.graph.Tensor> callbacks;

  private Checkpoint(
      Map<String, dev.octet.graph.Tensor> model,
      Map<String, String> extra,
      byte[] optimizer,
      byte[] random,
      List<EpochResult> results,
      Map<String, String> run,
      Map<String, dev.octet.graph.Tensor> callbacks) {
    this.model = model;
    this.extra = extra;
    this.optimizer = optimizer;
    this.random = random;
    this.results = List.copyOf(results);
    this.run = new TreeMap<>(run);
    this.callbacks = new TreeMap<>(callbacks);
  }

  /** The state as it is now. */
  public static Checkpoint of(Module model, Optimizer optimizer, List<EpochResult> results) {
    return of(model, optimizer, results, Map.of(), Map.of());
  }

  /**
   * The same.
   *
   * @param run what else decides how the run goes on, by name
   * @param callbacks what those keep that take part in the run
   */
  public static Checkpoint of(
      Module model,
      Optimizer optimizer,
      List<EpochResult> results,
      Map<String, String> run,
      Map<String, dev.octet.graph.Tensor> callbacks) {
    Map<String, dev.octet.graph.Tensor> tensors = new LinkedHashMap<>();
    model.stateDict().forEach((name, tensor) -> tensors.put(name, Tensors.toHost(tensor)));
    return new Checkpoint(
        tensors,
        model.extraStates(),
        optimizer.state(),
        Torch.randomState(),
        results,
        run,
        callbacks);
  }

  /**
   * Reads a checkpoint.
   *
   * @throws TrainingException if the file is no checkpoint, or damaged
   */
  public static Checkpoint read(Path file) {
    try {
      Safetensors.Content content = Safetensors.read(file);
      if (!FORMAT.equals(content.metadata().get("format"))) {
        throw new TrainingException(file + " holds tensors but is no checkpoint of a run");
      }
      final Map<String, dev.octet.graph.Tensor> model = named(content, MODEL);
      byte[] optimizer = raw(content, OPTIMIZER);
      if (!digest(optimizer).equals(content.metadata().get("optimizer-sha256"))) {
        throw new TrainingException(file + " is damaged: the optimizer's state has changed");
      }
      return new Checkpoint(
          model,
          JSON.readValue(content.metadata().getOrDefault("extra", "{}"), new TypeReference<>() {}),
          optimizer,
          raw(content, RANDOM),
          JSON.readValue(
              content.metadata().getOrDefault("results", "[]"), new TypeReference<>() {}),
          JSON.readValue(content.metadata().getOrDefault("run", "{}"), new TypeReference<>() {}),
          named(content, CALLBACKS));
    } catch (WeightsException | JsonProcessingException e) {
      throw new TrainingException(file + " is no readable checkpoint: " + e.getMessage(), e);
    }
  }

  private static Map<String, dev.octet.graph.Tensor> named(
      Safetensors.Content content, String prefix) {
    Map<String, dev.octet.graph.Tensor> found = new LinkedHashMap<>();
    content
        .tensors()
        .forEach(
            (name, tensor) -> {
              if (name.startsWith(prefix)) {
                found.put(name.substring(prefix.length()), tensor);
              }
            });
    return found;
  }

  /** Writes it, or leaves what is there as it is. */
  public void write(Path file) {
    Map<String, dev.octet.graph.Tensor> tensors = new LinkedHashMap<>();
    model.forEach((name, tensor) -> tensors.put(MODEL + name, tensor));
    callbacks.forEach((name, tensor) -> tensors.put(CALLBACKS + name, tensor));
    tensors.put(OPTIMIZER, raw(optimizer));
    tensors.put(RANDOM, raw(random));
    try {
      Safetensors.write(
          file,
          tensors,
          Map.of(
              "format", FORMAT,
              "extra", JSON.writeValueAsString(extra),
              "results", JSON.writeValueAsString(results),
              "run", JSON.writeValueAsString(run),
              "optimizer-sha256", digest(optimizer)));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("results that JSON cannot hold", e);
    }
  }

  /** The results of the epochs so far. */
  public List<EpochResult> results() {
    return results;
  }

  /** What else decided how the run went, by name. */
  public Map<String, String> run() {
    return Collections.unmodifiableMap(run);
  }

  /** What those kept that took part in the run. */
  public Map<String, dev.octet.graph.Tensor> callbacks() {
    return Collections.unmodifiableMap(callbacks);
  }

  /**
   * Puts model, optimizer and random numbers back.
   *
   * @throws TrainingException if model or optimizer are not those of the run
   */
  public void restore(Module into, Optimizer trainedBy) {
    try (Scope scope = Scope.open()) {
      into.loadExtraStates(extra);
      Map<String, Tensor> state = new LinkedHashMap<>();
      model.forEach((name, tensor) -> state.put(name, Tensors.of(tensor)));
      into.loadStateDict(state, true);
      trainedBy.load(optimizer);
      Torch.setRandomState(random);
    } catch (IllegalArgumentException e) {
      throw new TrainingException("the checkpoint is of another model: " + e.getMessage(), e);
    }
  }

  private static dev.octet.graph.Tensor raw(byte[] bytes) {
    return dev.octet.graph.Tensor.ofRaw(DataType.UINT8, bytes, bytes.length);
  }

  private static byte[] raw(Safetensors.Content content, String name) {
    dev.octet.graph.Tensor tensor = content.tensors().get(name);
    if (tensor == null || tensor.type() != DataType.UINT8) {
      throw new TrainingException("the checkpoint has no '" + name + "'");
    }
    byte[] bytes = new byte[Math.toIntExact(tensor.sizeBytes())];
    tensor.data().get(bytes);
    return bytes;
  }

  private static String digest(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }
}
