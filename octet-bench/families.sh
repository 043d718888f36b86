#!/usr/bin/env bash
# Sizes and times of the seven families of torchvision's networks, float and int8, on the engine and in ONNX Runtime: batch 1, one thread,
# medians of RUNS runs (50) in turns. Writes NAME.onnx and NAME.int8.onnx (about 1.3 GB for all) where FOLDER lacks them, and families.json.
# Usage: octet-bench/families.sh FOLDER [RUNS [NAME ...]]
set -euo pipefail
folder=${1:?usage: families.sh FOLDER [RUNS [NAME ...]]}
. "$(cd "$(dirname "$0")" && pwd)/class-path.sh"
octet_bench models.Families "$folder" "${@:2}"
