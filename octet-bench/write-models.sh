#!/usr/bin/env bash
# The models that whole-model benchmarks run, float and int8, with random weights: ResNet-18 and -50, MobileNetV2,
# SqueezeNet, ResNet-20, BERT-base and a two-layer LSTM; about 1.1 GB, all of them together a few minutes.
# Usage: octet-bench/write-models.sh FOLDER [NAME ...]
set -euo pipefail
folder=${1:?usage: write-models.sh FOLDER [NAME ...]}
. "$(cd "$(dirname "$0")" && pwd)/class-path.sh"
octet_bench models.WriteModels "$folder" "${@:2}"
