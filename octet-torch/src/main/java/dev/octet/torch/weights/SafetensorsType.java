package dev.octet.torch.weights;

import dev.octet.graph.DataType;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * The element types of safetensors that a {@link dev.octet.graph.Tensor} holds, in the format's own
 * order: tensors are written from the last to the first, so that wide elements come first and each
 * tensor is aligned to its elements.
 */
enum SafetensorsType {
  BOOL(DataType.BOOL),
  U8(DataType.UINT8),
  I8(DataType.INT8),
  F8_E5M2(DataType.FLOAT8E5M2),
  F8_E4M3(DataType.FLOAT8E4M3FN),
  F8_E4M3FNUZ(DataType.FLOAT8E4M3FNUZ),
  F8_E5M2FNUZ(DataType.FLOAT8E5M2FNUZ),
  I16(DataType.INT16),
  U16(DataType.UINT16),
  F16(DataType.FLOAT16),
  BF16(DataType.BFLOAT16),
  I32(DataType.INT32),
  U32(DataType.UINT32),
  F32(DataType.FLOAT),
  C64(DataType.COMPLEX64),
  F64(DataType.DOUBLE),
  I64(DataType.INT64),
  U64(DataType.UINT64);

  private static final Map<DataType, SafetensorsType> BY_TYPE =
      Arrays.stream(values())
          .collect(Collectors.toUnmodifiableMap(SafetensorsType::type, Function.identity()));

  private final DataType type;

  SafetensorsType(DataType type) {
    this.type = type;
  }

  DataType type() {
    return type;
  }

  static Optional<SafetensorsType> of(DataType type) {
    return Optional.ofNullable(BY_TYPE.get(type));
  }

  static Optional<SafetensorsType> named(String name) {
    return Arrays.stream(values()).filter(type -> type.name().equals(name)).findFirst();
  }
}
