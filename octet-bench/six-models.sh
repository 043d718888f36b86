#!/usr/bin/env bash
# Quantizes the six shared models, each by one call with defaults, and prints size, agreement and SQNR.
# Usage: octet-bench/six-models.sh SHARED [RECIPE]; SHARED holds models/ and data/. See docs/benchmarks.md.
set -euo pipefail
shared=$(realpath "${1:?usage: six-models.sh SHARED [RECIPE]}")
recipe=${2:-int8}
octet=$(cd "$(dirname "$0")/.." && pwd)/octet
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

# The images the peers' row was calibrated on (class index ending in 6) and judged on (0 or 3).
mkdir "$out/calibration" "$out/evaluation"
for image in "$shared"/data/imagenet/*.jpg; do
  name=$(basename "$image")
  case ${name%%_*} in
    *6) ln -s "$image" "$out/calibration/$name" ;;
    *) ln -s "$image" "$out/evaluation/$name" ;;
  esac
done

run() { # model, data options
  local model=$1
  shift
  "$octet" quantize "$shared/models/$model.onnx" "$@" --recipe "$recipe" -o "$out/$model.onnx" \
    --quiet --json >"$out/$model.json"
  local sqnr agreement top1
  sqnr=$(grep -m1 '"sqnrDb"' <(sed -n '/"outputs"/,$p' "$out/$model.json") | tr -dc '0-9.-')
  agreement=$(grep -A3 '"agreement"' "$out/$model.json" | grep -m1 '"quantizedValue"' | tr -dc '0-9.')
  top1=$(grep -A3 '"top1"' "$out/$model.json" | grep -m1 '"quantizedValue"' | tr -dc '0-9.' || true)
  printf '%-24s %9d bytes   top-1 %6.2f   agreement %6.2f   SQNR %6.2f dB\n' \
    "$model" "$(stat -c %s "$out/$model.onnx")" "${top1:-nan}" "$agreement" "$sqnr"
}

run mnist-cnn --data "$shared/data/mnist"
run resnet20-cifar10 --data "$shared/data/cifar10"
run mobilenetv2-cifar10 --data "$shared/data/cifar10"
run squeezenet1_1-imagenet --data "$out/evaluation" --calibration "$out/calibration"
run sst2-transformer --data "$shared/data/sst2"
run dtln-1 --data "$shared/data/audio"
