#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Geometric medians with deviations against hdstats and geomad. Options go to compare.py, as in  run.sh --rounds 5
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
here=benchmarks/geomedian
out=out/bench/geomedian
mkdir -p "$out"

setup/build.sh release geomedian_bench >&2
# Each has an environment of its own: hdstats is built from source, against a NumPy of its time.
if [[ ! -e $out/geomad/done ]]; then
  python3 -m venv "$out/geomad"
  "$out/geomad/bin/pip" -q install geomad==1.0.0 numpy
  touch "$out/geomad/done"
fi
if [[ ! -e $out/hdstats/done ]]; then
  python3 -m venv "$out/hdstats"
  "$out/hdstats/bin/pip" -q install "numpy<1.24" "scipy<1.12" "cython<3" "setuptools<60" wheel
  "$out/hdstats/bin/pip" -q download --no-binary :all: --no-deps --no-build-isolation -d "$out" hdstats==0.2.1
  tar -xzf "$out/hdstats-0.2.1.tar.gz" -C "$out"
  # Its C files are of an older Cython than Python 3.11 takes.
  rm "$out"/hdstats-0.2.1/hdstats/*.c
  "$out/hdstats/bin/cython" "$out"/hdstats-0.2.1/hdstats/*.pyx
  "$out/hdstats/bin/pip" -q install --no-build-isolation --no-deps "$out/hdstats-0.2.1"
  touch "$out/hdstats/done"
fi
.setup/venv/bin/python "$here/compare.py" --bench build/release/src/kernels/geomedian_bench --work "$out" \
  --peer "geomad=$out/geomad/bin/python" --peer "hdstats=$out/hdstats/bin/python" "$@"
rm -f "$out"/*.bin
