#!/usr/bin/env bash
# The accuracy table of docs/benchmarks.md: resnet20 and mobilenetv2 on CIFAR-10, float, calibrated by four methods, and
# fine-tuned with three seeds at three widths. One thread for each model, both at once; about an hour on two cores.
# Usage: octet-bench/qat-table.sh SHARED
set -euo pipefail
shared=$(realpath "${1:?usage: qat-table.sh SHARED}")
here=$(cd "$(dirname "$0")" && pwd)
. "$here/class-path.sh"
export OMP_NUM_THREADS=1

table() { # model, then the options of each width's fine-tuning
  local model=$1 widths=("${@:2}") width seed
  run() {
    octet_bench torch.QatTable "$shared/models/$model-cifar10.onnx" "$shared/data/cifar10" "$@" | sed "s/^/$model /"
  }
  run ptq
  for width in "${widths[@]}"; do
    read -r bits epochs rate options <<<"$width"
    # shellcheck disable=SC2086
    for seed in 1 2 3; do run qat "$bits" "$epochs" "$rate" "$seed" $options; done
  done
}

widths=("w8a8 1 0.001" "w4a8 1 0.01 simulated" "w4a4 1 0.01 simulated learned")
table resnet20 "${widths[@]}" &
table mobilenetv2 "${widths[@]}" &
wait
