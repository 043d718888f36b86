package dev.octet.torch.train;

import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;
import org.bytedeco.pytorch.AdamW;
import org.bytedeco.pytorch.AdamWOptions;
import org.bytedeco.pytorch.InputArchive;
import org.bytedeco.pytorch.OptimizerOptions;
import org.bytedeco.pytorch.OptimizerParamGroup;
import org.bytedeco.pytorch.OptimizerParamGroupVector;
import org.bytedeco.pytorch.OutputArchive;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/** One of LibTorch's optimizers over groups of parameters. */
public final class Optimizer implements AutoCloseable {
  private final Build build;
  private final BiConsumer<OptimizerOptions, ParameterGroup> set;
  private org.bytedeco.pytorch.Optimizer nativeOptimizer;
  private List<ParameterGroup> groups;
  private double factor = 1;

  private Optimizer(
      List<ParameterGroup> groups, Build build, BiConsumer<OptimizerOptions, ParameterGroup> set) {
    this.build = build;
    this.set = set;
    this.groups = new ArrayList<>(groups);
    nativeOptimizer = make(this.groups);
  }

  /**
   * Stochastic gradient descent.
   *
   * @param momentum 0 for none, below 1
   */
  public static Optimizer sgd(List<ParameterGroup> groups, double momentum, boolean nesterov) {
    checkGroups(groups);
    if (!(momentum >= 0 && momentum < 1)) {
      throw new IllegalArgumentException("momentum " + momentum + " is not in [0, 1)");
    }
    if (nesterov && momentum == 0) {
      throw new IllegalArgumentException("Nesterov's method needs a momentum above 0");
    }
    return new Optimizer(
        groups,
        (first, rate) -> {
          SGDOptions defaults = new SGDOptions(rate);
          defaults.momentum().put(momentum);
          defaults.nesterov().put(nesterov);
          return new SGD(first, defaults);
        },
        (options, group) -> {
          new SGDOptions(options).weight_decay().put(group.weightDecay());
          new SGDOptions(options).momentum().put(group.momentum().orElse(momentum));
        });
  }

  /**
   * Adam with decoupled weight decay (Loshchilov and Hutter, 2019).
   *
   * @param beta1 decay of the mean of gradients, in [0, 1)
   * @param beta2 decay of the mean of their squares, in [0, 1)
   * @throws IllegalArgumentException if a group has a momentum of its own: that is SGD's
   */
  public static Optimizer adamW(List<ParameterGroup> groups, double beta1, double beta2) {
    checkGroups(groups);
    if (!(beta1 >= 0 && beta1 < 1 && beta2 >= 0 && beta2 < 1)) {
      throw new IllegalArgumentException("betas " + beta1 + ", " + beta2 + " are not in [0, 1)");
    }
    if (groups.stream().anyMatch(group -> group.momentum().isPresent())) {
      throw new IllegalArgumentException("AdamW has no momentum for a group to choose; drop it");
    }
    return new Optimizer(
        groups,
        (first, rate) -> {
          AdamWOptions defaults = new AdamWOptions(rate);
          // A C++ tuple: which of the two lies first in memory is the compiler's choice.
          int lower = defaults.betas().get(0) < defaults.betas().get(1) ? 0 : 1;
          defaults.betas().put(lower, beta1).put(1 - lower, beta2);
          return new AdamW(first, defaults);
        },
        (options, group) -> new AdamWOptions(options).weight_decay().put(group.weightDecay()));
  }

  /** Changes the parameters by their gradients; those without one stay. */
  public void step() {
    try (Scope scope = Scope.open()) {
      open().step();
    }
  }

  /** Frees the gradients. */
  public void zeroGrad() {
    open().zero_grad(true);
  }

  /**
   * Scales all gradients so that their common 2-norm is at most {@code limit}.
   *
   * @return the norm before
   * @throws ArithmeticException if the norm is not finite: the gradients are of no use
   */
  public double clipGradients(double limit) {
    if (!(limit > 0)) {
      throw new IllegalArgumentException("the limit of the gradients' norm is " + limit);
    }
    try (Scope scope = Scope.open()) {
      List<Tensor> withGradient = new ArrayList<>();
      for (ParameterGroup group : groups) {
        for (Tensor parameter : group.parameters()) {
          if (Tensors.check(parameter, "a parameter").grad().defined()) {
            withGradient.add(parameter);
          }
        }
      }
      if (withGradient.isEmpty()) {
        return 0;
      }
      double norm = torch.clip_grad_norm_(vector(withGradient), limit, 2, false);
      if (!Double.isFinite(norm)) {
        throw new ArithmeticException(
            "the gradients' norm is " + norm + "; lower the learning rate");
      }
      return norm;
    }
  }

  /** Sets every group's learning rate to its own times a factor. */
  public void scaleLearningRate(double by) {
    factor = by;
    try (Scope scope = Scope.open()) {
      OptimizerParamGroupVector nativeGroups = open().param_groups();
      for (int i = 0; i < groups.size(); i++) {
        nativeGroups.get(i).options().set_lr(groups.get(i).learningRate() * factor);
      }
    }
  }

  /**
   * Takes further parameters to train, such as those that a quantizer brings.
   *
   * @throws IllegalArgumentException if one of them is trained already, or the group has a momentum
   *     and the optimizer none to set
   */
  public void addGroup(ParameterGroup group) {
    if (group.momentum().isPresent() && nativeOptimizer instanceof AdamW) {
      throw new IllegalArgumentException("AdamW has no momentum for a group to choose; drop it");
    }
    Set<Tensor> trained = Collections.newSetFromMap(new IdentityHashMap<>());
    groups.forEach(there -> trained.addAll(there.parameters()));
    for (Tensor parameter : group.parameters()) {
      if (trained.contains(parameter)) {
        throw new IllegalArgumentException(
            "a parameter of the new group is in a group already: " + Tensors.describe(parameter));
      }
    }
    try (Scope scope = Scope.open()) {
      open().add_param_group(new OptimizerParamGroup(vector(group.parameters())));
      OptimizerParamGroupVector nativeGroups = open().param_groups();
      OptimizerOptions options = nativeGroups.get(groups.size()).options();
      options.set_lr(group.learningRate());
      set.accept(options, group);
    }
    groups.add(group);
  }

  /**
   * Trains other parameters in the places of some, such as smaller ones of layers that lost
   * channels. The state (momenta and the like) begins anew, that of the other parameters as well.
   *
   * @param replacements the parameter to put in a place, by the one that stands there
   */
  public void exchange(Map<Tensor, Tensor> replacements) {
    List<ParameterGroup> changed = new ArrayList<>();
    for (ParameterGroup group : groups) {
      List<Tensor> parameters = new ArrayList<>();
      for (Tensor parameter : group.parameters()) {
        Tensor now = parameter;
        for (Map.Entry<Tensor, Tensor> each : replacements.entrySet()) {
          now = parameter.is_same(each.getKey()) ? each.getValue() : now;
        }
        parameters.add(now);
      }
      changed.add(
          new ParameterGroup(
              parameters, group.learningRate(), group.weightDecay(), group.momentum()));
    }
    org.bytedeco.pytorch.Optimizer before = open();
    nativeOptimizer = make(changed);
    groups = changed;
    before.close();
    scaleLearningRate(factor);
  }

  /** The groups, as given. */
  public List<ParameterGroup> groups() {
    return Collections.unmodifiableList(groups);
  }

  /** The state (momenta and the like) in LibTorch's archive format. */
  byte[] state() {
    return throughFile(
        file -> {
          try (Scope scope = Scope.open()) {
            OutputArchive archive = new OutputArchive();
            open().save(archive);
            archive.save_to(file.toString());
          }
          return Files.readAllBytes(file);
        });
  }

  /** Takes over a state; the parameters must be those, in the order, that it was saved with. */
  void load(byte[] state) {
    throughFile(
        file -> {
          Files.write(file, state);
          try (Scope scope = Scope.open()) {
            InputArchive archive = new InputArchive();
            archive.load_from(file.toString());
            open().load(archive);
          }
          return state;
        });
  }

  /** Frees the state; the parameters stay. */
  @Override
  public void close() {
    nativeOptimizer.close();
  }

  private interface Build {
    org.bytedeco.pytorch.Optimizer of(TensorVector first, double rate);
  }

  private interface FileUse {
    byte[] apply(Path file) throws IOException;
  }

  private org.bytedeco.pytorch.Optimizer make(List<ParameterGroup> of) {
    try (Scope scope = Scope.open()) {
      org.bytedeco.pytorch.Optimizer made =
          build.of(vector(of.get(0).parameters()), of.get(0).learningRate());
      for (ParameterGroup group : of.subList(1, of.size())) {
        made.add_param_group(new OptimizerParamGroup(vector(group.parameters())));
      }
      // A group made with options would give them away and free them too: they are set afterwards.
      OptimizerParamGroupVector nativeGroups = made.param_groups();
      for (int i = 0; i < of.size(); i++) {
        OptimizerOptions options = nativeGroups.get(i).options();
        options.set_lr(of.get(i).learningRate());
        set.accept(options, of.get(i));
      }
      return Scope.keep(made);
    }
  }

  private static void checkGroups(List<ParameterGroup> groups) {
    if (groups.isEmpty()) {
      throw new IllegalArgumentException("an optimizer needs at least one group of parameters");
    }
  }

  private org.bytedeco.pytorch.Optimizer open() {
    if (nativeOptimizer.isNull()) {
      throw new IllegalStateException("the optimizer is closed");
    }
    return nativeOptimizer;
  }

  private static TensorVector vector(List<Tensor> tensors) {
    for (Tensor tensor : tensors) {
      Tensors.check(tensor, "a parameter");
    }
    return new TensorVector(tensors.toArray(Tensor[]::new));
  }

  private static byte[] throughFile(FileUse use) {
    try {
      Path file = Files.createTempFile("octet-optimizer", ".pt");
      try {
        return use.apply(file);
      } finally {
        Files.deleteIfExists(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot pass the optimizer's state through a file", e);
    }
  }

  @Override
  public String toString() {
    return nativeOptimizer.getClass().getSimpleName()
        + Arrays.toString(
            groups.stream()
                .map(group -> group.parameters().size() + " parameters at " + group.learningRate())
                .toArray());
  }
}
