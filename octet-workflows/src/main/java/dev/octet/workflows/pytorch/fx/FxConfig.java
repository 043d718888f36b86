package dev.octet.workflows.pytorch.fx;

import dev.octet.workflows.pytorch.Backend;
import dev.octet.workflows.pytorch.QConfigMapping;

/**
 * What {@link QuantizeFx#prepareFx} is told.
 *
 * @param qconfigMapping which qconfig holds where
 * @param custom exceptions
 * @param equalization which layers are equalized
 * @param backend what can be computed on integers
 */
public record FxConfig(
    QConfigMapping qconfigMapping,
    PrepareCustomConfig custom,
    EqualizationMapping equalization,
    BackendConfig backend) {

  /** Without exceptions and equalization, for PyTorch's {@code native} backend, its default. */
  public static FxConfig of(QConfigMapping mapping) {
    return new FxConfig(
        mapping,
        new PrepareCustomConfig(),
        new EqualizationMapping(),
        BackendConfig.forBackend("native"));
  }

  /** The default qconfigs of a backend, for what it can compute. */
  public static FxConfig of(Backend backend) {
    return of(backend.qconfigMapping()).backend(BackendConfig.forBackend(backend.toString()));
  }

  /** The default qconfigs of a backend for training. */
  public static FxConfig qat(Backend backend) {
    return of(backend.qatQConfigMapping()).backend(BackendConfig.forBackend(backend.toString()));
  }

  /** The same with exceptions. */
  public FxConfig custom(PrepareCustomConfig exceptions) {
    return new FxConfig(qconfigMapping, exceptions, equalization, backend);
  }

  /** The same with layers to equalize. */
  public FxConfig equalization(EqualizationMapping layers) {
    return new FxConfig(qconfigMapping, custom, layers, backend);
  }

  /** The same for another backend. */
  public FxConfig backend(BackendConfig other) {
    return new FxConfig(qconfigMapping, custom, equalization, other);
  }
}
