"""The demo network, twice: as a PyTorch module to train, and as the ONNX graph to ship.

The graph is written by hand, so that its nodes carry readable names and its BatchNormalization nodes stay: folding
them is one of the things the demo shows.
"""
import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

CLASSES = 12
MEAN, DEVIATION = 0.5, 0.25  # of pixels scaled to [0, 1]; the same for each channel
RELU, RELU6, LINEAR = "relu", "relu6", "linear"


class ConvUnit(nn.Module):
    """A convolution without bias, batch normalization, and an activation."""

    def __init__(self, inputs, outputs, kernel=1, stride=1, groups=1, activation=RELU6):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(outputs)
        self.activation = activation

    def forward(self, x):
        x = self.bn(self.conv(x))
        if self.activation == RELU6:
            return torch.clamp(x, 0, 6)
        return torch.relu(x) if self.activation == RELU else x

    def onnx(self, graph, name, x):
        conv = self.conv
        x = graph.node("Conv", f"{name}/conv", [x], {"weight": conv.weight}, group=conv.groups,
                       kernel_shape=list(conv.kernel_size), pads=[conv.padding[0]] * 4, strides=list(conv.stride))
        bn = self.bn
        x = graph.node("BatchNormalization", f"{name}/bn", [x],
                       {"scale": bn.weight, "bias": bn.bias, "mean": bn.running_mean, "var": bn.running_var},
                       epsilon=bn.eps)
        if self.activation == RELU6:
            return graph.node("Clip", f"{name}/relu6", [x], {"min": torch.tensor(0.0), "max": torch.tensor(6.0)})
        return graph.node("Relu", f"{name}/relu", [x]) if self.activation == RELU else x


class Chain(nn.Module):
    """Units one after the other."""

    def __init__(self, **units):
        super().__init__()
        for name, unit in units.items():
            self.add_module(name, unit)

    def forward(self, x):
        for unit in self.children():
            x = unit(x)
        return x

    def onnx(self, graph, name, x):
        for child, unit in self.named_children():
            x = unit.onnx(graph, f"{name}/{child}" if name else child, x)
        return x


class Residual(Chain):
    """Units one after the other, their result added to what went in."""

    def forward(self, x):
        return x + super().forward(x)

    def onnx(self, graph, name, x):
        return graph.node("Add", f"{name}/add", [x, super().onnx(graph, name, x)])


class Classifier(nn.Module):
    """The average over the image, then one linear layer."""

    def __init__(self, inputs):
        super().__init__()
        self.linear = nn.Linear(inputs, CLASSES)

    def forward(self, x):
        return self.linear(x.mean((2, 3)))

    def onnx(self, graph, name, x):
        x = graph.node("GlobalAveragePool", f"{name}/pool", [x])
        x = graph.node("Flatten", f"{name}/flatten", [x], axis=1)
        return graph.node("Gemm", f"{name}/linear", [x], {"weight": self.linear.weight, "bias": self.linear.bias},
                          output="logits", transB=1)


def down(inputs, outputs):
    """Halves the image: depthwise with stride 2, then pointwise."""
    return Chain(depthwise=ConvUnit(inputs, inputs, 3, stride=2, groups=inputs),
                 pointwise=ConvUnit(inputs, outputs, activation=RELU))


def plain(width):
    """A residual block of two full convolutions."""
    return Residual(first=ConvUnit(width, width, 3, activation=RELU),
                    second=ConvUnit(width, width, 3, activation=LINEAR))


def inverted(width, hidden):
    """A residual block that widens, filters each channel alone, and narrows."""
    return Residual(expand=ConvUnit(width, hidden), depthwise=ConvUnit(hidden, hidden, 3, groups=hidden),
                    project=ConvUnit(hidden, width, activation=LINEAR))


def network():
    """Narrow between its blocks, wide within, as MobileNetV2: small, and sensitive to rounded weights."""
    return Chain(stem=ConvUnit(3, 16, 5, stride=2), block1=plain(16), down=down(16, 24),
                 block2=inverted(24, 96), block3=inverted(24, 96), block4=inverted(24, 96),
                 block5=inverted(24, 96), head=ConvUnit(24, 96), classifier=Classifier(96))


class GraphWriter:
    """Collects nodes and initializers; a node's output is named as the node."""

    def __init__(self):
        self.nodes, self.initializers = [], []

    def node(self, operator, name, inputs, parameters=None, output=None, **attributes):
        names = list(inputs)
        for parameter, tensor in (parameters or {}).items():
            names.append(f"{name}.{parameter}")
            values = np.ascontiguousarray(tensor.detach().numpy().astype(np.float32))
            self.initializers.append(numpy_helper.from_array(values, names[-1]))
        output = output or name
        self.nodes.append(helper.make_node(operator, names, [output], name=name, **attributes))
        return output


def to_onnx(net):
    writer = GraphWriter()
    net.onnx(writer, "", "image")
    graph = helper.make_graph(
        writer.nodes, "octet-demo",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, 32, 32])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", CLASSES])], writer.initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="octet-demo")
    onnx.checker.check_model(model, full_check=True)
    return model


def read_images(path):
    """Returns pixels [n, 3, 32, 32] as bytes, and labels."""
    records = np.fromfile(path, np.uint8).reshape(-1, 3073)
    return records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0].astype(np.int64)


def preprocess(pixels):
    return (pixels.astype(np.float32) / 255 - MEAN) / DEVIATION
