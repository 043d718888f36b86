package dev.octet.workflows.distiller.prune;

import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.ConvNd;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.NormNd;
import dev.octet.torch.op.Ops;
import dev.octet.workflows.distiller.prune.ChannelGraph.Layer;
import dev.octet.workflows.distiller.prune.Thinning.Cut;
import dev.octet.workflows.distiller.prune.Thinning.Kind;
import dev.octet.workflows.distiller.stats.Structure;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Tensor;

/** Finds the channels that can go, and what they carry when they do. */
final class ThinningSearch {
  private final Module model;
  private final Tensor[] example;
  private final TracedLayers traced;
  private final ChannelGraph graph;
  private final Map<String, boolean[][]> connected = new HashMap<>();
  private final Set<Integer> going = new HashSet<>();
  private final Map<String, float[]> shifts = new LinkedHashMap<>();
  private final List<String> remarks = new ArrayList<>();

  ThinningSearch(Module model, Tensor... example) {
    this.model = model;
    this.example = example.clone();
    traced = TracedLayers.of(model, example);
    graph = ChannelGraph.of(traced, model);
    graph
        .layers()
        .forEach(
            (path, layer) -> {
              if (layer.in() != null) {
                connected.put(path, ChannelGraph.connected(layer));
              }
            });
  }

  Thinning find(Kind kind) {
    Set<Integer> made = new HashSet<>();
    Set<Integer> read = new HashSet<>();
    Set<Integer> produced = new HashSet<>();
    Set<Integer> consumed = new HashSet<>();
    connected.forEach(
        (path, between) -> {
          Layer layer = layer(path);
          int[] in = in(layer);
          for (int out = 0; out < layer.out().length; out++) {
            produced.add(graph.root(layer.out()[out]));
            for (int each = 0; each < in.length; each++) {
              consumed.add(graph.root(in[each]));
              if (between[out][each]) {
                made.add(graph.root(layer.out()[out]));
                read.add(graph.root(in[each]));
              }
            }
          }
        });
    Set<Integer> zero = new HashSet<>();
    for (int root : produced) {
      boolean noFilter = kind != Kind.CHANNELS && !made.contains(root);
      boolean noReader = kind != Kind.FILTERS && consumed.contains(root) && !read.contains(root);
      if (noFilter || noReader) {
        zero.add(root);
      }
    }
    zero.stream().filter(root -> graph.neededBy(root) == null).forEach(going::add);
    carry();
    return new Thinning(cuts(), shifts, left(kind), remarks, example);
  }

  private Layer layer(String path) {
    Layer layer = graph.layers().get(path);
    if (layer == null) {
      throw new IllegalStateException("no layer '" + path + "'");
    }
    return layer;
  }

  private static int[] in(Layer layer) {
    int[] in = layer.in();
    return in == null ? layer.out() : in;
  }

  private boolean goes(int channel) {
    return going.contains(graph.root(channel));
  }

  private Map<String, Cut> cuts() {
    Map<String, Cut> cuts = new LinkedHashMap<>();
    graph
        .layers()
        .forEach(
            (path, layer) -> {
              int[] in = layer.in();
              Cut cut = new Cut(kept(path, layer.out()), in == null ? null : kept(path, in));
              if (Thinning.changes(layer, cut) || shifts.containsKey(path)) {
                cuts.put(path, cut);
              }
            });
    return cuts;
  }

  private long[] kept(String path, int[] channels) {
    long[] kept =
        IntStream.range(0, channels.length)
            .filter(i -> !goes(channels[i]))
            .asLongStream()
            .toArray();
    if (kept.length == 0) {
      throw new IllegalArgumentException(
          "nothing would be left of '" + path + "': all of its channels are zero; prune less");
    }
    return kept;
  }

  /** Zero filters and channels that stay, with who needs them. */
  private Map<String, String> left(Kind kind) {
    Map<String, String> left = new LinkedHashMap<>();
    connected.forEach(
        (path, between) -> {
          Layer layer = layer(path);
          int[] in = in(layer);
          Set<String> reasons = new TreeSet<>();
          int filters = 0;
          for (int out = 0; kind != Kind.CHANNELS && out < between.length; out++) {
            if (allFalse(between[out]) && !goes(layer.out()[out])) {
              filters++;
              reasons.add(reason(layer.out()[out], "another layer makes"));
            }
          }
          int channels = 0;
          for (int each = 0; kind != Kind.FILTERS && each < in.length; each++) {
            int at = each;
            if (Arrays.stream(between).noneMatch(row -> row[at]) && !goes(in[each])) {
              channels++;
              reasons.add(reason(in[each], "another layer reads"));
            }
          }
          if (!reasons.isEmpty()) {
            left.put(
                path,
                (filters > 0 ? filters + " filters of zeros" : "")
                    + (filters > 0 && channels > 0 ? " and " : "")
                    + (channels > 0 ? channels + " channels read by zeros" : "")
                    + " stay, since "
                    + String.join(", ", reasons)
                    + (reasons.size() == 1 && reasons.iterator().next().startsWith("another")
                        ? " them too; prune these layers alike (group_dependency: Leader)"
                        : ""));
          }
        });
    if (kind != Kind.CHANNELS) {
      model.modules().forEach((path, module) -> unknown(path, module, left));
    }
    return left;
  }

  /** Notes a layer with filters of zeros that has no smaller form. */
  private void unknown(String path, Module module, Map<String, String> left) {
    boolean known = !(module instanceof ConvNd || module instanceof Linear);
    if (known || graph.layers().containsKey(path)) {
      return;
    }
    for (Tensor each : module.ownParameters().values()) {
      long[] shape = Tensors.shape(each);
      if (shape.length > 1 && Structure.FILTERS.sparsity(Tensors.toFloats(each), shape) > 0) {
        left.put(
            path,
            "filters of zeros stay, since there is no smaller "
                + module.getClass().getSimpleName()
                + ": plain convolutions of one group or depthwise, and Linear over two dimensions"
                + " become smaller, before they are quantized");
      }
    }
  }

  private String reason(int channel, String otherwise) {
    String who = graph.neededBy(channel);
    return who == null ? otherwise : who + " needs them";
  }

  private static boolean allFalse(boolean[] values) {
    for (boolean each : values) {
      if (each) {
        return false;
      }
    }
    return true;
  }

  // --- What goes carries a constant: the shift of a BatchNorm, or a bias
  // ---------------------------

  /** Notes what is to be added behind the layers that read what goes. */
  private void carry() {
    Map<String, float[]> carried = constants();
    carried.forEach(
        (path, constants) -> {
          Layer layer = layer(path);
          boolean[][] between = connected.getOrDefault(path, new boolean[0][0]);
          int[] in = in(layer);
          boolean varies = false;
          double largest = 0;
          float[] given = new float[in.length];
          for (int i = 0; i < in.length; i++) {
            int at = i;
            // What is read by zeros alone may be anything.
            if (goes(in[i]) && Arrays.stream(between).anyMatch(row -> row[at])) {
              varies |= Float.isNaN(constants[i]);
              given[i] = Float.isNaN(constants[i]) ? 0 : constants[i];
              largest = Math.max(largest, Math.abs(given[i]));
            }
          }
          if (varies) {
            remarks.add(
                "'"
                    + path
                    + "' read channels of zero filters that vary at their border or by what"
                    + " they are multiplied with; its outputs change by what they carried");
          }
          if (largest > 0) {
            shift(layer, given);
            boolean bordered =
                layer.module() instanceof ConvNd conv
                    && conv.paddingMode() == Ops.Padding.CONSTANT
                    && Arrays.stream(conv.padding()).anyMatch(each -> each > 0);
            if (bordered) {
              remarks.add(
                  "'"
                      + path
                      + "' pads by zeros channels that carried up to "
                      + largest
                      + "; its outputs change at the border");
            }
          }
        });
  }

  private void shift(Layer layer, float[] constants) {
    Tensor weight = ChannelGraph.weight(layer);
    float[] values = Tensors.toFloats(weight);
    int outs = layer.out().length;
    int window = values.length / outs / constants.length;
    float[] shift = new float[outs];
    for (int i = 0; i < values.length; i++) {
      shift[i / window / constants.length] += values[i] * constants[i / window % constants.length];
    }
    String norm = traced.follower(layer.path(), "Identity", "BatchNormalization");
    Layer normalizes = norm == null ? null : graph.layers().get(norm);
    boolean absorbs =
        !layer.module().ownParameters().containsKey("bias")
            && normalizes != null
            && normalizes.module() instanceof NormNd found
            && found.runningMean() != null;
    if (absorbs && norm != null) {
      shifts.put(norm, shift);
    } else {
      shifts.put(layer.path(), shift);
    }
  }

  /** What each channel that goes is where a layer reads it; NaN if it is no constant. */
  private Map<String, float[]> constants() {
    Map<String, float[]> found = new LinkedHashMap<>();
    List<Module.Hook> hooks = new ArrayList<>();
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      for (String path : connected.keySet()) {
        Layer layer = layer(path);
        if (Arrays.stream(in(layer)).anyMatch(this::goes)) {
          hooks.add(
              layer
                  .module()
                  .afterForward(
                      (module, inputs, output) -> {
                        found.merge(path, constants(inputs[0]), ThinningSearch::same);
                        return output;
                      }));
        }
      }
      if (!hooks.isEmpty()) {
        Ranking.runInEval(model, example);
      }
    } finally {
      hooks.forEach(Module.Hook::close);
    }
    return found;
  }

  private static float[] constants(Tensor x) {
    try (Scope scope = Scope.open()) {
      Tensor rows = x.transpose(0, 1).flatten(1, -1);
      float[] least = Tensors.toFloats(rows.amin(new long[] {1}, false));
      float[] most = Tensors.toFloats(rows.amax(new long[] {1}, false));
      for (int i = 0; i < least.length; i++) {
        least[i] = least[i] == most[i] ? least[i] : Float.NaN;
      }
      return least;
    }
  }

  private static float[] same(float[] a, float[] b) {
    float[] both = a.clone();
    for (int i = 0; i < both.length; i++) {
      both[i] = a[i] == b[i] ? a[i] : Float.NaN;
    }
    return both;
  }
}
