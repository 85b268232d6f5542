#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A cube of 60 dates x 6 bands x 1024 x 1024. Options go to compare.py, as in  run.sh --rounds 5 --only aligned
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
here=benchmarks/cube-load
out=out/bench/cube-load

setup/build.sh release geoloom
"$here/generate_cube.py" "$out/scenes"
"$here/compare.py" --geoloom build/release/geoloom --peer-python "${PEER_PYTHON:-.setup/venv/bin/python}" \
  --scenes "$out/scenes" --work "$out/runs" "$@"
