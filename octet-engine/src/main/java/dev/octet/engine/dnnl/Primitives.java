package dev.octet.engine.dnnl;

import dev.octet.graph.DataType;
import java.util.List;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.bytedeco.dnnl.binary;
import org.bytedeco.dnnl.concat;
import org.bytedeco.dnnl.convolution_forward;
import org.bytedeco.dnnl.deconvolution_forward;
import org.bytedeco.dnnl.eltwise_forward;
import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.dnnl.group_normalization_forward;
import org.bytedeco.dnnl.layer_normalization_forward;
import org.bytedeco.dnnl.lrn_forward;
import org.bytedeco.dnnl.matmul;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.memory_desc_vector;
import org.bytedeco.dnnl.pooling_forward;
import org.bytedeco.dnnl.prelu_forward;
import org.bytedeco.dnnl.primitive;
import org.bytedeco.dnnl.primitive_attr;
import org.bytedeco.dnnl.primitive_desc;
import org.bytedeco.dnnl.primitive_desc_base;
import org.bytedeco.dnnl.reduction;
import org.bytedeco.dnnl.reorder;
import org.bytedeco.dnnl.softmax_forward;
import org.bytedeco.javacpp.PointerScope;
import org.jspecify.annotations.Nullable;

/**
 * Compiles primitives. Layouts given as {@link Layout#any} are chosen by oneDNN; ask the result for
 * them. Every method throws {@link DnnlException} where oneDNN has no code for what is asked.
 */
public final class Primitives {
  private static final dnnl.prop_kind INFERENCE = dnnl.prop_kind.forward_inference;

  /** How a window moves over the spatial dimensions; one number for each of them. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  public record Window(
      long[] kernel, long[] strides, long[] dilations, long[] padBegin, long[] padEnd) {

    /** Dilations as oneDNN counts them: 0 where ONNX says 1. */
    long[] gaps() {
      long[] gaps = dilations.clone();
      for (int i = 0; i < gaps.length; i++) {
        gaps[i]--;
      }
      return gaps;
    }
  }

  private Primitives() {}

  /**
   * Whether integer primitives add up exactly on this CPU. Those before VNNI add pairs of products
   * of unsigned by signed bytes in 16 bits, which saturate, unless weights are small; and oneDNN
   * halves weights there where the source is signed.
   *
   * @param source the type of the source
   * @param largestWeight the largest magnitude of a weight
   */
  public static boolean addsExactly(DataType source, int largestWeight) {
    return !Native.SATURATES || (source == DataType.UINT8 && largestWeight <= 64);
  }

  /**
   * A convolution; {@code weights} is {@code [O, I, kernel...]} or grouped {@code [G, O/G, I/G,
   * kernel...]}; {@code bias} is {@code [O]}.
   */
  public static Primitive convolution(
      Layout source,
      Layout weights,
      @Nullable Layout bias,
      Layout destination,
      Window window,
      Attributes attributes) {
    return compile(
        "convolution",
        attributes,
        Faults.ofConvolution(source, weights, destination, window, attributes),
        attr ->
            new convolution_forward.primitive_desc(
                Native.cpu(),
                INFERENCE,
                dnnl.algorithm.convolution_direct,
                source.desc(),
                weights.desc(),
                bias == null ? new memory.desc() : bias.desc(),
                destination.desc(),
                window.strides,
                window.gaps(),
                window.padBegin,
                window.padEnd,
                attr,
                false),
        convolution_forward::new);
  }

  /**
   * The transpose of a convolution; {@code weights} is {@code [O, I, kernel...]} or grouped {@code
   * [G, O/G, I/G, kernel...]}; {@code bias} is {@code [O]}.
   */
  public static Primitive deconvolution(
      Layout source,
      Layout weights,
      @Nullable Layout bias,
      Layout destination,
      Window window,
      Attributes attributes) {
    return compile(
        "deconvolution",
        attributes,
        Faults.ofDeconvolution(source, window),
        attr ->
            new deconvolution_forward.primitive_desc(
                Native.cpu(),
                INFERENCE,
                dnnl.algorithm.deconvolution_direct,
                source.desc(),
                weights.desc(),
                bias == null ? new memory.desc() : bias.desc(),
                destination.desc(),
                window.strides,
                window.gaps(),
                window.padBegin,
                window.padEnd,
                attr,
                false),
        deconvolution_forward::new);
  }

  /** What a pooling window computes. */
  public enum Pooling {
    MAX(dnnl.algorithm.pooling_max),
    /** Padding counts as zeros. */
    AVERAGE_WITH_PADDING(dnnl.algorithm.pooling_avg_include_padding),
    /** The mean of the elements that are there. */
    AVERAGE(dnnl.algorithm.pooling_avg_exclude_padding);

    final dnnl.algorithm code;

    Pooling(dnnl.algorithm code) {
      this.code = code;
    }
  }

  /** A pooling of {@code [N, C, spatial...]}. */
  public static Primitive pooling(
      Pooling what, Layout source, Layout destination, Window window, Attributes attributes) {
    return compile(
        "pooling",
        attributes,
        attr ->
            new pooling_forward.primitive_desc(
                Native.cpu(),
                INFERENCE,
                what.code,
                source.desc(),
                destination.desc(),
                window.strides,
                window.kernel,
                window.gaps(),
                window.padBegin,
                window.padEnd,
                attr,
                false),
        pooling_forward::new);
  }

  /** Which of the elements that become one remains. */
  public enum Extreme {
    LEAST(dnnl.algorithm.reduction_min),
    GREATEST(dnnl.algorithm.reduction_max);

    private final dnnl.algorithm code;

    Extreme(dnnl.algorithm code) {
      this.code = code;
    }
  }

  /** The extremes along the dimensions that are 1 in the destination. */
  public static Primitive extreme(Extreme which, Layout source, Layout destination) {
    return compile(
        "reduction",
        new Attributes(),
        attr ->
            new reduction.primitive_desc(
                Native.cpu(), which.code, source.desc(), destination.desc(), 0, 0, attr, false),
        reduction::new);
  }

  /** {@code [..., M, K] x [..., K, N]}, with a bias that broadcasts to the result. */
  public static Primitive matmul(
      Layout source,
      Layout weights,
      @Nullable Layout bias,
      Layout destination,
      Attributes attributes) {
    return compile(
        "matmul",
        attributes,
        attr ->
            bias == null
                ? new matmul.primitive_desc(
                    Native.cpu(), source.desc(), weights.desc(), destination.desc(), attr, false)
                : new matmul.primitive_desc(
                    Native.cpu(),
                    source.desc(),
                    weights.desc(),
                    bias.desc(),
                    destination.desc(),
                    attr,
                    false),
        matmul::new);
  }

  /** An element-wise function. */
  public static Primitive eltwise(
      Attributes.Eltwise function,
      float a,
      float b,
      Layout source,
      Layout destination,
      Attributes attributes) {
    return compile(
        "eltwise",
        attributes,
        attr ->
            new eltwise_forward.primitive_desc(
                Native.cpu(),
                INFERENCE,
                function.code,
                source.desc(),
                destination.desc(),
                a,
                b,
                attr,
                false),
        eltwise_forward::new);
  }

  /** A function of two tensors of equal rank, whose dimensions are the destination's or 1. */
  public static Primitive binary(
      Attributes.Binary function,
      Layout first,
      Layout second,
      Layout destination,
      Attributes attributes) {
    Faults.refuseMixedBlocks(first, destination);
    return compile(
        "binary",
        attributes,
        attr ->
            new binary.primitive_desc(
                Native.cpu(),
                function.code,
                first.desc(),
                second.desc(),
                destination.desc(),
                attr,
                false),
        binary::new);
  }

  /** Softmax along {@code axis}, or its logarithm. */
  public static Primitive softmax(
      boolean logarithm, Layout source, Layout destination, int axis, Attributes attributes) {
    return compile(
        "softmax",
        attributes,
        attr ->
            new softmax_forward.primitive_desc(
                Native.cpu(),
                INFERENCE,
                logarithm ? dnnl.algorithm.softmax_log : dnnl.algorithm.softmax_accurate,
                source.desc(),
                destination.desc(),
                axis,
                attr,
                false),
        softmax_forward::new);
  }

  /**
   * {@code (x − mean)/√(variance + epsilon)} over the last dimension, times {@link Args#SCALE},
   * plus {@link Args#SHIFT}, each a vector as long as that dimension.
   *
   * @param centred whether the mean is taken off; without it the variance is the mean of squares
   */
  public static Primitive layerNormalization(
      Layout source,
      Layout destination,
      float epsilon,
      boolean centred,
      boolean scaled,
      boolean shifted,
      Attributes attributes) {
    return compile(
        "layer normalization",
        attributes,
        attr ->
            new layer_normalization_forward.primitive_desc(
                Native.cpu(),
                INFERENCE.value,
                source.desc(),
                destination.desc(),
                epsilon,
                (centred ? 0 : dnnl.normalization_flags.rms_norm.value) | flags(scaled, shifted),
                attr,
                false),
        layer_normalization_forward::new);
  }

  /**
   * The same over all but the first dimension of each of {@code groups} equal parts of the
   * channels, with a scale and a shift for each channel.
   */
  public static Primitive groupNormalization(
      Layout source, Layout destination, long groups, float epsilon, Attributes attributes) {
    return compile(
        "group normalization",
        attributes,
        attr ->
            new group_normalization_forward.primitive_desc(
                Native.cpu(),
                INFERENCE.value,
                source.desc(),
                destination.desc(),
                groups,
                epsilon,
                flags(true, true),
                attr,
                false),
        group_normalization_forward::new);
  }

  private static int flags(boolean scaled, boolean shifted) {
    return (scaled ? dnnl.normalization_flags.use_scale.value : 0)
        | (shifted ? dnnl.normalization_flags.use_shift.value : 0);
  }

  /**
   * {@code x·(k + alpha/size·Σ x²)^−beta} over {@code size} neighbouring channels, an odd number.
   */
  public static Primitive localResponse(
      Layout source, Layout destination, long size, float alpha, float beta, float k) {
    Attributes attributes = new Attributes();
    return compile(
        "local response normalization",
        attributes,
        attr ->
            new lrn_forward.primitive_desc(
                Native.cpu(),
                INFERENCE,
                dnnl.algorithm.lrn_across_channels,
                source.desc(),
                destination.desc(),
                size,
                alpha,
                beta,
                k,
                attr,
                false),
        lrn_forward::new);
  }

  /** x where positive, else x times its slope; {@code slopes} has dimensions of the source or 1. */
  public static Primitive prelu(Layout source, Layout slopes, Layout destination) {
    return compile(
        "prelu",
        new Attributes(),
        attr ->
            new prelu_forward.primitive_desc(
                Native.cpu(),
                INFERENCE,
                source.desc(),
                slopes.desc(),
                destination.desc(),
                attr,
                false),
        prelu_forward::new);
  }

  /** Puts {@code sources} one after another along {@code axis}. */
  public static Primitive concat(
      Layout destination, int axis, List<Layout> sources, Attributes attributes) {
    return compile(
        "concat",
        attributes,
        attr -> {
          memory_desc_vector descs = new memory_desc_vector(sources.size());
          for (int i = 0; i < sources.size(); i++) {
            descs.put(i, sources.get(i).desc());
          }
          return new concat.primitive_desc(
              Native.cpu(), destination.desc(), axis, descs, attr, false);
        },
        concat::new);
  }

  /** Copies elements into another layout or type. */
  public static Primitive reorder(Layout from, Layout to, Attributes attributes) {
    return compile(
        "reorder",
        attributes,
        attr ->
            new reorder.primitive_desc(
                Native.cpu(), from.desc(), Native.cpu(), to.desc(), attr, false),
        reorder::new);
  }

  /**
   * Compiles a primitive in a scope of its own.
   *
   * @param kind its name, for people
   * @param attributes its attributes
   * @param describe makes the descriptor, with arguments that were checked
   * @param create makes the primitive from it
   */
  static <D extends primitive_desc_base> Primitive compile(
      String kind,
      Attributes attributes,
      Function<primitive_attr, D> describe,
      Function<D, ? extends primitive> create) {
    return compile(kind, attributes, Faults.NONE, describe, create);
  }

  private static <D extends primitive_desc_base> Primitive compile(
      String kind,
      Attributes attributes,
      Predicate<String> wrong,
      Function<primitive_attr, D> describe,
      Function<D, ? extends primitive> create) {
    try (PointerScope scope = new PointerScope()) {
      D desc = describe.apply(attributes.create());
      while (wrong.test(desc.impl_info_str().getString())) {
        if (!(desc instanceof primitive_desc more) || !more.next_impl()) {
          throw new DnnlException("oneDNN has no correct " + kind + " for this");
        }
      }
      String extra = attributes.toString();
      return new Primitive(extra.isEmpty() ? kind : kind + "+" + extra, desc, create.apply(desc));
    } catch (DnnlException refused) {
      throw refused;
    } catch (RuntimeException refused) {
      throw new DnnlException(
          "oneDNN has no " + kind + " for this: " + refused.getMessage(), refused);
    }
  }

  /** The first of {@code attempts} that oneDNN has code for; the last one's failure is thrown. */
  @SafeVarargs
  public static Primitive first(Supplier<Primitive>... attempts) {
    for (int i = 0; i < attempts.length - 1; i++) {
      try {
        return attempts[i].get();
      } catch (DnnlException next) {
        // The next one, then.
      }
    }
    return attempts[attempts.length - 1].get();
  }
}
