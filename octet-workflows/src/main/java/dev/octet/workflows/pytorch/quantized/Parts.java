package dev.octet.workflows.pytorch.quantized;

import dev.octet.core.affine.QuantParams;
import dev.octet.core.descriptor.Granularity;
import dev.octet.graph.DataType;
import dev.octet.graph.Tensor;
import dev.octet.torch.nn.Module;
import java.util.Arrays;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a file holds of one module.
 *
 * @param path of the module
 * @param descriptions of all quantized modules of the file, by path
 * @param tensors of the whole file, by path
 */
record Parts(String path, Map<String, Description> descriptions, Map<String, Tensor> tensors) {

  /** What the module is. */
  Description description() {
    Description found = descriptions.get(path);
    if (found == null) {
      throw new IllegalArgumentException("the file does not describe a module '" + path + "'");
    }
    return found;
  }

  /** Puts the quantized children that the file describes in the place of a module's. */
  <M extends Module> M under(M made) {
    try {
      made.children()
          .forEach(
              (name, child) -> {
                Parts part = child(name);
                if (descriptions.containsKey(part.path)) {
                  made.replace(name, QuantizedModules.build(part, child)).close();
                }
              });
      return made;
    } catch (RuntimeException e) {
      made.close();
      throw e;
    }
  }

  /** The parts of a child. */
  Parts child(String name) {
    return new Parts(join(name), descriptions, tensors);
  }

  private String join(String name) {
    return path.isEmpty() ? name : path + "." + name;
  }

  /** A tensor of the module, if it is there. */
  @Nullable Tensor optional(String name) {
    return tensors.get(join(name));
  }

  /**
   * A tensor of the module.
   *
   * @throws IllegalArgumentException if it is not there or of another type
   */
  Tensor tensor(String name, DataType type) {
    Tensor found = optional(name);
    if (found == null || found.type() != type) {
      throw new IllegalArgumentException(
          "'" + join(name) + "' is " + (found == null ? "missing" : found + ", not " + type));
    }
    return found;
  }

  /** A float vector of the module, if it is there. */
  float @Nullable [] vector(String name) {
    return optional(name) == null ? null : tensor(name, DataType.FLOAT).toFloats();
  }

  /** A weight of 8-bit integers. */
  QuantizedTensor weight(String name) {
    Description.Weight form = Description.need(description().weight(), "weight");
    Dtype dtype =
        switch (form.format()) {
          case INT8 -> Dtype.QINT8;
          case UINT8 -> Dtype.QUINT8;
          case FLOAT16, UINT4, UINT2 ->
              throw new IllegalArgumentException(
                  "the weight of '" + path + "' is " + form.format() + ", not of 8-bit integers");
        };
    Tensor codes = tensor(name, dtype.dataType());
    float[] scales = tensor(name + "_scale", DataType.FLOAT).toFloats();
    int[] zeros = new int[scales.length];
    if (optional(name + "_zero_point") != null) {
      long[] given = tensor(name + "_zero_point", dtype.dataType()).toLongs();
      if (given.length != zeros.length) {
        throw new IllegalArgumentException(
            "'" + join(name) + "' has " + zeros.length + " scales and " + given.length + " zeros");
      }
      Arrays.setAll(zeros, i -> (int) given[i]);
    }
    Integer axis = form.axis();
    return QuantizedTensor.of(
        Arrays.stream(codes.toLongs()).mapToInt(Math::toIntExact).toArray(),
        QuantParams.affine(
            scales,
            zeros,
            axis == null ? Granularity.perTensor() : Granularity.perAxis(axis),
            dtype.qmin(),
            dtype.qmax()),
        dtype,
        Arrays.stream(codes.shape()).mapToInt(Math::toIntExact).toArray());
  }
}
