package dev.octet.workflows.distiller;

import dev.octet.torch.Scope;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Module;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.ToDoubleFunction;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Loss aware post-training quantization (Nahshan et al. 2019, arXiv 1911.07190): a search for the
 * scales, or ranges, of all layers together that make a model's own loss least, from a start that
 * makes each layer's error small by itself. Distiller calls it {@code ptq_coordinate_search}.
 *
 * <pre>{@code
 * quantizer.prepareModel(example);                  // with statistics, and saveFpWeights(true)
 * model.eval();
 * Lapq.Result found =
 *     Lapq.search(quantizer, Lapq.Settings.DEFAULT, inputs, net -> loss(net, calibration));
 * }</pre>
 *
 * <p>The model is left with the best point that was seen. Choose the samples from the training set:
 * what was searched on is no test any more.
 */
public final class Lapq {
  /** Where the search starts. */
  public enum Init {
    /** The ranges that the quantizer found, by its clip modes. */
    RANGES(0),
    /** Each layer's least mean absolute error of its output. */
    L1(1),
    /** Each layer's least mean squared error of its output. */
    L2(2),
    /** Each layer's least mean cubed absolute error of its output. */
    L3(3);

    private final int power;

    Init(int power) {
      this.power = power;
    }
  }

  /** How directions are chosen. */
  public enum Method {
    /** Powell's: coordinates first, then the way that a whole round took. */
    POWELL,
    /** One coordinate after the other. */
    COORDINATE,
    /** A simplex (Nelder and Mead); each round begins one around the best point. For few scales. */
    NELDER_MEAD;

    void minimize(Objective objective, double[] start, int rounds) {
      if (this == NELDER_MEAD) {
        new NelderMead(objective, STEP, TOLERANCE).minimize(start, rounds);
      } else {
        new Powell(objective, STEP, TOLERANCE).minimize(start, rounds, this == POWELL);
      }
    }
  }

  /**
   * Searches again from near where a search ended (Wales and Doye 1997, "Global optimization by
   * basin-hopping"): for losses with several minima.
   *
   * @param hops how often, at least 1
   * @param step the farthest that a hop leads along each scale, in powers of 2, above 0; SciPy's
   *     0.5
   * @param temperature how much worse a hop's loss may be to go on from there, with a chance of 1
   *     in e; at least 0; SciPy's is 1
   * @param seed what the hops follow from
   */
  public record BasinHopping(int hops, double step, double temperature, long seed) {
    /** Checks the numbers. */
    public BasinHopping {
      if (hops < 1 || !(step > 0) || !(temperature >= 0)) {
        throw new IllegalArgumentException(
            "%d hops of %s at temperature %s; give at least 1, more than 0, and at least 0"
                .formatted(hops, step, temperature));
      }
    }
  }

  /**
   * Settings of a search.
   *
   * @param init where it starts; of the L norms 3 is the paper's for few bits
   * @param method how directions are chosen
   * @param maxIterations rounds over all scales, at least 1; with hops, of each search
   * @param maxEvaluations of the loss, at least 1; with hops, of all searches together
   * @param searchClipping whether both ends of ranges are searched, not scales alone; asymmetric
   *     modes need it
   * @param initMethod how directions are chosen when layers are searched by themselves
   * @param hopping whether and how to search again from near the end; null for one search
   */
  public record Settings(
      Init init,
      Method method,
      int maxIterations,
      int maxEvaluations,
      boolean searchClipping,
      Method initMethod,
      @Nullable BasinHopping hopping) {
    /** From the least cubed error, by Powell's method, two rounds and 2000 evaluations. */
    public static final Settings DEFAULT = new Settings(Init.L3, Method.POWELL, 2, 2000, false);

    /** One search; layers by themselves by Powell's method. */
    public Settings(
        Init init, Method method, int maxIterations, int maxEvaluations, boolean searchClipping) {
      this(init, method, maxIterations, maxEvaluations, searchClipping, Method.POWELL, null);
    }

    /** Checks the numbers. */
    public Settings {
      if (maxIterations < 1 || maxEvaluations < 1) {
        throw new IllegalArgumentException(
            maxIterations + " iterations and " + maxEvaluations + " evaluations; give at least 1");
      }
    }
  }

  /**
   * What a search found.
   *
   * @param startLoss with the ranges that the quantizer had found
   * @param initLoss after the layers' own search
   * @param bestLoss with what the model has now
   * @param evaluations how often the loss was computed
   */
  public record Result(double startLoss, double initLoss, double bestLoss, int evaluations) {}

  /** First step of a line search, in powers of 2 of a scale. */
  private static final double STEP = 0.25;

  private static final double TOLERANCE = 0.02;
  private static final int EVALUATIONS_OF_A_LAYER = 80;

  private final PostTrainLinearQuantizer quantizer;
  private final Settings settings;

  private Lapq(PostTrainLinearQuantizer quantizer, Settings settings) {
    this.quantizer = quantizer;
    this.settings = settings;
  }

  /**
   * Searches, and leaves the model with the best point.
   *
   * @param quantizer has prepared its model, with statistics and float weights kept; the model is
   *     in eval
   * @param inputs of one call of the model, for the layers' own search
   * @param loss of the model: less is better. Called within no scope and without gradients
   * @throws IllegalStateException if the quantizer is not such a one
   * @throws IllegalArgumentException if scales alone are searched where a zero point would have to
   *     follow
   */
  public static Result search(
      PostTrainLinearQuantizer quantizer,
      Settings settings,
      Tensor[] inputs,
      ToDoubleFunction<Module> loss) {
    return new Lapq(quantizer, settings).run(inputs, loss);
  }

  private Result run(Tensor[] inputs, ToDoubleFunction<Module> loss) {
    check();
    Module model = quantizer.model();
    try (Torch.Switched noGrad = Torch.noGrad()) {
      Map<String, float[]> start = quantizer.namedLinearQuantParams();
      double startLoss = loss.applyAsDouble(model);
      double initLoss = startLoss;
      int evaluations = 1;
      if (settings.init() != Init.RANGES) {
        initialise(inputs);
        initLoss = loss.applyAsDouble(model);
        evaluations++;
      }
      ScaleSpace space = ScaleSpace.of(quantizer.wrappers().byPath(), settings.searchClipping());
      Found found =
          hop(
              values -> {
                space.set(values);
                return loss.applyAsDouble(model);
              },
              new double[space.size()]);
      evaluations += found.evaluations();
      double bestLoss = found.best().bestValue();
      if (bestLoss <= startLoss) {
        space.set(found.best().best());
        return new Result(startLoss, initLoss, bestLoss, evaluations);
      }
      quantizer.updateLinearQuantParams(start);
      return new Result(startLoss, initLoss, startLoss, evaluations);
    }
  }

  /** The search that ended best, and what all of them cost. */
  private record Found(Objective best, int evaluations) {}

  /** One search, and as many more as hops are wanted. */
  private Found hop(ToDoubleFunction<double[]> function, double[] start) {
    Objective best = new Objective(function, settings.maxEvaluations());
    settings.method().minimize(best, start, settings.maxIterations());
    int evaluations = best.evaluations();
    BasinHopping hopping = settings.hopping();
    if (hopping == null) {
      return new Found(best, evaluations);
    }
    SplittableRandom random = new SplittableRandom(hopping.seed());
    Objective at = best;
    for (int hop = 0; hop < hopping.hops() && evaluations < settings.maxEvaluations(); hop++) {
      Objective next = new Objective(function, settings.maxEvaluations() - evaluations);
      double[] near = at.best();
      for (int i = 0; i < near.length; i++) {
        near[i] += random.nextDouble(-hopping.step(), hopping.step());
      }
      settings.method().minimize(next, near, settings.maxIterations());
      evaluations += next.evaluations();
      double worse = next.bestValue() - at.bestValue();
      if (worse <= 0 || random.nextDouble() < Math.exp(-worse / hopping.temperature())) {
        at = next;
      }
      best = next.bestValue() < best.bestValue() ? next : best;
    }
    return new Found(best, evaluations);
  }

  private void check() {
    quantizer.requireStatic();
    quantizer.wrappers().requireFloatWeights();
    quantizer
        .wrappers()
        .byPath()
        .forEach(
            (path, wrapper) -> {
              if (wrapper instanceof RangeLinearQuantParamLayerWrapper) {
                requireSymmetric(path, "w_zero_point", wrapper);
              }
              requireSymmetric(path, "output_zero_point", wrapper);
            });
  }

  private void requireSymmetric(String path, String zero, RangeLinearQuantWrapper wrapper) {
    if (settings.searchClipping()) {
      return;
    }
    for (float each : wrapper.linearQuantParams().getOrDefault(zero, new float[0])) {
      if (each != 0) {
        throw new IllegalArgumentException(
            "'"
                + path
                + "' has a zero point that would have to follow its scale; search ranges"
                + " with searchClipping");
      }
    }
  }

  // --- Layers by themselves ----------------------------------------------------------------------

  /** What a layer was given and computed in float. */
  private record Seen(List<Tensor> inputs, Tensor output) {}

  private void initialise(Tensor[] inputs) {
    Map<String, RangeLinearQuantWrapper> wrappers = quantizer.wrappers().byPath();
    try (Scope scope = Scope.open()) {
      Map<RangeLinearQuantWrapper, Seen> seen = watch(wrappers, inputs, scope);
      wrappers.forEach(
          (path, wrapper) -> {
            Seen own = seen.get(wrapper);
            if (own != null) {
              initialise(path, wrapper, own);
            }
          });
    }
  }

  private Map<RangeLinearQuantWrapper, Seen> watch(
      Map<String, RangeLinearQuantWrapper> wrappers, Tensor[] inputs, Scope scope) {
    Map<RangeLinearQuantWrapper, Seen> seen = new LinkedHashMap<>();
    List<Module.Hook> hooks = new ArrayList<>();
    try {
      for (RangeLinearQuantWrapper wrapper : wrappers.values()) {
        wrapper.exact(true);
        hooks.add(
            wrapper.afterForward(
                (module, given, output) -> {
                  // Handles die with the scopes of the call; these are the search's own.
                  List<Tensor> copies = new ArrayList<>();
                  for (Tensor input : given) {
                    copies.add(Scope.keep(input.clone()));
                  }
                  Seen before = seen.put(wrapper, new Seen(copies, Scope.keep(output.clone())));
                  if (before != null) {
                    free(before);
                  }
                  return output;
                }));
      }
      quantizer.model().call(inputs);
    } finally {
      hooks.forEach(Module.Hook::close);
      wrappers.values().forEach(wrapper -> wrapper.exact(false));
      seen.values().forEach(each -> holdAndFree(each, scope));
    }
    return seen;
  }

  private static void holdAndFree(Seen seen, Scope scope) {
    for (Tensor input : seen.inputs()) {
      scope.hold(input);
    }
    scope.hold(seen.output());
    free(seen);
  }

  private static void free(Seen seen) {
    for (Tensor input : seen.inputs()) {
      input.close();
    }
    seen.output().close();
  }

  private void initialise(String path, RangeLinearQuantWrapper wrapper, Seen seen) {
    ScaleSpace space = ScaleSpace.of(Map.of(path, wrapper), settings.searchClipping());
    if (space.size() == 0) {
      return;
    }
    Objective objective =
        new Objective(
            values -> {
              space.set(values);
              return error(wrapper, seen);
            },
            EVALUATIONS_OF_A_LAYER);
    settings.initMethod().minimize(objective, new double[space.size()], 2);
    space.set(objective.best());
  }

  private double error(RangeLinearQuantWrapper wrapper, Seen seen) {
    try (Scope scope = Scope.open()) {
      Tensor difference =
          wrapper.call(seen.inputs().toArray(new Tensor[0])).sub(seen.output()).abs();
      return difference.pow(new Scalar(settings.init().power)).mean().item_double();
    }
  }
}
