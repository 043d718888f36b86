package dev.octet.workflows.pytorch.fx;

import dev.octet.torch.nn.Module;
import dev.octet.workflows.pytorch.QConfigMapping;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;

/**
 * Exceptions for {@link QuantizeFx#prepareFx}. Names are paths of modules; of imported graphs the
 * paths that their nodes' names begin with. Classes are those of a traced module's modules.
 */
public final class PrepareCustomConfig {

  /**
   * How a standalone module is prepared: as a model of its own.
   *
   * @param qconfigMapping what holds inside; names in it start at the standalone module
   * @param config which of its inputs and outputs are handed over as integers; the values are
   *     counted in the order in which they are first read or made
   * @param backendConfig what can be done inside
   */
  public record Standalone(
      QConfigMapping qconfigMapping, PrepareCustomConfig config, BackendConfig backendConfig) {}

  private final Map<String, Standalone> standaloneNames = new LinkedHashMap<>();
  private final Map<Class<? extends Module>, Standalone> standaloneClasses = new LinkedHashMap<>();
  private final Map<Class<? extends Module>, Function<Module, Module>> observed =
      new LinkedHashMap<>();
  private final Set<String> nonTraceableNames = new LinkedHashSet<>();
  private final Set<Class<? extends Module>> nonTraceableClasses = new LinkedHashSet<>();
  private final Set<Integer> quantizedInputs = new TreeSet<>();
  private final Set<Integer> quantizedOutputs = new TreeSet<>();
  private final Set<String> preserved = new LinkedHashSet<>();

  /** Without exceptions. */
  public PrepareCustomConfig() {}

  /** The module at a path is prepared on its own. */
  public PrepareCustomConfig setStandaloneModuleName(String path, Standalone how) {
    standaloneNames.put(path, how);
    return this;
  }

  /** Modules of a class are prepared each on its own. */
  public PrepareCustomConfig setStandaloneModuleClass(
      Class<? extends Module> type, Standalone how) {
    standaloneClasses.put(type, how);
    return this;
  }

  /**
   * While the model is traced, modules of a class are replaced by others that quantize themselves;
   * what those compute is left as they record it.
   *
   * @param make makes the observed module from the float one, whose parameters it may share; it is
   *     closed after tracing
   */
  public <M extends Module> PrepareCustomConfig setFloatToObservedMapping(
      Class<M> type, Function<M, Module> make) {
    observed.put(type, module -> make.apply(type.cast(module)));
    return this;
  }

  /** Modules that are not looked into: they stay float as a whole. */
  public PrepareCustomConfig setNonTraceableModuleNames(String... paths) {
    nonTraceableNames.addAll(Arrays.asList(paths));
    return this;
  }

  /** The same for all modules of classes. */
  @SafeVarargs
  public final PrepareCustomConfig setNonTraceableModuleClasses(Class<? extends Module>... types) {
    for (Class<? extends Module> type : types) {
      nonTraceableClasses.add(type);
    }
    return this;
  }

  /**
   * Inputs that the converted model takes as integers; {@link ConvertedModule#inputQuantization}
   * tells their scale.
   */
  public PrepareCustomConfig setInputQuantizedIndexes(int... indexes) {
    add(quantizedInputs, indexes);
    return this;
  }

  /** Outputs that the converted model gives as integers. */
  public PrepareCustomConfig setOutputQuantizedIndexes(int... indexes) {
    add(quantizedOutputs, indexes);
    return this;
  }

  private static void add(Set<Integer> to, int[] indexes) {
    for (int index : indexes) {
      if (index < 0) {
        throw new IllegalArgumentException("index " + index + " counts from 0");
      }
      to.add(index);
    }
  }

  /**
   * What of a traced module is to be found on the graph module: paths of parameters and buffers
   * that the graph does not hold, and names of public fields or methods without parameters.
   */
  public PrepareCustomConfig setPreservedAttributes(String... names) {
    preserved.addAll(Arrays.asList(names));
    return this;
  }

  Map<String, Standalone> standaloneNames() {
    return standaloneNames;
  }

  Map<Class<? extends Module>, Standalone> standaloneClasses() {
    return standaloneClasses;
  }

  Map<Class<? extends Module>, Function<Module, Module>> observed() {
    return observed;
  }

  Set<String> nonTraceableNames() {
    return nonTraceableNames;
  }

  Set<Class<? extends Module>> nonTraceableClasses() {
    return nonTraceableClasses;
  }

  /** The inputs that are handed over as integers. */
  public List<Integer> inputQuantizedIndexes() {
    return List.copyOf(quantizedInputs);
  }

  /** The outputs that are handed over as integers. */
  public List<Integer> outputQuantizedIndexes() {
    return List.copyOf(quantizedOutputs);
  }

  /** What of the module is kept. */
  public List<String> preservedAttributes() {
    return List.copyOf(preserved);
  }

  /** Whether anything here needs the modules that a graph was traced from. */
  boolean needsModules() {
    return !(standaloneClasses.isEmpty()
        && observed.isEmpty()
        && nonTraceableClasses.isEmpty()
        && preserved.isEmpty());
  }
}
