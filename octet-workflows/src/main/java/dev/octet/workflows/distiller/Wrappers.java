package dev.octet.workflows.distiller;

import dev.octet.torch.nn.Module;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The quantized layers of a model, and their scales and ranges by name. */
record Wrappers(Map<String, RangeLinearQuantWrapper> byPath) {
  static Wrappers of(Module model) {
    Map<String, RangeLinearQuantWrapper> wrappers = new LinkedHashMap<>();
    model
        .modules()
        .forEach(
            (path, module) -> {
              if (module instanceof RangeLinearQuantWrapper wrapper) {
                wrappers.put(path, wrapper);
              }
            });
    return new Wrappers(wrappers);
  }

  /** Fixed scales and zero points: {@code conv1.output_scale}. */
  Map<String, float[]> linearQuantParams() {
    Map<String, float[]> named = new LinkedHashMap<>();
    byPath.forEach(
        (path, wrapper) ->
            wrapper
                .linearQuantParams()
                .forEach((param, each) -> named.put(path + "." + param, each)));
    return named;
  }

  /** Ranges that are kept: {@code conv1.output}. */
  Map<String, double[]> clipping() {
    Map<String, double[]> named = new LinkedHashMap<>();
    byPath.forEach(
        (path, wrapper) ->
            wrapper.clipping().forEach((which, range) -> named.put(path + "." + which, range)));
    return named;
  }

  /** For searches that compare with the float model, or set scales of weights. */
  void requireFloatWeights() {
    byPath.forEach(
        (path, wrapper) -> {
          if (wrapper instanceof RangeLinearQuantParamLayerWrapper layer && !layer.keepsFloat()) {
            throw new IllegalStateException(
                "'" + path + "' keeps no float weights; set saveFpWeights(true)");
          }
        });
  }

  /** The layer that such a name is of. */
  RangeLinearQuantWrapper ofName(String name) {
    RangeLinearQuantWrapper wrapper = byPath.get(name.substring(0, dot(name)));
    if (wrapper == null) {
      throw new IllegalArgumentException(
          "'" + name + "' is of no quantized layer; there are " + byPath.keySet());
    }
    return wrapper;
  }

  /** What such a name says behind the layer's path. */
  static String lastPart(String name) {
    return name.substring(dot(name) + 1);
  }

  private static int dot(String name) {
    return Math.max(0, name.lastIndexOf('.'));
  }

  /** What a graph of integers leaves out of a prepared model, and which layers it has in float. */
  static List<String> conversionNotes(Module model) {
    List<String> notes = new ArrayList<>();
    model
        .modules()
        .forEach(
            (path, module) -> {
              if (module instanceof FPWrapper) {
                notes.add("'" + path + "' computes in float as fpq_module says");
              }
              if (module instanceof RangeLinearFakeQuantWrapper) {
                notes.add("'" + path + "' computes in float between quantized tensors");
              }
              if (module instanceof RangeLinearQuantWrapper wrapper) {
                addNotes(notes, path, wrapper.wrapperSettings());
              }
            });
    return notes;
  }

  private static void addNotes(
      List<String> notes, String path, RangeLinearQuantWrapper.Settings own) {
    if (own.scaleApproxMultBits() != null) {
      notes.add("'" + path + "': requantization is exact, not approximated");
    }
    if (own.bitsAccum() < 32) {
      notes.add("'" + path + "': the accumulator has 32 bits, not " + own.bitsAccum());
    }
    if (own.acts().bits() == null) {
      notes.add("'" + path + "' computes in float with integer weights");
    }
  }
}
