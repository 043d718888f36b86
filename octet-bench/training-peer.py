"""Times PyTorch's training step of ResNet-18 on 3x32x32 images: float, and with prepare_qat_fx.

One JSON object a line. Usage: training-peer.py BATCH STEPS [channels_last]
"""
import json
import statistics
import sys
import time

import torch
from torch import nn

torch.manual_seed(1)


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.relu2 = nn.ReLU()
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = self.bn2(self.conv2(self.relu1(self.bn1(self.conv1(x)))))
        return self.relu2(y + (x if self.downsample is None else self.downsample(x)))


def resnet18():
    layers = [nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
    inputs = 64
    for outputs, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
        layers += [Block(inputs, outputs, stride), Block(outputs, outputs, 1)]
        inputs = outputs
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10))


def quantized(model, example):
    from torch.ao.quantization import get_default_qat_qconfig_mapping
    from torch.ao.quantization.quantize_fx import prepare_qat_fx

    return prepare_qat_fx(model, get_default_qat_qconfig_mapping("x86"), (example,))


def steps(model, images, labels, count):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)
    loss_of = nn.CrossEntropyLoss()
    model.train()

    def step():
        optimizer.zero_grad()
        loss = loss_of(model(images), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def main():
    batch, count = int(sys.argv[1]), int(sys.argv[2])
    channels_last = "channels_last" in sys.argv[3:]
    images, labels = torch.randn(batch, 3, 32, 32), torch.randint(0, 10, (batch,))
    plain = resnet18()
    if channels_last:
        plain, images = plain.to(memory_format=torch.channels_last), images.contiguous(
            memory_format=torch.channels_last)
    prepared = quantized(resnet18().train(), images)
    if channels_last:
        prepared = prepared.to(memory_format=torch.channels_last)
    sides = {"float": steps(plain, images, labels, count), "qat": steps(prepared, images, labels, count)}
    times = {name: [] for name in sides}
    for round_ in range(count + 2):
        for name, step in sides.items():
            start = time.perf_counter()
            step()
            if round_ >= 2:
                times[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(values) for name, values in times.items()}
    print(json.dumps({
        "side": "torch " + torch.__version__, "batch": batch, "channels_last": channels_last,
        "threads": torch.get_num_threads(), "steps": count,
        "float_s": round(medians["float"], 4), "qat_s": round(medians["qat"], 4),
        "ratio": round(medians["qat"] / medians["float"], 3)}))


if __name__ == "__main__":
    main()
