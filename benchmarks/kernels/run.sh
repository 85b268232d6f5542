#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The kernels along time against NumPy and against the speed of memory; `make bench` has installed NumPy.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
out=out/bench/kernels
rm -rf "$out"
mkdir -p "$out"

setup/build.sh release kernels_bench >&2
build/release/src/kernels/kernels_bench "$out"
.setup/venv/bin/python benchmarks/kernels/compare.py "$out"
rm -f "$out"/*.bin
echo "also in $out/results.md, and every figure in results.json" >&2
