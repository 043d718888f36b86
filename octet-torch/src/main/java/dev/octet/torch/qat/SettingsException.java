package dev.octet.torch.qat;

/** A setting that makes no sense, or does not suit the recipe, the model or the data. */
public final class SettingsException extends IllegalArgumentException {
  private static final long serialVersionUID = 1;

  SettingsException(String message) {
    super(message);
  }
}
