package dev.octet.workflows.distiller.schedule;

import dev.octet.core.yaml.YamlField;
import dev.octet.workflows.distiller.schedule.LRScheduler.CyclicMode;
import java.util.List;
import java.util.Map;

/** Schedulers of the learning rate as a schedule defines them, under PyTorch's names. */
final class RateDefinition {
  private static final Map<String, List<String>> CLASSES =
      Fields.ordered(
          "StepLR", "step_size,gamma",
          "MultiStepLR", "milestones,gamma",
          "ConstantLR", "factor,total_iters",
          "LinearLR", "start_factor,end_factor,total_iters",
          "ExponentialLR", "gamma",
          "CosineAnnealingLR", "T_max,eta_min",
          "CosineAnnealingWarmRestarts", "T_0,T_mult,eta_min",
          "CyclicLR", "base_lr,max_lr,step_size_up,step_size_down,mode,gamma,cycle_momentum",
          "OneCycleLR",
              "max_lr,total_steps,pct_start,anneal_strategy,div_factor,final_div_factor,"
                  + "cycle_momentum",
          "ReduceLROnPlateau", "mode,factor,patience,threshold,threshold_mode,cooldown,min_lr,eps",
          "PolynomialLR", "T_max,power",
          "MultiStepMultiGammaLR", "milestones,gammas");

  private RateDefinition() {}

  /** A fresh scheduler, since some remember. */
  static LRScheduler read(YamlField field) {
    String type = Fields.type(field, CLASSES);
    return field.checked(() -> read(field, type));
  }

  private static LRScheduler read(YamlField field, String type) {
    return switch (type) {
      case "StepLR" -> LRScheduler.stepLR(count(field, "step_size"), number(field, "gamma", 0.1));
      case "MultiStepLR" ->
          LRScheduler.multiStepLR(
              Fields.required(field, "milestones", Fields::integers), number(field, "gamma", 0.1));
      case "ConstantLR" ->
          LRScheduler.constantLR(number(field, "factor", 1.0 / 3), count(field, "total_iters", 5));
      case "LinearLR" ->
          LRScheduler.linearLR(
              number(field, "start_factor", 1.0 / 3),
              number(field, "end_factor", 1),
              count(field, "total_iters", 5));
      case "ExponentialLR" ->
          LRScheduler.exponentialLR(Fields.required(field, "gamma", Fields::number));
      case "CosineAnnealingLR" ->
          LRScheduler.cosineAnnealingLR(count(field, "T_max"), number(field, "eta_min", 0));
      case "CosineAnnealingWarmRestarts" ->
          LRScheduler.cosineAnnealingWarmRestarts(
              count(field, "T_0"), count(field, "T_mult", 1), number(field, "eta_min", 0));
      case "CyclicLR" -> cyclic(field);
      case "OneCycleLR" -> oneCycle(field);
      case "ReduceLROnPlateau" -> new ReduceLROnPlateau(plateau(field));
      case "PolynomialLR" ->
          LRScheduler.polynomialLR(count(field, "T_max"), number(field, "power", 1));
      default ->
          LRScheduler.multiStepMultiGammaLR(
              Fields.required(field, "milestones", Fields::integers),
              Fields.required(field, "gammas", Fields::numbers));
    };
  }

  private static LRScheduler cyclic(YamlField field) {
    momentumStays(field);
    int up = count(field, "step_size_up", 2000);
    CyclicMode mode = field.get("mode", word -> PrunerDefinition.word(word, CyclicMode.class));
    return LRScheduler.cyclicLR(
        Fields.required(field, "base_lr", Fields::number),
        Fields.required(field, "max_lr", Fields::number),
        up,
        count(field, "step_size_down", up),
        mode == null ? CyclicMode.TRIANGULAR : mode,
        number(field, "gamma", 1));
  }

  private static LRScheduler oneCycle(YamlField field) {
    momentumStays(field);
    return LRScheduler.oneCycleLR(
        Fields.required(field, "max_lr", Fields::number),
        count(field, "total_steps"),
        number(field, "pct_start", 0.3),
        isFirst(field, "anneal_strategy", "cos", "linear"),
        number(field, "div_factor", 25),
        number(field, "final_div_factor", 1e4));
  }

  private static void momentumStays(YamlField field) {
    YamlField cycles = field.get("cycle_momentum");
    if (cycles != null && cycles.truth()) {
      throw cycles.wrong("momentum stays as the optimizer has it; write false");
    }
  }

  private static ReduceLROnPlateau.Settings plateau(YamlField field) {
    ReduceLROnPlateau.Settings defaults = ReduceLROnPlateau.Settings.DEFAULT;
    return new ReduceLROnPlateau.Settings(
        !isFirst(field, "mode", "min", "max"),
        number(field, "factor", defaults.factor()),
        count(field, "patience", defaults.patience()),
        number(field, "threshold", defaults.threshold()),
        isFirst(field, "threshold_mode", "rel", "abs"),
        count(field, "cooldown", defaults.cooldown()),
        number(field, "min_lr", defaults.minLr()),
        number(field, "eps", defaults.eps()));
  }

  private static boolean isFirst(YamlField field, String key, String first, String second) {
    YamlField given = field.get(key);
    if (given == null || given.text().equals(first)) {
      return true;
    }
    if (given.text().equals(second)) {
      return false;
    }
    throw given.wrong("found '" + given.text() + "'; choose " + first + " or " + second);
  }

  private static int count(YamlField field, String key) {
    return Fields.required(field, key, YamlField::integer);
  }

  private static int count(YamlField field, String key, int otherwise) {
    Integer given = field.get(key, YamlField::integer);
    return given == null ? otherwise : given;
  }

  private static double number(YamlField field, String key, double otherwise) {
    return Fields.or(field.get(key, Fields::number), otherwise);
  }
}
