#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a push worker adds to the work it does. Options go to measure.py, as in  run.sh --tasks 1000
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
setup/build.sh release geoloom
/usr/bin/python3 benchmarks/push-worker/measure.py "$@"
