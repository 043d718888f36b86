"""Writes what torchvision's networks compute with weights set by a formula. Usage: golden.py FOLDER [NAME ...]

One small file for each network: the test GoldenModelsTest of octet-torch reads those in
src/test/resources/dev/octet/torch/models. Needs torch and torchvision; no weights are loaded.

Values, in float64 and then rounded to float32, are made of u in [0, 1), a hash of the state's name and the index:
  running_var, and weights of one dimension   0.75 + u / 2
  running_mean, and biases                    (u - 0.5) / 5
  other weights                               (2 u - 1) sqrt(6 / fan-in)
  the input, under the name "input"           4 u - 2
"""
import hashlib
import json
import math
import pathlib
import sys
import warnings

import numpy as np
import torch
from torchvision import models

SAMPLES = 3  # elements that are noted of each tensor
IMAGE = 64

warnings.simplefilter("ignore")


def uniform(name, count):
    """The hash: FNV-1a of the name in UTF-8 plus index times the golden ratio, well mixed, as a share of 2^32."""
    start = 2166136261
    for byte in name.encode():
        start = (start ^ byte) * 16777619 % 2**32
    x = (np.arange(count, dtype=np.uint64) * 0x9E3779B9 + start).astype(np.uint32)
    x ^= x >> 16
    x *= np.uint32(0x7FEB352D)
    x ^= x >> 15
    x *= np.uint32(0x846CA68B)
    x ^= x >> 16
    return x / 2.0**32


def value(name, shape):
    u = uniform(name, math.prod(shape))
    if name == "input":
        v = 4 * u - 2
    elif name.endswith("running_var") or name.endswith("weight") and len(shape) == 1:
        v = 0.75 + u / 2
    elif name.endswith("running_mean") or name.endswith("bias"):
        v = (u - 0.5) / 5
    else:
        v = (2 * u - 1) * math.sqrt(6 / math.prod(shape[1:]))
    return torch.from_numpy(v.astype(np.float32).reshape(shape))


def fill(net):
    with torch.no_grad():
        for name, tensor in net.state_dict().items():
            if not name.endswith("num_batches_tracked"):
                tensor.copy_(value(name, tuple(tensor.shape)))


def digits(x):
    return float(f"{x:.7g}")


def summary(tensor):
    """Shape, root of the mean square, and some elements spread evenly."""
    flat = tensor.detach().double().flatten()
    n = flat.numel()
    picked = [flat[n * (2 * i + 1) // (2 * SAMPLES)].item() for i in range(SAMPLES)]
    return [list(tensor.shape), digits(flat.square().mean().sqrt().item()), *map(digits, picked)]


def digest(net):
    lines = "".join(f"{name} {list(tensor.shape)}\n" for name, tensor in net.state_dict().items())
    return hashlib.sha256(lines.encode()).hexdigest()


def outputs(net, images):
    """All outputs, those of auxiliary heads too: only the network itself is in training, none of its layers."""
    net.eval()
    net.training = True
    with torch.no_grad():
        made = net(images)
    return [made] if isinstance(made, torch.Tensor) else list(made)


def golden(make, size=IMAGE, layers=True):
    net = make()
    fill(net)
    shape = (1, 3, size, size)
    noted = {}

    def note(name):
        return lambda module, inputs, output: noted.update({name: summary(output)})

    for name, module in net.named_modules():
        own = dict(module.named_parameters(recurse=False))
        # A convolution without a bias is judged by the normalisation behind it.
        if layers and own and not (isinstance(module, torch.nn.Conv2d) and "bias" not in own):
            module.register_forward_hook(note(name))
    made = outputs(net, value("input", shape))
    return {
        "input": shape,
        "parameters": sum(p.numel() for p in net.parameters()),
        "states": len(net.state_dict()),
        "digest": digest(net),
        "layers": noted,
        "outputs": [summary(each) for each in made],
    }


NETWORKS = {
    "resnet18": lambda: golden(models.resnet18),
    "resnet50": lambda: golden(models.resnet50),
    "resnext101_32x8d": lambda: golden(models.resnext101_32x8d),
    "resnext101_64x4d": lambda: golden(models.resnext101_64x4d, layers=False),
    "mobilenet_v2": lambda: golden(models.mobilenet_v2),
    "mobilenet_v3_large": lambda: golden(models.mobilenet_v3_large),
    "mobilenet_v3_large-other": lambda: golden(
        lambda: models.mobilenet_v3_large(width_mult=0.75, reduced_tail=True, dilated=True), layers=False),
    "googlenet": lambda: golden(models.googlenet),
    "googlenet-other": lambda: golden(
        lambda: models.googlenet(aux_logits=False, transform_input=True, init_weights=False), layers=False),
    # Smaller images leave its auxiliary head nothing to read.
    "inception_v3": lambda: golden(models.inception_v3, 299),
    "inception_v3-other": lambda: golden(
        lambda: models.inception_v3(aux_logits=False, transform_input=True, init_weights=False), 75, layers=False),
    "shufflenet_v2_x0_5": lambda: golden(models.shufflenet_v2_x0_5),
    "shufflenet_v2_x1_0": lambda: golden(models.shufflenet_v2_x1_0, layers=False),
    "shufflenet_v2_x1_5": lambda: golden(models.shufflenet_v2_x1_5, layers=False),
    "shufflenet_v2_x2_0": lambda: golden(models.shufflenet_v2_x2_0, layers=False),
}


def text(found):
    lines = [f'  "{key}": {json.dumps(found[key])},' for key in ("input", "parameters", "states", "digest")]
    layers = ",\n".join(f'    "{name}": {json.dumps(each)}' for name, each in found["layers"].items())
    lines.append('  "layers": {' + (f"\n{layers}\n  " if layers else "") + "},")
    rows = ",\n".join(f"    {json.dumps(each)}" for each in found["outputs"])
    lines.append(f'  "outputs": [\n{rows}\n  ]')
    return "{\n" + "\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1])
    for name in sys.argv[2:] or NETWORKS:
        (folder / f"{name}.json").write_text(text(NETWORKS[name]()))
