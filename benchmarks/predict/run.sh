#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Prediction by trees beside scikit-learn, XGBoost and LightGBM. Options go to compare.py, as in  run.sh --rounds 5
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
out=out/bench/predict
mkdir -p "$out"

setup/build.sh release predict_model >&2
.setup/venv/bin/python benchmarks/predict/compare.py --program build/release/tests/predict_model --work "$out" "$@"
