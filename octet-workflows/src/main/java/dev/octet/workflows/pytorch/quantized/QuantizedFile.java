package dev.octet.workflows.pytorch.quantized;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.octet.core.affine.FloatQuantParams;
import dev.octet.core.affine.QuantParams;
import dev.octet.core.descriptor.Granularity;
import dev.octet.core.format.Int4;
import dev.octet.graph.DataType;
import dev.octet.torch.weights.Safetensors;
import dev.octet.torch.weights.WeightsException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/**
 * Quantized tensors in a safetensors file: codes under the tensor's name (4 bits packed into
 * bytes), {@code NAME.scale} and {@code NAME.zero_point} beside them, and the rest as metadata.
 */
final class QuantizedFile {
  private static final String KEY = "octet.quantized:";
  private static final String SCALE = ".scale";
  private static final String ZERO_POINT = ".zero_point";
  private static final ObjectMapper JSON = new ObjectMapper();

  /** What the three tensors do not say. */
  record Form(
      Dtype dtype,
      QuantizedTensor.Scheme scheme,
      List<Long> shape,
      @Nullable Integer axis,
      int qmin,
      int qmax) {}

  private QuantizedFile() {}

  static void write(Path file, Map<String, QuantizedTensor> tensors) {
    Map<String, dev.octet.graph.Tensor> stored = new LinkedHashMap<>();
    Map<String, String> metadata = new TreeMap<>();
    tensors.forEach(
        (name, tensor) -> {
          if (stored.containsKey(name)
              || tensors.containsKey(name + SCALE)
              || tensors.containsKey(name + ZERO_POINT)) {
            throw new WeightsException(
                "the name '" + name + "' meets that of another's scales; rename one");
          }
          boolean real = tensor.scheme() == QuantizedTensor.Scheme.PER_CHANNEL_AFFINE_FLOAT_QPARAMS;
          float[] scales = tensor.scales();
          stored.put(name, bytes(tensor.codes()));
          stored.put(name + SCALE, dev.octet.graph.Tensor.ofFloats(scales, scales.length));
          stored.put(
              name + ZERO_POINT,
              real
                  ? dev.octet.graph.Tensor.ofFloats(tensor.zeroPoints(), scales.length)
                  : dev.octet.graph.Tensor.ofInts(tensor.params().zeroPoints(), scales.length));
          Form form =
              new Form(
                  tensor.dtype(),
                  tensor.scheme(),
                  LongStream.of(tensor.shape()).boxed().toList(),
                  tensor.scheme() == QuantizedTensor.Scheme.PER_TENSOR_AFFINE
                      ? null
                      : tensor.axis(),
                  real ? tensor.floatParams().qmin() : tensor.params().qmin(),
                  real ? tensor.floatParams().qmax() : tensor.params().qmax());
          try {
            metadata.put(KEY + name, JSON.writeValueAsString(form));
          } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
          }
        });
    Safetensors.write(file, stored, metadata);
  }

  /** Codes as safetensors can store them. */
  private static dev.octet.graph.Tensor bytes(dev.octet.graph.Tensor codes) {
    return codes.type().bits() >= 8
        ? codes
        : dev.octet.graph.Tensor.wrap(DataType.UINT8, new long[] {codes.sizeBytes()}, codes.data());
  }

  static Map<String, QuantizedTensor> read(Path file) {
    Safetensors.Content content = Safetensors.read(file);
    Map<String, QuantizedTensor> tensors = new LinkedHashMap<>();
    content
        .metadata()
        .forEach(
            (key, text) -> {
              if (key.startsWith(KEY)) {
                String name = key.substring(KEY.length());
                tensors.put(name, read(file, name, text, content.tensors()));
              }
            });
    if (tensors.size() * 3 != content.tensors().size()) {
      throw new WeightsException(
          file
              + " holds "
              + content.tensors().size()
              + " tensors, of which "
              + tensors.size()
              + " are quantized; it was not written by QuantizedTensor.save");
    }
    return tensors;
  }

  private static QuantizedTensor read(
      Path file, String name, String text, Map<String, dev.octet.graph.Tensor> stored) {
    try {
      Form form = JSON.readValue(text, Form.class);
      if (form == null || form.dtype() == null || form.scheme() == null || form.shape() == null) {
        throw new IllegalArgumentException("its description is not complete");
      }
      float[] scales = require(stored, name + SCALE, DataType.FLOAT).toFloats();
      int[] shape = form.shape().stream().mapToInt(Math::toIntExact).toArray();
      int[] codes = codes(form.dtype(), shape, stored, name);
      Integer axis = form.axis();
      if ((axis == null) != (form.scheme() == QuantizedTensor.Scheme.PER_TENSOR_AFFINE)) {
        throw new IllegalArgumentException("axis " + axis + " does not go with " + form.scheme());
      }
      if (form.scheme() == QuantizedTensor.Scheme.PER_CHANNEL_AFFINE_FLOAT_QPARAMS
          && axis != null) {
        float[] zeros = require(stored, name + ZERO_POINT, DataType.FLOAT).toFloats();
        return QuantizedTensor.of(
            codes, FloatQuantParams.of(scales, zeros, axis, form.qmin(), form.qmax()), shape);
      }
      int[] zeros =
          Arrays.stream(require(stored, name + ZERO_POINT, DataType.INT32).toLongs())
              .mapToInt(Math::toIntExact)
              .toArray();
      QuantParams params =
          QuantParams.affine(
              scales,
              zeros,
              axis == null ? Granularity.perTensor() : Granularity.perAxis(axis),
              form.qmin(),
              form.qmax());
      return QuantizedTensor.of(codes, params, form.dtype(), shape);
    } catch (JsonProcessingException | IllegalArgumentException | ArithmeticException e) {
      throw new WeightsException(
          file + ": quantized tensor '" + name + "' is damaged: " + e.getMessage(), e);
    }
  }

  private static int[] codes(
      Dtype dtype, int[] shape, Map<String, dev.octet.graph.Tensor> stored, String name) {
    if (dtype == Dtype.QUINT4X2) {
      ByteBuffer data = require(stored, name, DataType.UINT8).data();
      byte[] bytes = new byte[data.remaining()];
      data.get(bytes);
      long count = 1;
      for (int size : shape) {
        count = Math.multiplyExact(count, size);
      }
      if (count < 0 || (count + 1) / 2 != bytes.length) {
        throw new IllegalArgumentException(
            bytes.length + " bytes are not the codes of shape " + Arrays.toString(shape));
      }
      return Int4.unpack(bytes, (int) count, false);
    }
    dev.octet.graph.Tensor codes = require(stored, name, dtype.dataType());
    if (!Arrays.equals(codes.shape(), Arrays.stream(shape).asLongStream().toArray())) {
      throw new IllegalArgumentException(codes + " is not of shape " + Arrays.toString(shape));
    }
    return Arrays.stream(codes.toLongs()).mapToInt(Math::toIntExact).toArray();
  }

  private static dev.octet.graph.Tensor require(
      Map<String, dev.octet.graph.Tensor> stored, String name, DataType type) {
    dev.octet.graph.Tensor tensor = stored.get(name);
    if (tensor == null || tensor.type() != type) {
      throw new IllegalArgumentException(
          "'" + name + "' is " + (tensor == null ? "not there" : tensor.type() + ", not " + type));
    }
    return tensor;
  }
}
