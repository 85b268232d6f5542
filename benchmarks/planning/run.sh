#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Plans an area of a million tiles. Options go to measure.py, as in  run.sh --rounds 5
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
setup/build.sh release geoloom
benchmarks/planning/measure.py build/release/geoloom out/bench/planning "$@"
