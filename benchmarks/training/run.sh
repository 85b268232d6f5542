#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Training beside scikit-learn, LightGBM and XGBoost as Python calls them. Options go to compare.py, as in  run.sh --rounds 5
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
setup/build.sh release training_probe >&2
.setup/venv/bin/python benchmarks/training/compare.py --probe build/release/tests/training_probe "$@"
