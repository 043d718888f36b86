package dev.octet.workflows.pytorch.fx;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a backend can compute on integers: patterns of operators, and the types of each. Immutable.
 * What is in no pattern stays float.
 *
 * <p>A BatchNormalization after a layer is folded into it whatever the patterns say.
 */
public final class BackendConfig {
  private final String name;
  private final boolean quantizedOutputs;
  private final Map<Object, BackendPatternConfig> configs;

  private BackendConfig(
      String name, boolean quantizedOutputs, Map<Object, BackendPatternConfig> configs) {
    this.name = name;
    this.quantizedOutputs = quantizedOutputs;
    this.configs = configs;
  }

  /** A backend that can do nothing yet. */
  public static BackendConfig of(String name) {
    return new BackendConfig(name, true, Map.of());
  }

  /**
   * A ready-made one.
   *
   * @param backend {@code native}, {@code fbgemm}, {@code x86}, {@code qnnpack}, {@code onednn},
   *     {@code tensorrt}, {@code executorch} or {@code octet}
   * @throws IllegalArgumentException for another name
   */
  public static BackendConfig forBackend(String backend) {
    return ReadyMadeBackends.of(backend);
  }

  /** The same with more patterns; one that is there already is replaced. */
  public BackendConfig backendPatternConfigs(Collection<BackendPatternConfig> more) {
    Map<Object, BackendPatternConfig> all = new LinkedHashMap<>(configs);
    more.forEach(config -> all.put(key(config), config));
    return new BackendConfig(name, quantizedOutputs, all);
  }

  /** A chain and a tree of the same operators are two patterns. */
  private static Object key(BackendPatternConfig config) {
    OperatorTree tree = config.tree();
    return tree != null ? tree : config.pattern();
  }

  /** The same with one pattern more; one that is there already is replaced. */
  public BackendConfig backendPatternConfig(BackendPatternConfig config) {
    return backendPatternConfigs(List.of(config));
  }

  /**
   * The same, rounding or not rounding what the model returns. PyTorch's backends do round it;
   * {@code octet} hands over the float that its kernels can give as well.
   */
  public BackendConfig quantizedOutputs(boolean on) {
    return new BackendConfig(name, on, configs);
  }

  /** The name. */
  public String name() {
    return name;
  }

  /** Whether what the model returns is rounded. */
  public boolean quantizedOutputs() {
    return quantizedOutputs;
  }

  /** All patterns. */
  public List<BackendPatternConfig> configs() {
    return List.copyOf(configs.values());
  }

  /** What can be done with a chain of operators; null for nothing. */
  public @Nullable BackendPatternConfig config(String... pattern) {
    return configs.get(key(BackendPatternConfig.of(pattern)));
  }

  @Override
  public String toString() {
    return "BackendConfig(" + name + ", " + configs.size() + " patterns)";
  }
}
