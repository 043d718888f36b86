package dev.octet.workflows.pytorch;

import dev.octet.torch.nn.Activation;
import dev.octet.torch.nn.BatchNorm1d;
import dev.octet.torch.nn.BatchNorm2d;
import dev.octet.torch.nn.BatchNorm3d;
import dev.octet.torch.nn.Conv1d;
import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.nn.Conv3d;
import dev.octet.torch.nn.ConvNd;
import dev.octet.torch.nn.ConvTranspose1d;
import dev.octet.torch.nn.ConvTranspose2d;
import dev.octet.torch.nn.ConvTranspose3d;
import dev.octet.torch.nn.Identity;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.NormNd;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Puts one module in the place of several that follow one another. */
final class Fusion {
  private static final Map<Class<?>, String> WORDS =
      Map.of(
          Conv1d.class, "Conv1d",
          Conv2d.class, "Conv2d",
          Conv3d.class, "Conv3d",
          ConvTranspose1d.class, "ConvTranspose1d",
          ConvTranspose2d.class, "ConvTranspose2d",
          ConvTranspose3d.class, "ConvTranspose3d",
          Linear.class, "Linear",
          BatchNorm1d.class, "BatchNorm1d",
          BatchNorm2d.class, "BatchNorm2d",
          BatchNorm3d.class, "BatchNorm3d");

  /** What a pattern becomes; where there is a class for it, its name, otherwise one layer. */
  private enum Pattern {
    CONV_BN("Conv%dd BatchNorm%dd", "ConvBn%dd"),
    CONV_BN_RELU("Conv%dd BatchNorm%dd ReLU", "ConvBnReLU%dd"),
    CONV_RELU("Conv%dd ReLU", "ConvReLU%dd"),
    LINEAR_BN("Linear BatchNorm1d", "LinearBn1d"),
    LINEAR_RELU("Linear ReLU", "LinearReLU"),
    BN_RELU("BatchNorm%dd ReLU", "BNReLU%dd"),
    CONV_TRANSPOSE_BN("ConvTranspose%dd BatchNorm%dd", "");

    private final String words;
    private final String kind;

    Pattern(String words, String kind) {
      this.words = words;
      this.kind = kind;
    }

    boolean hasNorm() {
      return this == CONV_BN
          || this == CONV_BN_RELU
          || this == LINEAR_BN
          || this == CONV_TRANSPOSE_BN;
    }
  }

  private record Group(List<String> names, List<Module> modules, Pattern pattern, int dims) {}

  private record OwnGroup(List<String> names, List<Module> modules, Fuser fuser) {}

  private Fusion() {}

  /** Fuses groups, or changes nothing. */
  static void fuse(Module model, List<List<String>> names, List<Fuser> own, boolean training) {
    List<Group> groups = new ArrayList<>();
    List<OwnGroup> owns = new ArrayList<>();
    Set<String> used = new HashSet<>();
    for (List<String> each : names) {
      for (String name : each) {
        if (name.isEmpty()) {
          throw new IllegalArgumentException("the model itself cannot be fused with a part of it");
        }
        if (!used.add(name)) {
          throw new IllegalArgumentException("'" + name + "' is to be fused twice");
        }
      }
      List<Module> modules = each.stream().map(model::get).toList();
      List<String> words = modules.stream().map(Fusion::word).toList();
      own.stream()
          .filter(fuser -> fuser.types().equals(words))
          .findFirst()
          .ifPresentOrElse(
              fuser -> owns.add(new OwnGroup(each, modules, fuser)),
              () -> groups.add(group(each, modules, words, training)));
    }
    groups.forEach(group -> replace(model, group, training));
    for (OwnGroup each : owns) {
      Module first = each.modules.get(0);
      boolean trains = first.isTraining();
      Module fused = each.fuser.fused().apply(each.modules);
      fused.train(trains);
      put(model, each.names, each.modules, fused);
    }
  }

  private static Group group(
      List<String> names, List<Module> modules, List<String> words, boolean training) {
    String text = String.join(" ", words);
    for (Pattern pattern : Pattern.values()) {
      for (int dims = pattern == Pattern.BN_RELU ? 2 : 1; dims <= 3; dims++) {
        if (text.equals(pattern.words.replace("%d", Integer.toString(dims)))) {
          Group group = new Group(names, modules, pattern, dims);
          check(group, training);
          return group;
        }
      }
    }
    throw new IllegalArgumentException(
        names
            + " are "
            + words
            + ", which do not fuse; there are Conv+BatchNorm, Conv+BatchNorm+ReLU, Conv+ReLU,"
            + " ConvTranspose+BatchNorm, Linear+BatchNorm1d, Linear+ReLU, BatchNorm2d+ReLU and"
            + " BatchNorm3d+ReLU, of the same dimensions and of exactly these classes");
  }

  private static String word(Module module) {
    if (module instanceof Activation activation) {
      return activation.name();
    }
    return WORDS.getOrDefault(module.getClass(), module.getClass().getSimpleName());
  }

  private static void check(Group group, boolean training) {
    for (int i = 0; i < group.modules.size(); i++) {
      // An activation does the same in both modes.
      boolean matters = !(group.modules.get(i) instanceof Activation);
      if (matters && group.modules.get(i).isTraining() != training) {
        throw new IllegalStateException(
            training
                ? "'"
                    + group.names.get(i)
                    + "' is in eval mode; call train(true) before"
                    + " fuseModulesQat, or use fuseModules"
                : "'"
                    + group.names.get(i)
                    + "' is in training mode; call eval() before"
                    + " fuseModules, or use fuseModulesQat");
      }
    }
    if (group.pattern == Pattern.CONV_TRANSPOSE_BN && training) {
      throw new IllegalArgumentException(
          group.names + ": a transposed convolution fuses with a batch normalisation in eval only");
    }
    if (group.pattern.hasNorm()) {
      NormNd norm = (NormNd) group.modules.get(1);
      long channels = channels(group.modules.get(0));
      if (norm.runningMean() == null || norm.numFeatures() != channels) {
        throw new IllegalArgumentException(
            "%s: %s does not normalise the %d channels before it by running statistics"
                .formatted(group.names, norm, channels));
      }
      if (!training) {
        // Refuses what cannot be folded before anything is changed.
        Folding.channelShape(group.modules.get(0), Folding.weight(group.modules.get(0)));
      }
    }
  }

  private static long channels(Module layer) {
    return layer instanceof Linear linear
        ? linear.weight().size(0)
        : ((ConvNd) layer).outChannels();
  }

  private static void replace(Module model, Group group, boolean training) {
    List<Module> modules = group.modules;
    Module first = modules.get(0);
    boolean folds = group.pattern.hasNorm() && !training;
    Module start = folds ? Folding.fold(first, (NormNd) modules.get(1)) : first;
    List<Module> rest = modules.subList(folds ? 2 : 1, modules.size());
    Module fused = start;
    if (!rest.isEmpty()) {
      List<Module> parts = new ArrayList<>(List.of(start));
      parts.addAll(rest);
      Pattern kind =
          folds && group.pattern == Pattern.CONV_BN_RELU ? Pattern.CONV_RELU : group.pattern;
      fused =
          new FusedModule(
              kind.kind.replace("%d", Integer.toString(group.dims)), parts.toArray(new Module[0]));
    }
    put(model, group.names, modules, fused);
    if (folds) {
      first.close();
      modules.get(1).close();
    }
  }

  private static void put(Module model, List<String> names, List<Module> modules, Module fused) {
    fused.takeHooks(modules.get(0), modules.get(modules.size() - 1));
    model.replace(names.get(0), fused);
    for (String name : names.subList(1, names.size())) {
      Module none = new Identity();
      none.train(fused.isTraining());
      model.replace(name, none);
    }
  }
}
