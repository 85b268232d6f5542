#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Segments beside pyshepseg; with --op the op itself. It is in no package index: give a checkout of its repository, as in
#   PYSHEPSEG=~/pyshepseg benchmarks/segmentation/run.sh --size 9600 --rounds 1
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
here=benchmarks/segmentation
out=out/bench/segmentation
mkdir -p "$out"

if [[ ${1:-} == --op ]]; then
  setup/build.sh release geoloom >&2
  exec /usr/bin/python3 "$here/whole_map.py" --geoloom build/release/geoloom --work "$out" "${@:2}"
fi
setup/build.sh release segments_bench >&2
if [[ ! -e $out/venv/done ]]; then
  python3 -m venv "$out/venv"
  "$out/venv/bin/pip" -q install numba==0.68.1 scikit-learn==1.9.1 numpy
  touch "$out/venv/done"
fi
"$out/venv/bin/python" "$here/compare.py" --bench build/release/src/kernels/segments_bench --work "$out" \
  ${PYSHEPSEG:+--pyshepseg "$PYSHEPSEG"} "$@"
rm -f "$out"/*.raw
