#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The granule median against its peers; `make bench` has built the engine and installed them. Options go
# to compare.py, as in  run.sh --rounds 5
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
here=benchmarks/granule-median
out=out/bench/granule-median

"$here/generate_scenes.py" "$out/scenes"
"$here/compare.py" --geoloom build/release/geoloom --peer-python .setup/venv/bin/python \
  --scenes "$out/scenes" --work "$out/runs" "$@"
echo "also in $out/runs/results.md, and every run in results.json" >&2
