package dev.octet.core.recipe;

/** The runtime that is to run the model; runtimes want quantizers in different places. */
public enum Target {
  /** ONNX Runtime on the CPU. */
  ONNXRUNTIME,
  /** NVIDIA TensorRT with explicit quantization. */
  TENSORRT,
  /** Intel OpenVINO. */
  OPENVINO,
  /** Octet's own engine. */
  OCTET
}
