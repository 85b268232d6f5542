#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Prediction by trees beside scikit-learn, XGBoost and LightGBM. Options go to compare.py, as in  run.sh --rounds 5
# `run.sh map` measures a whole map instead: end_to_end.py.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
out=out/bench/predict
mkdir -p "$out"

if [ "${1:-}" = map ]; then
  shift
  setup/build.sh release predict_model geoloom >&2
  exec .setup/venv/bin/python benchmarks/predict/end_to_end.py --geoloom build/release/geoloom --program build/release/tests/predict_model --work "$out" "$@"
fi
setup/build.sh release predict_model >&2
.setup/venv/bin/python benchmarks/predict/compare.py --program build/release/tests/predict_model --work "$out" "$@"
