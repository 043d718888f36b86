package dev.octet.workflows.pytorch.experimental;

import dev.octet.core.affine.QuantParams;
import dev.octet.core.descriptor.Granularity;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.ConvNd;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.Module;
import dev.octet.torch.op.Ops;
import dev.octet.torch.quant.FakeQuantizer;
import dev.octet.torch.quant.TensorQuantizer;
import dev.octet.torch.quant.nn.QuantizedLayer;
import dev.octet.torch.train.Optimizer;
import dev.octet.torch.train.ParameterGroup;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * Adaptive rounding (Nagel et al. 2020, arXiv 2004.10568): whether a weight is rounded up or down
 * is chosen so that the layer's output changes least. A layer at a time, {@code h = clip(1.2 σ(V) −
 * 0.1, 0, 1)} stands for the choice,
 *
 * <pre>
 * W' = s (clip(floor(W / s) + h + z, qmin, qmax) − z)
 * minimize |f(W x) − f(W' x)|² + λ Σ (1 − |2 h − 1|^β)
 * </pre>
 *
 * while β falls along half a cosine and drives every h to 0 or 1. Only the rounding changes, so any
 * quantizer with the same scales gives the weights that are left as they are.
 *
 * <pre>{@code
 * QuantModules.replace(net, Rules.NONE);     // then calibrate
 * AdaRound.apply(net, batches, AdaRound.Settings.DEFAULT);
 * Trace.of(net).write(file, example);
 * }</pre>
 */
public final class AdaRound {
  private static final double ZETA = 1.1;
  private static final double GAMMA = -0.1;

  /**
   * How the choice is learned.
   *
   * @param iterations steps of Adam for each layer, one batch a step
   * @param learningRate above 0
   * @param lambda the weight of what drives h to 0 or 1
   * @param warmStart the share of iterations without that, 0 to below 1
   * @param firstBeta the exponent at first
   * @param lastBeta the exponent at last, above 0 and not above the first
   */
  public record Settings(
      int iterations,
      double learningRate,
      double lambda,
      double warmStart,
      double firstBeta,
      double lastBeta) {
    /** The article's numbers: 10 000 iterations at 0.001, 0.01, a fifth without, 20 to 2. */
    public static final Settings DEFAULT = new Settings(10_000, 1e-3, 0.01, 0.2, 20, 2);

    public Settings {
      if (iterations < 1
          || !(learningRate > 0)
          || !(lambda >= 0)
          || !(warmStart >= 0 && warmStart < 1)
          || !(lastBeta > 0 && lastBeta <= firstBeta)) {
        throw new IllegalArgumentException(
            ("%d iterations at %s, lambda %s, warm start %s, beta %s to %s are no settings: all are"
                    + " positive, the warm start is below 1, beta falls")
                .formatted(iterations, learningRate, lambda, warmStart, firstBeta, lastBeta));
      }
    }

    /** The same with another number of iterations. */
    public Settings iterations(int number) {
      return new Settings(number, learningRate, lambda, warmStart, firstBeta, lastBeta);
    }

    /** The same at another learning rate. */
    public Settings learningRate(double rate) {
      return new Settings(iterations, rate, lambda, warmStart, firstBeta, lastBeta);
    }

    /** The exponent, or 0 while there is none. */
    double beta(int iteration) {
      double done = ((double) iteration / iterations - warmStart) / (1 - warmStart);
      return done < 0
          ? 0
          : lastBeta + 0.5 * (firstBeta - lastBeta) * (1 + Math.cos(Math.PI * done));
    }
  }

  /**
   * Mean squared errors of a layer's output on the batches that were given.
   *
   * @param nearest with weights rounded to the nearest
   * @param adapted with the weights that were left
   */
  public record Outcome(double nearest, double adapted) {}

  private AdaRound() {}

  /**
   * Rounds the weights of all quantized convolutions and linear layers of a model whose ranges are
   * known, in the order of the modules; inputs are those that earlier layers give then, rounded.
   *
   * @param batches inputs of the model
   * @return by path
   * @throws IllegalArgumentException if the model has no such layer, or none of them was called
   */
  public static Map<String, Outcome> apply(Module model, List<Tensor> batches, Settings settings) {
    boolean training = model.isTraining();
    Map<String, Outcome> outcomes = new LinkedHashMap<>();
    model.eval();
    try {
      model
          .modules()
          .forEach(
              (path, layer) -> {
                if (layer instanceof QuantizedLayer twin
                    && (layer instanceof Linear || layer instanceof ConvNd)) {
                  TensorQuantizer weights = twin.weightQuantizers().get(0);
                  if (weights.isEnabled() && weights.isQuant()) {
                    List<Tensor> inputs = inputs(model, layer, twin, batches);
                    if (!inputs.isEmpty()) {
                      outcomes.put(path, apply(layer, weights.params(), inputs, settings));
                    }
                    inputs.forEach(Tensor::close);
                  }
                }
              });
    } finally {
      model.train(training);
    }
    if (outcomes.isEmpty()) {
      throw new IllegalArgumentException(
          "the model calls no quantized convolution or linear layer; replace its layers first");
    }
    return outcomes;
  }

  /** What a layer is called on, rounded as it rounds it; the caller closes them. */
  private static List<Tensor> inputs(
      Module model, Module layer, QuantizedLayer twin, List<Tensor> batches) {
    List<Tensor> seen = new ArrayList<>();
    try (Torch.Switched noGrad = Torch.noGrad();
        Module.Hook hook =
            layer.beforeForward(
                (self, given) -> {
                  seen.add(
                      Scope.keep(twin.inputQuantizers().get(0).call(given[0]).detach().clone()));
                  return given;
                })) {
      for (Tensor batch : batches) {
        try (Scope scope = Scope.open()) {
          model.call(batch);
        }
      }
    }
    return seen;
  }

  /**
   * Rounds the weights of a convolution or linear layer.
   *
   * @param params of its weights, for the whole tensor or along an axis
   * @param inputs the batches that it is called on, taken in turns
   * @throws IllegalArgumentException for another layer, without inputs, or for scales in blocks
   */
  public static Outcome apply(
      Module layer, QuantParams params, List<Tensor> inputs, Settings settings) {
    if (inputs.isEmpty()) {
      throw new IllegalArgumentException("adaptive rounding learns from inputs, and has none");
    }
    try (Scope scope = Scope.open()) {
      Tensor weight = weight(layer);
      Tensor exact = weight.detach().clone();
      Grid grid = Grid.of(params, exact);
      Task task;
      Tensor nearest;
      try (Torch.Switched noGrad = Torch.noGrad();
          FakeQuantizer quantizer = FakeQuantizer.of(params)) {
        nearest = quantizer.apply(exact);
        task = new Task(layer, inputs, inputs.stream().map(x -> compute(layer, x, exact)).toList());
      }
      Tensor choice = grid.initial(exact);
      choice.set_requires_grad(true);
      learn(task, choice, h -> grid.rounded(exact, h), settings);
      try (Torch.Switched noGrad = Torch.noGrad()) {
        Tensor up = soft(choice).ge(new Scalar(0.5)).to(Tensors.type(exact));
        Tensor rounded = grid.rounded(exact, up);
        weight.copy_(rounded);
        return new Outcome(task.error(nearest), task.error(rounded));
      }
    }
  }

  private static void learn(
      Task task, Tensor choice, UnaryOperator<Tensor> weights, Settings settings) {
    ParameterGroup group = ParameterGroup.of(List.of(choice), settings.learningRate(), 0);
    try (Optimizer adam = Optimizer.adamW(List.of(group), 0.9, 0.999)) {
      for (int i = 0; i < settings.iterations(); i++) {
        try (Scope step = Scope.open()) {
          Tensor h = soft(choice);
          Tensor loss = task.loss(i % task.inputs().size(), weights.apply(h));
          double beta = settings.beta(i);
          if (beta > 0) {
            loss = loss.add(regularization(h, beta, settings.lambda()), new Scalar(1));
          }
          adam.zeroGrad();
          loss.backward();
          adam.step();
        }
      }
    }
  }

  // ---- formulas ----

  /** The rectified sigmoid. */
  static Tensor soft(Tensor choice) {
    return torch.clamp(
        choice.sigmoid().mul(new Scalar(ZETA - GAMMA)).add(new Scalar(GAMMA)),
        new ScalarOptional(new Scalar(0.0)),
        new ScalarOptional(new Scalar(1.0)));
  }

  static Tensor regularization(Tensor h, double beta, double lambda) {
    Tensor distance = h.mul(new Scalar(2.0)).sub(new Scalar(1.0), new Scalar(1)).abs();
    Tensor sum = distance.pow(new Scalar(beta)).neg().add(new Scalar(1.0)).sum();
    return sum.mul(new Scalar(lambda));
  }

  /** Where weights can be rounded to; scales and zero points broadcast against them. */
  record Grid(Tensor scale, Tensor zero, int qmin, int qmax) {
    static Grid of(QuantParams params, Tensor weight) {
      long[] shape = shape(params, weight);
      float[] zeros = new float[params.count()];
      for (int i = 0; i < zeros.length; i++) {
        zeros[i] = params.zeroPoint(i);
      }
      return new Grid(
          Tensors.of(params.scales(), shape),
          Tensors.of(zeros, shape),
          params.qmin(),
          params.qmax());
    }

    private static long[] shape(QuantParams params, Tensor weight) {
      if (params.count() == 1) {
        return new long[0];
      }
      if (!(params.granularity() instanceof Granularity.PerAxis perAxis)) {
        throw new IllegalArgumentException(
            "weights are rounded " + params.granularity() + "; choose one scale or an axis");
      }
      long[] shape = new long[Math.toIntExact(weight.dim())];
      Arrays.fill(shape, 1);
      shape[Math.floorMod(perAxis.axis(), shape.length)] = params.count();
      return shape;
    }

    /** Where h is the fraction that the integer below leaves. */
    Tensor initial(Tensor weight) {
      Tensor steps = weight.div(scale);
      Tensor fraction = steps.sub(steps.floor(), new Scalar(1));
      Tensor share = fraction.sub(new Scalar(GAMMA), new Scalar(1)).div(new Scalar(ZETA - GAMMA));
      return share.logit().detach();
    }

    /** The weights for a choice. */
    Tensor rounded(Tensor weight, Tensor h) {
      Tensor codes = weight.div(scale).floor().add(h).add(zero);
      return torch
          .clamp(
              codes,
              new ScalarOptional(new Scalar((double) qmin)),
              new ScalarOptional(new Scalar((double) qmax)))
          .sub(zero)
          .mul(scale);
    }
  }

  // ---- layers ----

  private static Tensor weight(Module layer) {
    if (layer instanceof Linear linear) {
      return linear.weight();
    }
    if (layer instanceof ConvNd convolution) {
      return convolution.weight();
    }
    throw new IllegalArgumentException(
        layer + " is no convolution or linear layer, whose weights alone are rounded so");
  }

  private static Tensor compute(Module layer, Tensor x, Tensor by) {
    if (layer instanceof ConvNd convolution) {
      Tensor bias = convolution.bias();
      return convolution.convSettings().convolve(x, by, bias == null ? null : bias.detach());
    }
    Tensor bias = layer instanceof Linear linear ? linear.bias() : null;
    return Ops.linear(x, by, bias == null ? null : bias.detach());
  }

  /** A layer, what it is called on, and what it gives with its exact weights. */
  private record Task(Module layer, List<Tensor> inputs, List<Tensor> targets) {
    private Tensor apart(int batch, Tensor weight) {
      return compute(layer, inputs.get(batch), weight).sub(targets.get(batch), new Scalar(1));
    }

    /** Squares summed over the output's channels. */
    Tensor loss(int batch, Tensor weight) {
      Tensor apart = apart(batch, weight);
      double channels = apart.size(layer instanceof ConvNd ? 1 : -1);
      return apart.square().mean().mul(new Scalar(channels));
    }

    double error(Tensor weight) {
      double sum = 0;
      long count = 0;
      for (int i = 0; i < inputs.size(); i++) {
        Tensor apart = apart(i, weight);
        sum += Tensors.toFloats(apart.square().sum())[0];
        count += apart.numel();
      }
      return sum / count;
    }
  }
}
