package dev.octet.workflows.distiller;

import dev.octet.core.affine.QuantParams;
import dev.octet.torch.Scope;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.nn.Conv3d;
import dev.octet.torch.nn.Embedding;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.Module;
import dev.octet.torch.op.QuantOps;
import dev.octet.torch.op.Tracer;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A layer's parameters of which it keeps a float copy: {@code float_NAME} is the parameter that
 * trains, the same tensor as before, so that an optimizer keeps its hold of it; {@code NAME} is a
 * buffer with what became of it when it was quantized last.
 *
 * <p>Training quantizes the copy in every forward, so that gradients reach it. Eval reads the
 * buffer, which is made anew when the layer is switched and by {@link Quantizer#quantizeParams}.
 */
final class CopiedParameters {
  /** A layer that has such parameters. */
  interface Layer {
    CopiedParameters copies();
  }

  private record Copy(ParamToQuant param, Tensor floating, Tensor quantized) {}

  private final Map<String, Copy> copies = new LinkedHashMap<>();
  private final ParamRounding quantize;

  private CopiedParameters(ParamRounding quantize) {
    this.quantize = quantize;
  }

  /**
   * Renames a layer's parameters.
   *
   * @param params by name, those to quantize
   * @param own the layer's parameters
   */
  static CopiedParameters of(
      Map<String, ParamToQuant> params,
      Map<String, Tensor> own,
      ParamRounding quantize,
      BiConsumer<String, Tensor> share,
      Consumer<String> removeParameter,
      BiFunction<String, Tensor, Tensor> buffer) {
    CopiedParameters made = new CopiedParameters(quantize);
    Map<String, Tensor> before = new LinkedHashMap<>(own);
    before.forEach(
        (name, tensor) -> {
          ParamToQuant param = params.get(name);
          if (param != null) {
            share.accept("float_" + name, tensor);
            removeParameter.accept(name);
            Tensor quantized;
            try (Torch.Switched noGrad = Torch.noGrad();
                Scope scope = Scope.open()) {
              quantized = buffer.apply(name, tensor.detach().clone());
            }
            made.copies.put(name, new Copy(param, tensor, quantized));
          }
        });
    return made;
  }

  /** A layer that keeps float copies of these parameters of another, which is to be closed. */
  static Module layer(Module module, Map<String, ParamToQuant> own, ParamRounding quantize) {
    if (module instanceof Conv2d conv) {
      return new CopiedConv2d(conv, own, quantize);
    }
    if (module instanceof Conv3d conv) {
      return new CopiedConv3d(conv, own, quantize);
    }
    if (module instanceof Linear linear) {
      return new CopiedLinear(linear, own, quantize);
    }
    if (module instanceof Embedding embedding) {
      return new CopiedEmbedding(embedding, own, quantize);
    }
    throw new IllegalStateException("bits for the weights of " + module);
  }

  /** Puts layers in the places of others, wherever those stand in a container. */
  static void putInPlace(Module container, IdentityHashMap<Module, Module> copied) {
    container
        .children()
        .forEach(
            (name, module) -> {
              Module made = copied.get(module);
              if (made != null) {
                container.replace(name, made);
              } else {
                putInPlace(module, copied);
              }
            });
  }

  /** What a forward computes with in the place of a parameter. */
  @Nullable Tensor used(String name, @Nullable Tensor parameter, boolean training) {
    Copy copy = copies.get(name);
    if (copy == null) {
      return parameter;
    }
    return used(copy, training);
  }

  /** The same for a parameter that is there. */
  Tensor usedWeight(Tensor parameter, boolean training) {
    Copy copy = copies.get("weight");
    if (copy == null) {
      return parameter;
    }
    return used(copy, training);
  }

  private Tensor used(Copy copy, boolean training) {
    if (Tracer.current() != null) {
      return traced(copy, quantize.integers(copy.floating, copy.param));
    }
    return training ? quantize.apply(copy.floating, copy.param) : copy.quantized;
  }

  /** The quantized values, recorded as integers where some stand for them. */
  private static Tensor traced(Copy copy, @Nullable QuantParams integers) {
    if (integers == null) {
      return copy.quantized;
    }
    long[] shape = new long[integers.count() == 1 ? 0 : Math.toIntExact(copy.floating.dim())];
    Arrays.fill(shape, 1);
    if (shape.length > 0) {
      shape[0] = integers.count();
    }
    return QuantOps.quantizeDequantize(copy.quantized.clone(), copy.quantized, integers, shape);
  }

  /** Makes the buffers anew. */
  void refresh() {
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      copies
          .values()
          .forEach(copy -> copy.quantized.copy_(quantize.apply(copy.floating, copy.param)));
    }
  }

  /** For the layer's text. */
  String settings(String before) {
    return before + ", float copies of " + copies.keySet();
  }
}
