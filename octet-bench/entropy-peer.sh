#!/usr/bin/env bash
# The entropy search of pytorch-quantization's calibrator on CPU, and ours on the same values, taking turns three times.
# Usage: octet-bench/entropy-peer.sh TOOLKIT SHARED PYTHON; TOOLKIT is tools/pytorch-quantization of a checkout of
# github.com/NVIDIA/TensorRT, and PYTHON is that of shared/peers/setup.sh.
set -euo pipefail
usage="usage: entropy-peer.sh TOOLKIT SHARED PYTHON"
toolkit=$(realpath "${1:?$usage}")
shared=$(realpath "${2:?$usage}")
python=${3:?$usage}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. "$here/class-path.sh"

"$python" "$here/entropy-peer.py" make "$shared/golden/nvidia-calibrators.json" "$work"
for _ in 1 2 3; do
  octet_bench torch.EntropyBenchmark "$work" | tee -a "$work/lines" >&2
  "$python" -W ignore "$here/entropy-peer.py" run "$toolkit" "$work" | tee -a "$work/lines" >&2
done
"$python" "$here/entropy-peer.py" table "$work/lines"
