#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# NDVI, monthly medians and statistics of 60 dates of 1536 x 1536 pixels. eo-learn needs an environment of its own:
#   EO_LEARN_PYTHON=PYTHON run.sh [--rounds 3]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
out=out/bench/cube-load

setup/build.sh release geoloom
benchmarks/cube-load/generate_cube.py "$out/scenes"
benchmarks/feature-chain/compare.py --geoloom build/release/geoloom --scenes "$out/scenes" --work out/bench/feature-chain \
  --xarray "${PEER_PYTHON:-.setup/venv/bin/python}" ${EO_LEARN_PYTHON:+--eo-learn "$EO_LEARN_PYTHON"} "$@"
