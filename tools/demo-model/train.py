"""Trains the demo network and writes it as ONNX.

usage: train.py TRAINING_IMAGES EVALUATION_IMAGES MODEL.onnx [EPOCHS]
"""
import sys
import time

import numpy as np
import onnx
import torch

from network import network, preprocess, read_images, to_onnx

BATCH = 128
PEAK_RATE = 0.006


def accuracy(net, pixels, labels):
    net.eval()
    with torch.no_grad():
        hits = sum((net(torch.from_numpy(preprocess(pixels[i:i + 500]))).argmax(1).numpy() == labels[i:i + 500]).sum()
                   for i in range(0, len(labels), 500))
    net.train()
    return hits / len(labels)


def main(training, evaluation, output, epochs=8):
    torch.set_num_threads(1)
    torch.manual_seed(1)
    order = np.random.default_rng(1)
    pixels, labels = read_images(training)
    held_out = read_images(evaluation)
    net = network().to(memory_format=torch.channels_last)  # a fifth faster on a CPU
    print(sum(p.numel() for p in net.parameters()), "parameters", flush=True)
    steps = epochs * (len(labels) // BATCH)
    optimizer = torch.optim.AdamW(net.parameters(), lr=PEAK_RATE, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_RATE, total_steps=steps, pct_start=0.2)
    loss_of = torch.nn.CrossEntropyLoss()
    start = time.time()
    for epoch in range(epochs):
        shuffled = order.permutation(len(labels))
        total = 0.0
        for step in range(len(labels) // BATCH):
            rows = shuffled[step * BATCH:(step + 1) * BATCH]
            batch = torch.from_numpy(preprocess(pixels[rows])).to(memory_format=torch.channels_last)
            loss = loss_of(net(batch), torch.from_numpy(labels[rows]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
            if epoch == 0 and step == 50:
                print(f"{(time.time() - start) / 51 * steps:.0f} s expected", flush=True)
        print(f"epoch {epoch + 1}: loss {total / (step + 1):.4f}, accuracy {accuracy(net, *held_out):.4f}, "
              f"{time.time() - start:.0f} s", flush=True)
        net.eval()
        onnx.save(to_onnx(net), output)
        net.train()


if __name__ == "__main__":
    main(*sys.argv[1:4], *map(int, sys.argv[4:]))
