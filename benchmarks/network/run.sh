#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# One window of 216 scenes over 50 ms. Options go to compare.py, as in  run.sh --rounds 5 --latency-ms 100
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
here=benchmarks/network
out=out/bench/network
small=out/bench/granule-median/scenes

setup/build.sh release geoloom
benchmarks/granule-median/generate_scenes.py "$small"
benchmarks/granule-median/enlarge_scenes.py "$small" "$out/scenes" --size 3072
"$here/compare.py" --geoloom build/release/geoloom --peer-python "${PEER_PYTHON:-.setup/venv/bin/python}" \
  --scenes "$out/scenes" --work "$out/runs" "$@"
