"""Measures what quantization costs the demo network, without Octet.

usage: measure.py MODEL.onnx CALIBRATION_IMAGES EVALUATION_IMAGES

Rows: float; 8-bit static quantization by ONNX Runtime's own quantizer (weights int8 per channel, activations uint8,
ranges by minimum and maximum); weights alone rounded to nearest, symmetric, per output channel, with all other
arithmetic in float.
"""
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime as ort
from onnx import numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

BATCH = 250


def read_images(path):
    """Returns pixels [n, 3, 32, 32] as bytes, and labels."""
    records = np.fromfile(path, np.uint8).reshape(-1, 3073)
    return records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0].astype(np.int64)


def preprocess(pixels):
    return (pixels.astype(np.float32) / 255 - 0.5) / 0.25


class Batches(CalibrationDataReader):
    def __init__(self, pixels):
        self.batches = (preprocess(pixels[i:i + 100]) for i in range(0, len(pixels), 100))

    def get_next(self):
        batch = next(self.batches, None)
        return None if batch is None else {"image": batch}


def logits(model, pixels):
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return np.concatenate([session.run(None, {"image": preprocess(pixels[i:i + BATCH])})[0]
                           for i in range(0, len(pixels), BATCH)])


def fold_batch_norm(model):
    """Returns a copy in which each BatchNormalization is part of the convolution before it."""
    model = onnx.ModelProto.FromString(model.SerializeToString())
    graph = model.graph
    values = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
    producer = {n.output[0]: n for n in graph.node}
    for bn in [n for n in graph.node if n.op_type == "BatchNormalization"]:
        conv = producer[bn.input[0]]
        scale, bias, mean, var = (values.pop(name) for name in bn.input[1:5])
        factor = scale / np.sqrt(var + bn.attribute[0].f)
        values[conv.input[1]] = (values[conv.input[1]] * factor[:, None, None, None]).astype(np.float32)
        conv.input.append(f"{conv.name}.bias")
        values[conv.input[2]] = (bias - mean * factor).astype(np.float32)
        conv.output[0] = bn.output[0]
        graph.node.remove(bn)
    del graph.initializer[:]
    graph.initializer.extend(numpy_helper.from_array(v, k) for k, v in values.items())
    return model


def round_weights(folded, bits):
    model = onnx.ModelProto.FromString(folded.SerializeToString())
    weights = {n.input[1] for n in model.graph.node if n.op_type in ("Conv", "Gemm")}
    most = 2 ** (bits - 1) - 1
    for initializer in model.graph.initializer:
        if initializer.name in weights:
            w = numpy_helper.to_array(initializer)
            scale = np.abs(w).max(axis=tuple(range(1, w.ndim)), keepdims=True) / most
            scale[scale == 0] = 1
            initializer.CopyFrom(numpy_helper.from_array((np.rint(w / scale) * scale).astype(np.float32), initializer.name))
    return model


def static_int8(folded, pixels):
    with tempfile.TemporaryDirectory() as folder:
        onnx.save(folded, f"{folder}/float.onnx")
        quantize_static(f"{folder}/float.onnx", f"{folder}/int8.onnx", Batches(pixels), QuantFormat.QDQ,
                        per_channel=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)
        return onnx.load(f"{folder}/int8.onnx")


def main(path, calibration, evaluation):
    model = onnx.load(path)
    images, _ = read_images(calibration)
    pixels, labels = read_images(evaluation)
    reference = logits(model, pixels)

    def row(name, out):
        error = np.square(reference - out).sum()
        sqnr = f"{10 * np.log10(np.square(reference).sum() / error):.1f} dB" if error else "exact"
        print(f"| {name} | {100 * (out.argmax(1) == labels).mean():.2f} % "
              f"| {100 * (out.argmax(1) == reference.argmax(1)).mean():.2f} % | {sqnr} |")

    folded = fold_batch_norm(model)
    row("float", reference)
    row("int8 weights and uint8 activations", logits(static_int8(folded, images[:256]), pixels))
    for bits in (8, 6, 5, 4, 3):
        row(f"{bits}-bit weights, float activations", logits(round_weights(folded, bits), pixels))


if __name__ == "__main__":
    main(*sys.argv[1:])
