#!/usr/bin/env bash
# Makes the map of the README from real scenes and tells where it is. `make demo` has built the engine.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
workflow=examples/romania-summer/workflow.yaml

setup/demo_scenes.py
build/release/geoloom run "$workflow"

# The engine has said what it wrote; here only the one picture to look at first.
for map in out/romania-summer/*.png out/romania-summer/*.tif; do
  [[ -e $map ]] || continue
  echo "Your map: $PWD/$map"
  break
done
