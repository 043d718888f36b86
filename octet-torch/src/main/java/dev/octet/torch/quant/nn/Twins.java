package dev.octet.torch.quant.nn;

import static dev.octet.torch.quant.nn.Twin.unweighted;
import static dev.octet.torch.quant.nn.Twin.weighted;

import dev.octet.torch.nn.AdaptiveAvgPool1d;
import dev.octet.torch.nn.AdaptiveAvgPool2d;
import dev.octet.torch.nn.AdaptiveAvgPool3d;
import dev.octet.torch.nn.Add;
import dev.octet.torch.nn.AvgPool1d;
import dev.octet.torch.nn.AvgPool2d;
import dev.octet.torch.nn.AvgPool3d;
import dev.octet.torch.nn.BatchNorm1d;
import dev.octet.torch.nn.BatchNorm2d;
import dev.octet.torch.nn.BatchNorm3d;
import dev.octet.torch.nn.Concat;
import dev.octet.torch.nn.Conv1d;
import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.nn.Conv3d;
import dev.octet.torch.nn.ConvTranspose1d;
import dev.octet.torch.nn.ConvTranspose2d;
import dev.octet.torch.nn.ConvTranspose3d;
import dev.octet.torch.nn.Embedding;
import dev.octet.torch.nn.EmbeddingBag;
import dev.octet.torch.nn.GRU;
import dev.octet.torch.nn.GRUCell;
import dev.octet.torch.nn.InstanceNorm1d;
import dev.octet.torch.nn.InstanceNorm2d;
import dev.octet.torch.nn.InstanceNorm3d;
import dev.octet.torch.nn.LSTM;
import dev.octet.torch.nn.LSTMCell;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.MatMul;
import dev.octet.torch.nn.MaxPool1d;
import dev.octet.torch.nn.MaxPool2d;
import dev.octet.torch.nn.MaxPool3d;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.Mul;
import dev.octet.torch.nn.MultiheadAttention;
import dev.octet.torch.nn.RNN;
import dev.octet.torch.nn.RNNCell;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Which classes of layers are quantized, and how: Octet's own, less some, plus others. */
final class Twins {
  private static final List<Twin<?>> AUTOMATIC =
      List.of(
          weighted(Conv1d.class, QuantConv1d.DEFAULTS, QuantConv1d::from),
          weighted(Conv2d.class, QuantConv2d.DEFAULTS, QuantConv2d::from),
          weighted(Conv3d.class, QuantConv3d.DEFAULTS, QuantConv3d::from),
          weighted(
              ConvTranspose1d.class, QuantConvTranspose1d.DEFAULTS, QuantConvTranspose1d::from),
          weighted(
              ConvTranspose2d.class, QuantConvTranspose2d.DEFAULTS, QuantConvTranspose2d::from),
          weighted(
              ConvTranspose3d.class, QuantConvTranspose3d.DEFAULTS, QuantConvTranspose3d::from),
          weighted(Linear.class, QuantLinear.DEFAULTS, QuantLinear::from),
          unweighted(Add.class, QuantAdd.DEFAULTS, QuantAdd::from),
          unweighted(Mul.class, QuantMul.DEFAULTS, QuantMul::from),
          unweighted(MatMul.class, QuantMatMul.DEFAULTS, QuantMatMul::from),
          unweighted(Concat.class, QuantConcat.DEFAULTS, QuantConcat::from),
          weighted(
              MultiheadAttention.class,
              QuantMultiheadAttention.DEFAULTS,
              QuantMultiheadAttention::from),
          weighted(LSTMCell.class, QuantLSTMCell.DEFAULTS, QuantLSTMCell::from),
          weighted(GRUCell.class, QuantGRUCell.DEFAULTS, QuantGRUCell::from),
          weighted(RNNCell.class, QuantRNNCell.DEFAULTS, QuantRNNCell::from),
          weighted(LSTM.class, QuantLSTM.DEFAULTS, QuantLSTM::from),
          weighted(GRU.class, QuantGRU.DEFAULTS, QuantGRU::from),
          weighted(RNN.class, QuantRNN.DEFAULTS, QuantRNN::from),
          unweighted(AvgPool1d.class, QuantAvgPool1d.DEFAULTS, QuantAvgPool1d::from),
          unweighted(AvgPool2d.class, QuantAvgPool2d.DEFAULTS, QuantAvgPool2d::from),
          unweighted(AvgPool3d.class, QuantAvgPool3d.DEFAULTS, QuantAvgPool3d::from),
          unweighted(
              AdaptiveAvgPool1d.class,
              QuantAdaptiveAvgPool1d.DEFAULTS,
              QuantAdaptiveAvgPool1d::from),
          unweighted(
              AdaptiveAvgPool2d.class,
              QuantAdaptiveAvgPool2d.DEFAULTS,
              QuantAdaptiveAvgPool2d::from),
          unweighted(
              AdaptiveAvgPool3d.class,
              QuantAdaptiveAvgPool3d.DEFAULTS,
              QuantAdaptiveAvgPool3d::from));

  private static final List<Twin<?>> ON_REQUEST =
      List.of(
          weighted(
              Embedding.class,
              QuantEmbedding.DEFAULTS,
              (from, input, weight) -> QuantEmbedding.from(from, weight)),
          weighted(
              EmbeddingBag.class,
              QuantEmbeddingBag.DEFAULTS,
              (from, input, weight) -> QuantEmbeddingBag.from(from, weight)),
          unweighted(MaxPool1d.class, QuantMaxPool1d.DEFAULTS, QuantMaxPool1d::from),
          unweighted(MaxPool2d.class, QuantMaxPool2d.DEFAULTS, QuantMaxPool2d::from),
          unweighted(MaxPool3d.class, QuantMaxPool3d.DEFAULTS, QuantMaxPool3d::from),
          unweighted(BatchNorm1d.class, QuantBatchNorm1d.DEFAULTS, QuantBatchNorm1d::from),
          unweighted(BatchNorm2d.class, QuantBatchNorm2d.DEFAULTS, QuantBatchNorm2d::from),
          unweighted(BatchNorm3d.class, QuantBatchNorm3d.DEFAULTS, QuantBatchNorm3d::from),
          unweighted(InstanceNorm1d.class, QuantInstanceNorm1d.DEFAULTS, QuantInstanceNorm1d::from),
          unweighted(InstanceNorm2d.class, QuantInstanceNorm2d.DEFAULTS, QuantInstanceNorm2d::from),
          unweighted(
              InstanceNorm3d.class, QuantInstanceNorm3d.DEFAULTS, QuantInstanceNorm3d::from));

  private static final Map<Class<?>, Twin<?>> STANDARD = standard();

  private final Map<Class<?>, Twin<?>> byClass;

  private Twins(Map<Class<?>, Twin<?>> byClass) {
    this.byClass = byClass;
  }

  static Twins with(Collection<String> floatModules, Collection<? extends Twin<?>> customModules) {
    Set<String> known =
        STANDARD.keySet().stream()
            .map(Class::getSimpleName)
            .collect(Collectors.toCollection(TreeSet::new));
    for (String name : floatModules) {
      if (!known.contains(name)) {
        throw new IllegalArgumentException(
            "'" + name + "' names no class with a quantized form; there are " + known);
      }
    }
    Map<Class<?>, Twin<?>> byClass = new LinkedHashMap<>();
    for (Twin<?> twin : AUTOMATIC) {
      if (!floatModules.contains(twin.layer().getSimpleName())) {
        byClass.put(twin.layer(), twin);
      }
    }
    customModules.forEach(twin -> byClass.put(twin.layer(), twin));
    return new Twins(byClass);
  }

  @SuppressWarnings("unchecked") // The map pairs each class with its own twin.
  static <M extends Module> Twin<M> standard(Class<M> layer) {
    Twin<?> twin = STANDARD.get(layer);
    if (twin == null) {
      throw new IllegalArgumentException(
          layer.getSimpleName()
              + " has no quantized form; there are "
              + STANDARD.keySet().stream().map(Class::getSimpleName).sorted().toList());
    }
    return (Twin<M>) twin;
  }

  /** The twin of exactly this class, if it is to be quantized. */
  @Nullable Twin<?> of(Module module) {
    return byClass.get(module.getClass());
  }

  /** Why {@link #of} has none. */
  String reasonForNone(Module module) {
    Class<?> layer = module.getClass();
    if (STANDARD.containsKey(layer)) {
      return "it is quantized only when asked for, with QuantModules.twin("
          + layer.getSimpleName()
          + ".class)";
    }
    for (Class<?> above = layer.getSuperclass(); above != null; above = above.getSuperclass()) {
      if (byClass.containsKey(above)) {
        return "it is a subclass of " + above.getSimpleName() + "; give a Twin for it";
      }
    }
    return module + " has no quantized form";
  }

  private static Map<Class<?>, Twin<?>> standard() {
    Map<Class<?>, Twin<?>> all = new LinkedHashMap<>();
    AUTOMATIC.forEach(twin -> all.put(twin.layer(), twin));
    ON_REQUEST.forEach(twin -> all.put(twin.layer(), twin));
    return Map.copyOf(all);
  }
}
