"""The peer's side of entropy-peer.sh: `make TOOLKIT GOLDEN FOLDER` writes the cases, `run TOOLKIT FOLDER` times them.

Runs the toolkit's own calib/histogram.py; what that file imports beside numpy, scipy and torch (logging, CUDA extensions,
quantized modules) takes no part in the entropy search and is replaced by empty modules.
"""

import importlib.util
import json
import os
import statistics
import sys
import time
import types

import numpy as np
import torch


def toolkit(checkout):
    class Calibrator:
        def __init__(self, num_bits, axis, unsigned):
            self._num_bits, self._axis, self._unsigned = num_bits, axis, unsigned

    def module(name, **members):
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__dict__.update(members)
        return sys.modules[name]

    nothing = lambda *a, **k: None
    logging = types.SimpleNamespace(log_first_n=nothing, debug=nothing, info=nothing, warning=nothing, error=nothing, INFO=0)
    module("absl", logging=logging)
    module("pytorch_quantization", nn=module("pytorch_quantization.nn"), utils=module("pytorch_quantization.utils"))
    module("pytorch_quantization.calib")
    module("pytorch_quantization.calib.calibrator", _Calibrator=Calibrator)
    module("pytorch_quantization.tensor_quant", fake_tensor_quant=None, scaled_e4m3=None)
    file = os.path.join(checkout, "pytorch_quantization", "calib", "histogram.py")
    spec = importlib.util.spec_from_file_location("histogram", file)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def golden(batch):
    if "data" in batch:
        return np.array(batch["data"], np.float32)
    k = np.arange(batch["n"], dtype=np.float64)
    if batch["formula"] == "cube_ramp":
        return (batch["scale"] * (k / (batch["n"] - 1)) ** 3).astype(np.float32)
    if batch["formula"] == "half_grid":
        return (k + 0.5).astype(np.float32)
    if batch["formula"] == "signed_wave":
        return (batch["scale"] * np.sin(batch["a"] * k) * np.exp(-k / batch["b"])).astype(np.float32)
    if batch["formula"] == "linspace":
        return np.linspace(batch["start"], batch["stop"], batch["n"]).astype(np.float32)
    raise ValueError(batch)


def make(path, folder):
    random = np.random.default_rng(1)
    relu = np.maximum(random.standard_normal((4, 100_000)), 0).astype(np.float32)
    laplace = random.laplace(size=(4, 100_000)).astype(np.float32)
    cases = [("normal-2048", 8, False, 2048, list(random.standard_normal((1, 400_000)).astype(np.float32))),
             ("laplace-4096", 8, False, 4096, [laplace.reshape(-1)]),
             ("relu-unsigned-2048", 8, True, 2048, [relu.reshape(-1)])]
    for case in json.load(open(path))["cases"]:
        p, asked = case["params"], case["expected"].get("amax")
        if isinstance(asked, list) and any(q.get("method") == "entropy" and "error" not in q for q in asked):
            if p["torch_hist"] and not p["skip_zeros"] and not case["name"].startswith("start_bin"):
                batches = [golden(b) for b in case["inputs"]["batches"]]
                cases.append((case["name"], p["num_bits"], p["unsigned"], p["num_bins"], batches))
    with open(os.path.join(folder, "cases.txt"), "w") as lines:
        for name, bits, unsigned, bins, batches in cases:
            lines.write(f"{name} {bits} {str(unsigned).lower()} {bins} {len(batches)}\n")
            for i, batch in enumerate(batches):
                batch.astype("<f4").tofile(os.path.join(folder, f"{name}.{i}"))


def run(histogram, folder):
    for line in open(os.path.join(folder, "cases.txt")):
        name, bits, unsigned, bins, batches = line.split()
        calibrator = histogram.HistogramCalibrator(int(bits), None, unsigned == "true", int(bins))
        for i in range(int(batches)):
            calibrator.collect(torch.from_numpy(np.fromfile(os.path.join(folder, f"{name}.{i}"), "<f4")))
        start = time.thread_time()
        amax = calibrator.compute_amax("entropy")
        seconds = time.thread_time() - start
        print(json.dumps({"side": "toolkit", "case": name, "bins": int(calibrator._calib_hist.numel()),
                          "amax": float(np.float32(amax.item())), "seconds": seconds}), flush=True)


def table(file):
    runs = {}
    for each in map(json.loads, open(file)):
        runs.setdefault(each["case"], {}).setdefault(each["side"], []).append(each)
    print("| histogram | bins | toolkit | Octet | ratio | same range |\n|---|---|---|---|---|---|")
    for name, sides in runs.items():
        theirs, ours = (statistics.median(r["seconds"] for r in sides[s]) for s in ("toolkit", "octet"))
        same = all(np.float32(r["amax"]) == np.float32(sides["toolkit"][0]["amax"]) for s in sides.values() for r in s)
        print(f"| {name} | {sides['octet'][0]['bins']} | {theirs:.3f} s | {ours * 1e3:.3f} ms | {theirs / ours:,.0f} × | {'yes' if same else 'NO'} |")


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(*sys.argv[2:])
    elif sys.argv[1] == "run":
        run(toolkit(sys.argv[2]), sys.argv[3])
    else:
        table(sys.argv[2])
