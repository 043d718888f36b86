package dev.octet.workflows.pytorch;

import dev.octet.torch.nn.ConvNd;
import dev.octet.torch.nn.Embedding;
import dev.octet.torch.nn.EmbeddingBag;
import dev.octet.torch.nn.GRU;
import dev.octet.torch.nn.GRUCell;
import dev.octet.torch.nn.LSTM;
import dev.octet.torch.nn.LSTMCell;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.RNNCell;
import dev.octet.workflows.pytorch.observer.ObserverBase;
import dev.octet.workflows.pytorch.observer.ObserverFactory;
import dev.octet.workflows.pytorch.observer.QScheme;
import dev.octet.workflows.pytorch.observer.QuantDtype;
import dev.octet.workflows.pytorch.quantized.DynamicSpec;
import dev.octet.workflows.pytorch.quantized.WeightFormat;
import java.util.Map;
import java.util.Set;

/** What a qconfig means for a dynamic layer. */
final class DynamicQConfigs {
  private static final Set<Class<? extends Module>> LAYERS =
      Set.of(
          Linear.class,
          LSTM.class,
          GRU.class,
          LSTMCell.class,
          GRUCell.class,
          RNNCell.class,
          Embedding.class,
          EmbeddingBag.class);

  private DynamicQConfigs() {}

  /** The spec that a mapping means for a model. */
  static DynamicSpec spec(Module model, QConfigMapping mapping) {
    DynamicSpec spec = DynamicSpec.empty();
    for (Map.Entry<String, Module> each : model.modules().entrySet()) {
      Module module = each.getValue();
      // Convolutions only where a rule names them, as in specs.
      boolean named = module instanceof ConvNd && mapping.names(each.getKey());
      if (!named && !LAYERS.contains(module.getClass())) {
        continue;
      }
      QConfig qconfig = mapping.resolve(each.getKey(), Preparing.type(module));
      if (qconfig != null) {
        try {
          spec = spec.name(each.getKey(), settings(qconfig));
        } catch (IllegalArgumentException e) {
          throw new IllegalArgumentException("'" + each.getKey() + "': " + e.getMessage(), e);
        }
      }
    }
    return spec;
  }

  private static DynamicSpec.Settings settings(QConfig qconfig) {
    ObserverFactory factory = qconfig.weight();
    if (factory == null) {
      throw new IllegalArgumentException("its qconfig has nothing for weights");
    }
    try (Module weightModule = factory.create();
        Module activationModule = qconfig.activation().create()) {
      ObserverBase weight = Preparing.observer(weightModule);
      ObserverBase activation = Preparing.observer(activationModule);
      if (weight == null || activation == null) {
        throw new IllegalArgumentException("its qconfig observes nothing");
      }
      return switch (weight.dtype()) {
        case FLOAT16 -> DynamicSpec.Settings.of(WeightFormat.FLOAT16);
        case QUINT8 -> DynamicSpec.Settings.of(WeightFormat.UINT8);
        case QUINT4X2 -> DynamicSpec.Settings.of(WeightFormat.UINT4);
        case QINT8 -> {
          if (!activation.isDynamic() || activation.dtype() != QuantDtype.QUINT8) {
            throw new IllegalArgumentException(
                "its qconfig is static; use one such as DEFAULT_DYNAMIC_QCONFIG");
          }
          boolean perToken = activation.observerSettings().qscheme() == QScheme.PER_TOKEN_AFFINE;
          // With one scale for the tensor PyTorch's layers always use 7 bits.
          yield new DynamicSpec.Settings(
              WeightFormat.INT8, weight.channelAxis() >= 0, perToken, !perToken);
        }
        case QINT32, FLOAT32 ->
            throw new IllegalArgumentException(
                "weights of " + weight.dtype() + " have no dynamic form");
      };
    }
  }
}
