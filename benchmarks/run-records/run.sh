#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Questions about a run of 100 000 items and five steps. Options go to measure.py, as in  run.sh --rounds 5
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
setup/build.sh release geoloom
benchmarks/run-records/measure.py build/release/geoloom "${RUN_RECORDS_FOLDER:-/dev/shm/geoloom-run-records}" "$@"
