# SPDX-License-Identifier: Apache-2.0
"""Workflow documents of the property tests."""

LOAD = "load: {scenes: $scenes, bands: [red, green, blue], reject: {any_band_in: [0, 255]}}"


def colours(tile=64, load=LOAD, last="mosaic: {layer: composite, as: map}", more=""):
    """Scenes to tiles, tiles to one map."""
    return f"""geoloom: 1
name: colours
params:
  scenes: {{type: path, default: scenes}}
  results: {{type: path, default: out}}
store: $results
area:
  same_grid_as: $scenes
  tiles: {{size: {tile} px}}
steps:
  composite:
    over: tiles
    do:
      - {load}
      - median_rgb: {{}}
      - save: {{layer: composite}}
  map:
    do:
      - {last}
      - quicklook: {{layer: map}}
{more}"""


def classes(tile=64, limit=100, gaps="refuse", stat_load=LOAD):
    """Scenes to tiles, tiles to classes, classes to one map."""
    return f"""geoloom: 1
name: classes
params:
  scenes: {{type: path, default: scenes}}
  results: {{type: path, default: out}}
store: $results
area:
  same_grid_as: $scenes
  tiles: {{size: {tile} px}}
steps:
  composite:
    over: tiles
    do:
      - {stat_load}
      - median_rgb: {{}}
      - save: {{layer: composite}}
  brightness:
    over: tiles
    do:
      - load: {{layer: composite, bands: [red]}}
      - reclass: {{rules: [{{from: 0, to: {limit}, value: 1}}, {{from: {limit}, value: 2}}]}}
      - save: {{layer: brightness}}
  map:
    do:
      - mosaic: {{layer: brightness, gaps: {gaps}, as: map}}
      - quicklook: {{layer: map}}
"""


def statistics(reduce, tile=64, load=None, type_=""):
    """One statistic of a uint16 series with a class mask."""
    load = load or "load: {scenes: $scenes, bands: [red, nir], mask: {band: SCL, keep: [4, 5, 6]}}"
    return f"""geoloom: 1
name: statistics
params:
  scenes: {{type: path, default: scenes}}
  results: {{type: path, default: out}}
store: $results
area:
  same_grid_as: $scenes
  tiles: {{size: {tile} px}}
steps:
  statistic:
    over: tiles
    do:
      - {load}
      - reduce: {reduce}
      - save: {{layer: statistic{type_}}}
  map:
    do:
      - mosaic: {{layer: statistic, as: map}}
"""


def masked(tile, load, area):
    """The largest value of a load that masks, in tiles and as one map. `load` and `area` are keys of those names."""
    return f"""geoloom: 1
name: masked
params: {{results: {{type: path, default: out}}}}
store: $results
area: {{{area}, tiles: {tile} px}}
steps:
  pixels:
    over: tiles
    do:
      - load: {{{load}}}
      - reduce: {{stat: [max]}}
      - save: {{layer: pixels}}
  map: {{do: [{{mosaic: {{layer: pixels, as: map}}}}]}}
"""
