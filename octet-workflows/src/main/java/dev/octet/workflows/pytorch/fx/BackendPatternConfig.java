package dev.octet.workflows.pytorch.fx;

import dev.octet.torch.nn.Module;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a backend can do with one operator, or with a chain of operators at once. Immutable.
 *
 * <pre>{@code
 * BackendPatternConfig.of("Conv2d", "ReLU")
 *     .dtypeConfigs(DTypeConfig.of(QuantDtype.QUINT8, QuantDtype.QINT8))
 *     .fusedModule("ConvReLU2d");
 * }</pre>
 *
 * <p>Operators go by PyTorch's names of modules ({@code Conv2d}, {@code BatchNorm2d}) and, where
 * there is no module, of functions ({@code add}, {@code cat}, {@code matmul}); functions that do
 * what a module does go by the module's name, and both spellings are understood ({@code linear} is
 * {@code Linear}). Of a chain each operator but the first reads what the one before made, which
 * nobody else reads.
 *
 * <p>PyTorch's classes of modules to put in the place of others (root, QAT, reference modules and
 * fuser methods) have no place here: the graph's nodes stay, and quantizers stand between them.
 */
public final class BackendPatternConfig {
  private final List<String> pattern;
  private final @Nullable OperatorTree tree;
  private final ObservationType observationType;
  private final ObservationType withOneTensor;
  private final List<DTypeConfig> dtypeConfigs;
  private final @Nullable String fusedModule;

  private BackendPatternConfig(
      List<String> pattern,
      @Nullable OperatorTree tree,
      ObservationType observationType,
      ObservationType withOneTensor,
      List<DTypeConfig> dtypeConfigs,
      @Nullable String fusedModule) {
    this.pattern = List.copyOf(pattern);
    this.tree = tree;
    this.observationType = observationType;
    this.withOneTensor = withOneTensor;
    this.dtypeConfigs = List.copyOf(dtypeConfigs);
    this.fusedModule = fusedModule;
  }

  /**
   * An operator or a chain of them, first to last, observed at inputs and output, in no types yet.
   *
   * @throws IllegalArgumentException without an operator, or for an empty name
   */
  public static BackendPatternConfig of(String... pattern) {
    if (pattern.length == 0 || Arrays.stream(pattern).anyMatch(String::isBlank)) {
      throw new IllegalArgumentException(
          "a pattern needs the names of its operators, not " + Arrays.toString(pattern));
    }
    return unobserved(Arrays.stream(pattern).map(OperatorKinds::canonical).toList(), null);
  }

  private static BackendPatternConfig unobserved(
      List<String> pattern, @Nullable OperatorTree tree) {
    return new BackendPatternConfig(
        pattern,
        tree,
        ObservationType.OUTPUT_USE_DIFFERENT_OBSERVER_AS_INPUT,
        ObservationType.OUTPUT_USE_DIFFERENT_OBSERVER_AS_INPUT,
        List.of(),
        null);
  }

  /**
   * Operators of which one reads several of the others, PyTorch's {@code
   * _set_pattern_complex_format}. Weights are quantized in all of them; the first leaf decides
   * where a qconfig is looked up.
   *
   * @throws IllegalArgumentException if the tree is {@link OperatorTree#ANY}
   */
  public static BackendPatternConfig of(OperatorTree tree) {
    if (tree.isAny()) {
      throw new IllegalArgumentException("a pattern of any operator says nothing; name one");
    }
    return unobserved(tree.operators(), tree);
  }

  /** The same for layers of these classes. */
  @SafeVarargs
  public static BackendPatternConfig of(Class<? extends Module>... pattern) {
    String[] names = new String[pattern.length];
    for (int i = 0; i < names.length; i++) {
      names[i] = pattern[i].getSimpleName();
    }
    return of(names);
  }

  /** The same, observed so. */
  public BackendPatternConfig observationType(ObservationType type) {
    return new BackendPatternConfig(pattern, tree, type, type, dtypeConfigs, fusedModule);
  }

  /** The same, observed so where only one operand is a tensor and the other a lone number. */
  public BackendPatternConfig observationTypeOfOneTensor(ObservationType type) {
    return new BackendPatternConfig(
        pattern, tree, observationType, type, dtypeConfigs, fusedModule);
  }

  /** The same in these combinations of types; the first that a qconfig fits is used. */
  public BackendPatternConfig dtypeConfigs(List<DTypeConfig> configs) {
    return new BackendPatternConfig(
        pattern, tree, observationType, withOneTensor, configs, fusedModule);
  }

  /** The same in these combinations of types. */
  public BackendPatternConfig dtypeConfigs(DTypeConfig... configs) {
    return dtypeConfigs(List.of(configs));
  }

  /** The same in one combination of types more. */
  public BackendPatternConfig addDTypeConfig(DTypeConfig config) {
    List<DTypeConfig> more = new ArrayList<>(dtypeConfigs);
    more.add(config);
    return dtypeConfigs(more);
  }

  /** The same under a name for the whole chain, for reports. */
  public BackendPatternConfig fusedModule(String name) {
    return new BackendPatternConfig(
        pattern, tree, observationType, withOneTensor, dtypeConfigs, name);
  }

  /** The operators, first to last. */
  public List<String> pattern() {
    return pattern;
  }

  /** How the operators hang together where they are no chain, or null. */
  public @Nullable OperatorTree tree() {
    return tree;
  }

  /** What is observed. */
  public ObservationType observationType() {
    return observationType;
  }

  /** What is observed where only one operand is a tensor. */
  public ObservationType observationTypeOfOneTensor() {
    return withOneTensor;
  }

  /** The combinations of types. */
  public List<DTypeConfig> dtypeConfigs() {
    return dtypeConfigs;
  }

  /** What the whole is called. */
  public String name() {
    if (fusedModule != null) {
      return fusedModule;
    }
    return tree != null ? tree.toString() : String.join(" + ", pattern);
  }

  @Override
  public String toString() {
    return name() + " in " + dtypeConfigs;
  }
}
