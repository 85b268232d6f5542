#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Writing a COG against GDAL's driver. Options go to compare.py, as in  run.sh --rounds 5
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
here=benchmarks/cog-writing
out=out/bench/cog-writing

setup/build.sh release cog_bench
"$here/generate_image.py" "$out/image.tif"
"$here/compare.py" --writer build/release/src/raster/cog_bench --image "$out/image.tif" --work "$out/runs" "$@"
echo "also in $out/runs/results.md, and every run in results.json" >&2
