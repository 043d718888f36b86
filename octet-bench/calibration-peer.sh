#!/usr/bin/env bash
# Entropy calibration of SqueezeNet: Octet's command and ONNX Runtime's quantizer in turn, three times each.
# Usage: octet-bench/calibration-peer.sh SHARED PYTHON [IMAGES]; PYTHON is that of shared/peers/setup.sh.
set -euo pipefail
shared=$(realpath "${1:?usage: calibration-peer.sh SHARED PYTHON [IMAGES]}")
python=${2:?usage: calibration-peer.sh SHARED PYTHON [IMAGES]}
images=${3:-200}
octet=$(cd "$(dirname "$0")/.." && pwd)/octet
model=$shared/models/squeezenet1_1-imagenet.onnx
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
"$octet" --version >/dev/null # builds it when it must

"$python" - "$shared/data/imagenet" "$images" "$out/samples.npy" <<'P'
import glob, sys
import numpy as np
from PIL import Image
folder, count, target = sys.argv[1], int(sys.argv[2]), sys.argv[3]
samples = []
for file in sorted(glob.glob(folder + "/*.jpg"))[:count]:
    pixels = np.asarray(Image.open(file).convert("RGB")).astype(np.float32)
    top, left = (pixels.shape[0] - 227) // 2, (pixels.shape[1] - 227) // 2
    crop = pixels[top:top + 227, left:left + 227, ::-1] - np.array([104, 117, 123], np.float32)
    samples.append(crop.transpose(2, 0, 1))
np.save(target, np.stack(samples))
P

measured() { # name, command...
  "$python" - "$@" <<'P'
import resource, subprocess, sys, time
start = time.perf_counter()
subprocess.run(sys.argv[2:], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
print(f"{sys.argv[1]:12} {time.perf_counter() - start:7.2f} s   peak {peak:7.0f} MiB")
P
}

for _ in 1 2 3; do
  measured octet "$octet" quantize "$model" --data "$out/samples.npy" --recipe int8-entropy --samples "$images" \
    --no-evaluation --no-report -q -f -o "$out/octet.onnx"
  measured onnxruntime "$python" "$shared/peers/bench.py" quant "$model" --out "$out/peer.onnx" \
    --samples "$out/samples.npy" --method entropy
done
