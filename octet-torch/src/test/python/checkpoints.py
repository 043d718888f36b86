"""Writes the checkpoints that PyTorchCheckpointTest reads. Usage: checkpoints.py FOLDER

Needs torch and numpy; the figures below are repeated in the test.
"""
import collections
import pathlib
import sys

import numpy as np
import torch

folder = pathlib.Path(sys.argv[1])


def save(name, value, **options):
    torch.save(value, folder / name, **options)


def ramp(count, dtype):
    return torch.arange(count).to(dtype)


types = [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16,
         torch.int8, torch.uint8]
typed = {str(t).removeprefix("torch."): ramp(4, t) for t in types}
typed["bool"] = torch.tensor([True, False, True])
typed["scalar"] = torch.tensor(2.5)
typed["empty"] = torch.zeros(0, 3)
save("types.pth", typed)
save("types-legacy.pth", typed, _use_new_zipfile_serialization=False)

# these are saved over untyped storage, by another function than the types above
new = {str(t).removeprefix("torch."): ramp(4, t)
       for t in [torch.uint16, torch.uint32, torch.uint64, torch.float8_e4m3fn, torch.float8_e5m2]}
save("types-new.pth", new)
save("types-new-legacy.pth", new, _use_new_zipfile_serialization=False)

base = ramp(24, torch.float32).reshape(4, 6)
views = {
    "base": base,
    "transposed": base.t(),
    "column": base[:, 2],
    "block": base[1:3, 1:6:2],
    "row": base[2],
    "expanded": torch.tensor([7.0]).expand(2, 3),
    "channels_last": ramp(24, torch.float32).reshape(1, 2, 3, 4).contiguous(memory_format=torch.channels_last),
}
save("views.pth", views)
save("views-legacy.pth", views, _use_new_zipfile_serialization=False)

torch.manual_seed(0)
model = torch.nn.Sequential(collections.OrderedDict(conv=torch.nn.Conv2d(1, 2, 3), bn=torch.nn.BatchNorm2d(2)))
with torch.no_grad():
    model.conv.weight.copy_(ramp(18, torch.float32).reshape(2, 1, 3, 3))
    model.conv.bias.copy_(torch.tensor([0.5, -0.5]))
save("module.pth", model.state_dict())
save("parallel.pth", torch.nn.DataParallel(model).state_dict())

optimizer = torch.optim.Adam(model.parameters(), lr=0.25)
model(torch.ones(1, 1, 5, 5)).sum().backward()
optimizer.step()
with torch.no_grad():
    model.conv.weight.copy_(ramp(18, torch.float32).reshape(2, 1, 3, 3))
save("training.pth", {
    "epoch": 3,
    "best": np.float64(91.5),
    "history": np.array([[1, 2, 3], [4, 5, 6]], dtype=np.int32),
    "name": "tiny",
    "done": False,
    "nothing": None,
    "shape": torch.Size([2, 1, 3, 3]),
    "dtype": torch.float16,
    "device": torch.device("cpu"),
    "big": 1 << 80,
    "lists": [1, 2.5, ("a", [True])],
    "state_dict": model.state_dict(),
    "optimizer": optimizer.state_dict(),
    "scheduler": torch.optim.lr_scheduler.MultiStepLR(optimizer, [2, 4]).state_dict(),
})

noted = torch.nn.Parameter(ramp(3, torch.float32))
noted.note = "kept in Python only"
save("parameters.pth", {"plain": torch.nn.Parameter(ramp(2, torch.float32)), "noted": noted})
save("protocol4.pth", {"é": ramp(2, torch.float32), "set": {5}}, pickle_protocol=4)

save("refused-module.pth", torch.nn.Flatten())
save("refused-quantized.pth", {"q": torch.quantize_per_tensor(ramp(4, torch.float32), 0.5, 0, torch.qint8)})
save("refused-conjugate.pth", {"c": torch.tensor([1 + 2j]).conj()})
torch.jit.save(torch.jit.script(torch.nn.Flatten()), folder / "refused-torchscript.pt")
