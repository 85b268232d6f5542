#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Tiles of a map beside rasterio's WarpedVRT. Options go to compare.py, as in  run.sh --rounds 5
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
setup/build.sh release geoloom >&2
exec .setup/venv/bin/python benchmarks/map-tiles/compare.py --geoloom build/release/geoloom --work out/bench/map-tiles "$@"
