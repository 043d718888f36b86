"""Spreads the channels between the depthwise and the projecting convolutions of a trained demo network.

usage: spread.py TRAINED.onnx MODEL.onnx

Each depthwise channel is scaled down by its own factor, from 1 to 1/MOST, and the weights that read it are scaled up by
the same. What the network computes stays the same, but for the few values that Clip cut at 6 before and cuts no more.
MobileNetV2 and its like have such channels by themselves; cross-layer equalization mends them (Nagel et al., "Data-free
quantization through weight equalization and bias correction", 2019). Why this network is given them: docs/demo-model.md.
"""
import sys

import numpy as np
import onnx
from onnx import numpy_helper

MOST = 3.0


def main(trained, output):
    model = onnx.load(trained)
    values = {i.name: i for i in model.graph.initializer}
    draws = np.random.default_rng(1)

    def scale(name, factors):
        array = numpy_helper.to_array(values[name]) * factors.astype(np.float32)
        values[name].CopyFrom(numpy_helper.from_array(array, name))

    for name in values:
        if name.endswith("depthwise/bn.scale") and name.startswith("block"):
            block = name.split("/")[0]
            channels = values[name].dims[0]
            factors = MOST ** -draws.random(channels)
            scale(f"{block}/depthwise/bn.scale", factors)
            scale(f"{block}/depthwise/bn.bias", factors)
            scale(f"{block}/project/conv.weight", 1 / factors[None, :, None, None])
    onnx.save(model, output)


if __name__ == "__main__":
    main(*sys.argv[1:3])
