#!/usr/bin/env bash
# Images per second of training ResNet-18 on CIFAR-10: Octet through its loader, with augmentation, and PyTorch from
# prepared tensors, in turn, in processes of their own, three times each.
# Usage: octet-bench/throughput-peer.sh SHARED PYTHON [BATCH [STEPS]]; PYTHON is that of shared/peers/setup.sh.
set -euo pipefail
data=$(realpath "${1:?usage: throughput-peer.sh SHARED PYTHON [BATCH [STEPS]]}")/data/cifar10
python=${2:?usage: throughput-peer.sh SHARED PYTHON [BATCH [STEPS]]}
batch=${3:-128}
steps=${4:-20}
here=$(cd "$(dirname "$0")" && pwd)
. "$here/class-path.sh"

for layout in "" channels_last; do
  for _ in 1 2 3; do
    # shellcheck disable=SC2086
    {
      octet_bench torch.ThroughputBenchmark "$data" "$batch" "$steps" $layout
      "$python" -W ignore "$here/throughput-peer.py" "$data" "$batch" "$steps" $layout
    }
  done
done
