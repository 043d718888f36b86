package dev.octet.workflows.pytorch.quantized;

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
import dev.octet.torch.nn.LSTM;
import dev.octet.torch.nn.LSTMCell;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.MultiheadAttention;
import dev.octet.torch.nn.RNNCell;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Which modules become dynamic ones, by class or by name, and how: PyTorch's {@code qconfig_spec}.
 * A name counts more than a class, and holds for all that is below it (for convolutions only if it
 * is their own); the longest counts most. Null settings keep a module float.
 *
 * <pre>{@code
 * DynamicSpec spec = DynamicSpec.of(WeightFormat.INT8)               // PyTorch's default classes
 *     .name("decoder", null)                                       // stays float
 *     .type(EmbeddingBag.class, DynamicSpec.Settings.of(WeightFormat.UINT4));
 * }</pre>
 */
public final class DynamicSpec {
  /** The classes that have a dynamic form, and the formats of each. */
  static final Map<Class<? extends Module>, List<WeightFormat>> FORMS = new LinkedHashMap<>();

  /** Those that {@link #of} leaves out, as PyTorch does for their accuracy. */
  private static final List<Class<? extends Module>> UNASKED =
      List.of(
          Conv1d.class,
          Conv2d.class,
          Conv3d.class,
          ConvTranspose1d.class,
          ConvTranspose2d.class,
          ConvTranspose3d.class);

  static {
    List<WeightFormat> products = List.of(WeightFormat.INT8, WeightFormat.FLOAT16);
    FORMS.put(Linear.class, products);
    FORMS.put(LSTM.class, products);
    FORMS.put(GRU.class, products);
    FORMS.put(LSTMCell.class, products);
    FORMS.put(GRUCell.class, products);
    FORMS.put(RNNCell.class, products);
    FORMS.put(MultiheadAttention.class, products);
    FORMS.put(Embedding.class, List.of(WeightFormat.UINT8, WeightFormat.UINT4));
    FORMS.put(
        EmbeddingBag.class, List.of(WeightFormat.UINT8, WeightFormat.UINT4, WeightFormat.UINT2));
    UNASKED.forEach(type -> FORMS.put(type, List.of(WeightFormat.INT8)));
  }

  /**
   * How a module is quantized.
   *
   * @param format of the weights
   * @param perChannel whether each output has its own scale of weights; PyTorch's default is one
   *     scale for the tensor. Integers of 8 bits only
   * @param perToken whether each row of activations has its own scale, as torchao has it; PyTorch
   *     has one for the tensor, so that an outlier in one row takes precision from all others.
   *     Integers of 8 bits only
   * @param reduceRange whether activations have 7 bits, as in PyTorch's layers; with one scale for
   *     the tensor only
   */
  public record Settings(
      WeightFormat format, boolean perChannel, boolean perToken, boolean reduceRange) {
    /** Checks that settings go together. */
    public Settings {
      if (format != WeightFormat.INT8 && (perChannel || perToken || reduceRange)) {
        throw new IllegalArgumentException(
            "per channel, per token and reduced range are settings of INT8, not of " + format);
      }
      if (perToken && reduceRange) {
        throw new IllegalArgumentException(
            "a reduced range is of activations per tensor; choose it or per token");
      }
    }

    /** A format with one scale for each weight and, in each call, one for activations. */
    public static Settings of(WeightFormat format) {
      return new Settings(format, false, false, false);
    }

    /** As PyTorch has it by default: 8-bit integers, with activations in 7 bits. */
    public static Settings pytorch() {
      return new Settings(WeightFormat.INT8, false, false, true);
    }

    /** A scale for each output channel of weights and for each row of activations. */
    public static Settings perChannelPerToken() {
      return new Settings(WeightFormat.INT8, true, true, false);
    }
  }

  private final Map<Class<? extends Module>, @Nullable Settings> types;
  private final Map<String, @Nullable Settings> names;

  private DynamicSpec(
      Map<Class<? extends Module>, @Nullable Settings> types,
      Map<String, @Nullable Settings> names) {
    this.types = types;
    this.names = names;
  }

  /** Nothing; to be added to. */
  public static DynamicSpec empty() {
    return new DynamicSpec(new LinkedHashMap<>(), new LinkedHashMap<>());
  }

  /**
   * The classes that PyTorch quantizes by default: for {@code INT8} and {@code FLOAT16} Linear,
   * LSTM, GRU and the cells, and here also the projections of MultiheadAttention; for {@code UINT8}
   * both embeddings; for {@code UINT4} and {@code UINT2} EmbeddingBag. Convolutions only become
   * dynamic where {@link #type} or {@link #name} says so.
   */
  public static DynamicSpec of(WeightFormat format) {
    return of(Settings.of(format));
  }

  /** The same with more settings. */
  public static DynamicSpec of(Settings settings) {
    DynamicSpec spec = empty();
    FORMS.forEach(
        (type, formats) -> {
          boolean unasked =
              UNASKED.contains(type)
                  || (settings.format() == WeightFormat.UINT4 && type == Embedding.class);
          if (formats.contains(settings.format()) && !unasked) {
            spec.types.put(type, settings);
          }
        });
    return spec;
  }

  /**
   * The same with the modules of exactly a class.
   *
   * @param settings null to keep them float
   * @throws IllegalArgumentException if the class has no dynamic form, or not in that format
   */
  public DynamicSpec type(Class<? extends Module> type, @Nullable Settings settings) {
    List<WeightFormat> formats = FORMS.get(type);
    if (formats == null) {
      throw new IllegalArgumentException(
          type.getSimpleName()
              + " has no dynamic form; there are "
              + FORMS.keySet().stream().map(Class::getSimpleName).toList());
    }
    if (settings != null && !formats.contains(settings.format())) {
      throw new IllegalArgumentException(
          type.getSimpleName()
              + " is not quantized in "
              + settings.format()
              + "; choose "
              + formats);
    }
    DynamicSpec spec = copy();
    spec.types.put(type, settings);
    return spec;
  }

  /**
   * The same with the module of a name, and those below it.
   *
   * @param name the path of a module
   * @param settings null to keep them float
   */
  public DynamicSpec name(String name, @Nullable Settings settings) {
    DynamicSpec spec = copy();
    spec.names.put(name, settings);
    return spec;
  }

  private DynamicSpec copy() {
    return new DynamicSpec(new LinkedHashMap<>(types), new LinkedHashMap<>(names));
  }

  /** The names that have settings of their own. */
  Map<String, @Nullable Settings> names() {
    return names;
  }

  /** The classes that have settings. */
  Map<Class<? extends Module>, @Nullable Settings> types() {
    return types;
  }

  /**
   * What holds for a module.
   *
   * @param by the name or class that says so, for messages
   */
  record Choice(String by, boolean byName, @Nullable Settings settings) {}

  /** What holds for a module; null where nothing does. */
  @Nullable Choice choice(String path, Module module) {
    String at = path;
    while (true) {
      boolean counts = at.equals(path) || !UNASKED.contains(module.getClass());
      if (names.containsKey(at) && (counts || names.get(at) == null)) {
        return new Choice("'" + at + "'", true, names.get(at));
      }
      int dot = at.lastIndexOf('.');
      if (dot < 0) {
        break;
      }
      at = at.substring(0, dot);
    }
    if (types.containsKey(module.getClass())) {
      Class<?> type = module.getClass();
      return new Choice(type.getSimpleName(), false, types.get(type));
    }
    return null;
  }
}
