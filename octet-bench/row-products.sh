#!/usr/bin/env bash
# One row by a constant SIZE x SIZE matrix (4096): floats, dynamic int8, and int8 and int4 weights alone, on the engine and in ONNX Runtime,
# one thread, medians of RUNS runs (100) in turns. Writes row-*.onnx to FOLDER and prints a table.
# Usage: octet-bench/row-products.sh FOLDER [SIZE [RUNS]]
set -euo pipefail
folder=${1:?usage: row-products.sh FOLDER [SIZE [RUNS]]}
. "$(cd "$(dirname "$0")" && pwd)/class-path.sh"
octet_bench models.RowProducts "$folder" "${@:2}"
