package dev.octet.cli;

import dev.octet.workflows.distiller.ClipMode;
import dev.octet.workflows.distiller.Lapq;
import dev.octet.workflows.distiller.PostTrainLinearQuantizer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The search for scales by the model's own loss, by the names of Distiller's sample programs. */
final class LapqOptions {
  /** Where the search starts: at a clip mode, or at each layer's least error. */
  enum Start {
    NONE,
    AVG,
    GAUSS,
    LAPLACE,
    L1,
    L2,
    L3
  }

  @Option(
      names = "--qe-lapq",
      description = "Search the scales of all layers together for the least loss (LAPQ).")
  private boolean on;

  @Option(
      names = "--lapq-maxiter",
      paramLabel = "N",
      description = "Rounds over all scales (default: 2).")
  private int maxIterations = 2;

  @Option(
      names = "--lapq-maxfev",
      paramLabel = "N",
      description = "How often the loss is computed at most (default: 2000).")
  private int maxEvaluations = 2000;

  @Option(
      names = "--lapq-method",
      paramLabel = "METHOD",
      description = "powell, coordinate or nelder-mead (default: powell).")
  private Lapq.Method method = Lapq.Method.POWELL;

  @Option(
      names = "--lapq-basinhopping",
      description = "Search again from near where the search ended.")
  private boolean basinHopping;

  @Option(
      names = "--lapq-basinhopping-niter",
      paramLabel = "N",
      description = "How often (default: 100).")
  private int hops = 100;

  @Option(
      names = "--lapq-basinhopping-seed",
      paramLabel = "SEED",
      description = "What the new beginnings follow from (default: 1).")
  private long seed = 1;

  @Option(
      names = "--lapq-init-mode",
      paramLabel = "START",
      description =
          "Where the search starts: none, avg, gauss or laplace as --qe-clip-acts has them, or l1,"
              + " l2 or l3, each layer's least error in that norm (default: none).")
  private Start start = Start.NONE;

  @Option(
      names = "--lapq-init-method",
      paramLabel = "METHOD",
      description = "As --lapq-method, for l1, l2 and l3 (default: powell).")
  private Lapq.Method initMethod = Lapq.Method.POWELL;

  @Option(
      names = "--lapq-eval-size",
      paramLabel = "SHARE",
      description =
          "The share of the training part that the loss is computed on, up to 1 (default: 0.01).")
  private double evalSize = 0.01;

  @Option(
      names = "--lapq-search-clipping",
      description = "Search both ends of ranges, not scales alone; asymmetric modes need it.")
  private boolean searchClipping;

  /** Whether to search. */
  boolean isOn() {
    return on;
  }

  /** What the search needs of the quantizer. */
  void prepare(PostTrainLinearQuantizer.Builder builder) {
    builder.saveFpWeights(true).alsoClipWeights(true);
    builder.clipActs(
        switch (start) {
          case AVG -> ClipMode.AVG;
          case GAUSS -> ClipMode.GAUSS;
          case LAPLACE -> ClipMode.LAPLACE;
          case NONE, L1, L2, L3 -> ClipMode.NONE;
        });
  }

  /** The search. */
  Lapq.Settings settings() {
    CountOption.check("--lapq-maxiter", maxIterations);
    CountOption.check("--lapq-maxfev", maxEvaluations);
    CountOption.check("--lapq-basinhopping-niter", hops);
    Lapq.@Nullable BasinHopping hopping =
        basinHopping ? new Lapq.BasinHopping(hops, 0.5, 1, seed) : null;
    Lapq.Init init =
        switch (start) {
          case L1 -> Lapq.Init.L1;
          case L2 -> Lapq.Init.L2;
          case L3 -> Lapq.Init.L3;
          case NONE, AVG, GAUSS, LAPLACE -> Lapq.Init.RANGES;
        };
    return new Lapq.Settings(
        init, method, maxIterations, maxEvaluations, searchClipping, initMethod, hopping);
  }

  /** The share of the training samples that the loss is computed on. */
  double share() {
    return DistillerCommand.share("--lapq-eval-size", evalSize);
  }
}
