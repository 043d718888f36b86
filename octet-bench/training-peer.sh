#!/usr/bin/env bash
# A training step of ResNet-18 on 3x32x32 images, float and with fake quantization: Octet and PyTorch in turn, in
# processes of their own, three times each. Usage: octet-bench/training-peer.sh PYTHON [BATCH...]; PYTHON is that of
# shared/peers/setup.sh, and the batches are 32 and 128 unless given. STEPS=10 is how many steps a median is of.
set -euo pipefail
python=${1:?usage: training-peer.sh PYTHON [BATCH...]}
shift
here=$(cd "$(dirname "$0")" && pwd)
[ $# -gt 0 ] || set -- 32 128
lines=$(mktemp)
trap 'rm -f "$lines"' EXIT
. "$here/class-path.sh"

for batch in "$@"; do
  for layout in "" channels_last; do
    for _ in 1 2 3; do
      # shellcheck disable=SC2086
      {
        octet_bench torch.TrainingBenchmark "$batch" "${STEPS:-10}" $layout
        octet_bench torch.TrainingBenchmark "$batch" "${STEPS:-10}" $layout learned
        "$python" -W ignore "$here/training-peer.py" "$batch" "${STEPS:-10}" $layout
      } | tee -a "$lines" >&2
    done
  done
done

# The middle one of three runs, by the time of the quantized step.
"$python" - "$lines" <<'P'
import collections, json, sys
groups = collections.defaultdict(list)
for line in open(sys.argv[1]):
    run = json.loads(line)
    groups[run["batch"], run["channels_last"], run["side"]].append(run)
print("| batch | layout | side | float step | quantized step | ratio |\n|---|---|---|---|---|---|")
for (batch, last, side), runs in sorted(groups.items()):
    run = sorted(runs, key=lambda each: each["qat_s"])[len(runs) // 2]
    layout = "channels last" if last else "contiguous"
    print(f"| {batch} | {layout} | {side} | {run['float_s']:.4f} s | {run['qat_s']:.4f} s | {run['ratio']:.3f} |")
P
