/**
 * PyTorch's graph mode on Octet's own graphs: a module is traced, or an ONNX or TorchScript model
 * imported; a QConfigMapping and a {@link dev.octet.workflows.pytorch.fx.BackendConfig} decide what
 * becomes integers; the prepared graph is calibrated or trained, and converted. Start at {@link
 * dev.octet.workflows.pytorch.fx.QuantizeFx}.
 */
@org.jspecify.annotations.NullMarked
package dev.octet.workflows.pytorch.fx;
