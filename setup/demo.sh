#!/usr/bin/env bash
# Makes the map of the README from real scenes and tells where it is. `make demo` has built the engine.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

setup/demo_scenes.py
# What the run prints on stdout is a list of all that it published; the lines below name what to look at.
build/release/geoloom run examples/romania-summer/workflow.yaml >/dev/null

results=$PWD/out/romania-summer
echo
echo "The map:     $results/summer.tif"
echo "A picture:   $results/summer_picture.png"
echo "Open the map in QGIS, or the picture in any viewer; summer_count.tif beside it tells how many clear dates each pixel has."
