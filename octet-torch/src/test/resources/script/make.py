"""Makes the TorchScript files in this folder. Usage: python make.py (torch 2.10 or later).

The tests compare a converted file with what LibTorch computes from the same file, so the weights
may change when this runs again; the structure of the modules matters.
"""

import pathlib
from typing import Optional

import zipfile

import torch
from torch import nn
from torch.nn import functional as F

here = pathlib.Path(__file__).parent


def save(name, module, *inputs):
    module = module.eval()
    with torch.no_grad():
        for p in module.buffers():
            if p.dtype == torch.float32 and p.ndim == 1:  # running statistics that do something
                p.copy_(torch.rand_like(p) + 0.5)
        scripted = torch.jit.trace(module, inputs) if inputs else torch.jit.script(module)
    file = here / f"{name}.pt"
    scripted.save(str(file))
    # Small, and free of the paths of the machine it ran on: no traced inputs, no debug information.
    with zipfile.ZipFile(file) as source:
        entries = [(i.filename, source.read(i)) for i in source.infolist()]
    with zipfile.ZipFile(file, "w") as target:
        for entry, data in entries:
            if "traced_inputs" not in entry and not entry.endswith("debug_pkl"):
                target.writestr(zipfile.ZipInfo(entry), data, zipfile.ZIP_DEFLATED)


class Block(nn.Module):
    def __init__(self, inner, outer, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inner, outer, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outer)
        self.conv2 = nn.Conv2d(outer, outer, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outer)
        self.relu = nn.ReLU(inplace=True)
        self.down = nn.Sequential(nn.Conv2d(inner, outer, 1, stride, bias=False), nn.BatchNorm2d(outer))

    def forward(self, x):
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += self.down(x)
        return self.relu(out)


class ResNet(nn.Module):
    """The shapes of a residual network: stem, pooling, a strided block, a classifier."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 4, 7, 2, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(inplace=True))
        self.pool = nn.MaxPool2d(3, 2, 1)
        self.layer1 = nn.Sequential(Block(4, 8, 2))
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(8, 5)

    def forward(self, x):
        x = self.layer1(self.pool(self.stem(x)))
        return self.fc(torch.flatten(self.avgpool(x), 1))


class Control(nn.Module):
    """Branches and loops that shapes and settings decide; module lists; optional arguments."""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(6, 6) for _ in range(3)])
        self.scale: float = 0.5
        self.drop = nn.Dropout(0.5)

    def helper(self, x, gain: float = 1.0, shift: Optional[torch.Tensor] = None):
        if shift is not None:
            x = x + shift
        return x * gain

    def forward(self, x):
        rows = []
        for i in range(x.size(1)):
            rows.append(x[:, i] * float(i + 1))
        y = torch.stack(rows, 1)
        for i, layer in enumerate(self.layers):
            if i % 2 == 0:
                y = F.relu(layer(y))
            else:
                y = torch.tanh(layer(y))
        if y.dim() == 3 and self.training is False:
            y = self.drop(y).mean(dim=1)
        n = 0
        while n < 4:
            n += 2
            y = self.helper(y, self.scale)
        return y, self.helper(y, 2.0, y)


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(11, 5)
        self.lstm = nn.LSTM(5, 6, num_layers=2, bidirectional=True, batch_first=True)
        self.gru = nn.GRU(12, 4, batch_first=True)
        self.out = nn.Linear(4, 3)

    def forward(self, tokens):
        x, (h, c) = self.lstm(self.embedding(tokens))
        y, _ = self.gru(x)
        return self.out(y), h, c


class DataDependent(nn.Module):
    def forward(self, x):
        if bool(x.sum() > 0):
            return x + 1
        return x - 1


class Unsupported(nn.Module):
    def forward(self, x):
        values = torch.linalg.eigvals(x @ x.t())
        return torch.fft.fft(x).real + values.real.sum(), torch.linalg.det(x @ x.t())


torch.manual_seed(5)
save("resnet", ResNet(), torch.randn(1, 3, 16, 16))
save("resnet-scripted", ResNet())
save("control", Control())
save("recurrent", Recurrent(), torch.zeros(2, 7, dtype=torch.long))
save("recurrent-scripted", Recurrent())
torch.backends.mha.set_fastpath_enabled(False)
save("transformer", nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), torch.randn(2, 5, 8))
save("transformer-scripted", nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, activation="gelu"))
save("data-dependent", DataDependent())
save("unsupported", Unsupported())
torch.save(nn.Linear(2, 2).state_dict(), here / "state-dict.pt")
