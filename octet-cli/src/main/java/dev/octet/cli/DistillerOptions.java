package dev.octet.cli;

import dev.octet.torch.nn.Module;
import dev.octet.workflows.distiller.ClipMode;
import dev.octet.workflows.distiller.LinearQuantMode;
import dev.octet.workflows.distiller.Overrides;
import dev.octet.workflows.distiller.PostTrainLinearQuantizer;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How Distiller's quantizer quantizes, by the names of its sample programs. */
final class DistillerOptions {
  /** Distiller's words for its modes. */
  enum Mode {
    SYM(LinearQuantMode.SYMMETRIC),
    SYM_RESTR(LinearQuantMode.SYMMETRIC_RESTRICTED),
    ASYM_S(LinearQuantMode.ASYMMETRIC_SIGNED),
    ASYM_U(LinearQuantMode.ASYMMETRIC_UNSIGNED);

    private final LinearQuantMode mode;

    Mode(LinearQuantMode mode) {
      this.mode = mode;
    }
  }

  @Option(
      names = {"--qe-config-file"},
      paramLabel = "FILE",
      description =
          "Take all settings from this YAML file of Distiller's, which defines a"
              + " PostTrainLinearQuantizer, in the place of the options below.")
  private @Nullable Path config;

  @Option(
      names = {"--qe-mode", "--qem"},
      paramLabel = "MODE",
      description =
          "sym, sym_restr (without the least integer), asym_s or asym_u (signed or unsigned;"
              + " default: sym).")
  private @Nullable Mode mode;

  @Option(
      names = {"--qe-mode-acts", "--qema"},
      paramLabel = "MODE",
      description = "The same for activations alone.")
  private @Nullable Mode modeActs;

  @Option(
      names = {"--qe-mode-wts", "--qemw"},
      paramLabel = "MODE",
      description = "The same for weights alone.")
  private @Nullable Mode modeWts;

  @Option(
      names = {"--qe-bits-acts", "--qeba"},
      paramLabel = "BITS",
      description = "Bits of activations, 2 to 16; 0 leaves them float (default: 8).")
  private @Nullable Integer bitsActs;

  @Option(
      names = {"--qe-bits-wts", "--qebw"},
      paramLabel = "BITS",
      description = "Bits of weights, 2 to 16; 0 leaves them float (default: 8).")
  private @Nullable Integer bitsWts;

  @Option(
      names = "--qe-bits-accum",
      paramLabel = "BITS",
      description = "Bits of accumulators in the simulation, 2 to 32 (default: 32).")
  private @Nullable Integer bitsAccum;

  @Option(
      names = {"--qe-clip-acts", "--qeca"},
      paramLabel = "CLIP",
      description =
          "What of the ranges of activations is kept: none (all), avg, n_std, gauss or laplace"
              + " (default: none).")
  private @Nullable ClipMode clipActs;

  @Option(
      names = "--qe-clip-n-stds",
      paramLabel = "N",
      description = "Standard deviations that n_std keeps to either side.")
  private @Nullable Double clipNStds;

  @Option(
      names = {"--qe-no-clip-layers", "--qencl"},
      paramLabel = "LAYER",
      split = ",",
      description = "Layers, as in Distiller's overrides, whose range is kept whole.")
  private List<String> noClipLayers = List.of();

  @Option(
      names = {"--qe-no-quant-layers", "--qenql"},
      paramLabel = "LAYER",
      split = ",",
      description = "Layers that stay float.")
  private List<String> noQuantLayers = List.of();

  @Option(
      names = {"--qe-per-channel", "--qepc"},
      description = "A scale for each output channel of weights.")
  private boolean perChannel;

  @Option(
      names = {"--qe-scale-approx-bits", "--qesab"},
      paramLabel = "BITS",
      description =
          "Approximate factors between scales by so many bits and a shift in the simulation, 1 to"
              + " 31.")
  private @Nullable Integer scaleApproxBits;

  /** What says the same as a file of settings, and cannot stand beside one. */
  static final List<String> NOT_WITH_CONFIG =
      List.of(
          "--qe-mode",
          "--qe-mode-acts",
          "--qe-mode-wts",
          "--qe-bits-acts",
          "--qe-bits-wts",
          "--qe-bits-accum",
          "--qe-clip-acts",
          "--qe-clip-n-stds",
          "--qe-no-clip-layers",
          "--qe-no-quant-layers",
          "--qe-per-channel",
          "--qe-scale-approx-bits");

  /** Whether a file has the settings. */
  boolean hasConfig() {
    return config != null;
  }

  /** The settings, without statistics unless a file names them. */
  PostTrainLinearQuantizer.Builder builder(Module model) {
    if (config != null) {
      return PostTrainLinearQuantizer.builder(model, config);
    }
    PostTrainLinearQuantizer.Builder builder = PostTrainLinearQuantizer.builder(model);
    LinearQuantMode both = mode == null ? LinearQuantMode.SYMMETRIC : mode.mode;
    builder
        .mode(modeActs == null ? both : modeActs.mode, modeWts == null ? both : modeWts.mode)
        .perChannelWts(perChannel)
        .clipNStds(clipNStds)
        .scaleApproxMultBits(scaleApproxBits)
        .overrides(overrides());
    if (bitsActs != null) {
      builder.bitsActivations(bitsActs == 0 ? null : bitsActs);
    }
    if (bitsWts != null) {
      builder.bitsParameters(bitsWts == 0 ? null : bitsWts);
    }
    if (bitsAccum != null) {
      builder.bitsAccum(bitsAccum);
    }
    if (clipActs != null) {
      builder.clipActs(clipActs);
    }
    return builder;
  }

  private Overrides overrides() {
    Overrides overrides = Overrides.NONE;
    for (String layer : noQuantLayers) {
      overrides = overrides.with(layer, "bits_activations", null, "bits_weights", null);
    }
    for (String layer : noClipLayers) {
      if (!noQuantLayers.contains(layer)) {
        overrides = overrides.with(layer, "clip_acts", "NONE");
      }
    }
    return overrides;
  }
}
