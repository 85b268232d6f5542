#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The granule median against its peers; `make bench` has built the engine and installed them.
#   run.sh [--quarter] [--publish] [OPTIONS OF compare.py]
#     --quarter   also lays out 5.5 GB of scenes and runs a quarter of a granule
#     --publish   afterwards replaces results.md, the numbers of the pages and the picture
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
here=benchmarks/granule-median
out=out/bench/granule-median
quarter=() publish=false options=()
for option; do
  case $option in
    --quarter) quarter=(--quarter "$out/scenes-5490") ;;
    --publish) publish=true ;;
    *) options+=("$option") ;;
  esac
done

"$here/generate_scenes.py" "$out/scenes"
[[ ${#quarter[@]} -eq 0 ]] || "$here/enlarge_scenes.py" "$out/scenes" "$out/scenes-5490" --size 5490
"$here/compare.py" --geoloom build/release/geoloom --peer-python .setup/venv/bin/python \
  --scenes "$out/scenes" --work "$out/runs" "${quarter[@]}" "${options[@]}"
echo "also in $out/runs/results.md, and every run in results.json" >&2
[[ $publish == false ]] || "$here/publish.py" "$out/runs"
