"""Images per second of PyTorch training ResNet-18 on CIFAR-10, from batches of prepared tensors, without augmentation.

One JSON object. Usage: throughput-peer.py FOLDER BATCH STEPS [channels_last]; FOLDER holds train.bin.gz
"""
import gzip
import importlib.util
import json
import pathlib
import sys
import time

import torch

RECORD = 1 + 3 * 32 * 32
WARM_UPS = 2


def peer():
    """The model and the step of training-peer.py."""
    spec = importlib.util.spec_from_file_location("peer", pathlib.Path(__file__).with_name("training-peer.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main():
    folder, batch, count = pathlib.Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    channels_last = "channels_last" in sys.argv[4:]
    needed = batch * (count + WARM_UPS)
    with gzip.open(folder / "train.bin.gz") as file:
        raw = torch.frombuffer(bytearray(file.read(needed * RECORD)), dtype=torch.uint8).reshape(needed, RECORD)
    mean = torch.tensor([0.485, 0.456, 0.406]).reshape(1, 3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225]).reshape(1, 3, 1, 1)
    images = (raw[:, 1:].reshape(needed, 3, 32, 32) / 255 - mean) / std
    labels = raw[:, 0].long()
    model = peer().resnet18()
    if channels_last:
        model = model.to(memory_format=torch.channels_last)
        images = images.contiguous(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)
    loss_of = torch.nn.CrossEntropyLoss()
    order = torch.randperm(needed)
    for step in range(count + WARM_UPS):
        if step == WARM_UPS:
            start = time.perf_counter()
        chosen = order[step * batch:(step + 1) * batch]
        optimizer.zero_grad()
        loss = loss_of(model(images[chosen]), labels[chosen])
        loss.backward()
        optimizer.step()
        loss.item()
    seconds = time.perf_counter() - start
    print(json.dumps({
        "side": "torch " + torch.__version__, "batch": batch, "channels_last": channels_last,
        "threads": torch.get_num_threads(), "steps": count, "images_per_s": round(batch * count / seconds, 1)}))


main()
