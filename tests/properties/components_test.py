#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Components: what a document says by using one gives the bytes it would give written out, twice under two names, from a
file and from the library; and a run record holds all of it.

    components_test.py GEOLOOM [--only TEST]...
"""
import json
import pathlib
import sys
import zipfile

import scenes
from program import main

HEAD = """geoloom: 1
name: parts
store: {store}
area: {{same_grid_as: scenes, tiles: 64 px}}
"""
LOAD = "load: {scenes: scenes, bands: [red, green, blue], period: 2018-01, reject: {any_band_in: [0, 255]}}"
RECIPE = """components:
  clear:
    version: 2
    params: {period: {type: period}, stat: {type: string, default: median}}
    do:
      - load: {scenes: scenes, bands: [red, green, blue], period: $period, reject: {any_band_in: [0, 255]}, as: loaded}
      - reduce: {stat: $stat, from: loaded}
"""
MAPS = """geoloom_component: 1
name: maps
params: {stat: {type: string}, least: {type: number, default: 0}}
steps:
  tiles:
    over: tiles
    do:
      - load: {scenes: scenes, bands: [red], period: 2018-01, reject: {any_band_in: [0, 255]}}
      - reduce: $stat
      - save: tiles
  quality:
    do: [{statistics: {layer: tiles, as: measured}}]
  map:
    when: $quality.measured.valid_share >= $least
    do: [{mosaic: {layer: tiles, as: map}}]
outputs:
  map: $map.map
  mean: $quality.measured.red.mean
"""


def series(bench):
    scenes.colour_series(bench.folder / "scenes", 8, (160, 96))


def pixels(bench, path):
    return scenes.read_masked(bench.folder / path)[0].tobytes()


def ops(bench):
    """A recipe among the ops of a step, twice in one step, with names of its own."""
    series(bench)
    bench.run(bench.document(HEAD.format(store="out") + RECIPE + """steps:
  both:
    over: tiles
    do:
      - use: {component: clear, with: {period: 2018-01}, as: middle}
      - use: {component: clear, version: 2, with: {period: 2018-01, stat: max}, as: highest}
      - save: {layer: middle, from: middle}
      - save: {layer: highest, from: highest}
  map: {do: [{mosaic: {layer: middle, as: middle_map}}, {mosaic: {layer: highest, as: highest_map}}]}
"""))
    bench.run(bench.document(HEAD.format(store="plain") + f"""steps:
  middle: {{over: tiles, do: [{{{LOAD}}}, {{reduce: median}}, {{save: middle}}]}}
  highest: {{over: tiles, do: [{{{LOAD}}}, {{reduce: max}}, {{save: highest}}]}}
  map: {{do: [{{mosaic: {{layer: middle, as: middle_map}}}}, {{mosaic: {{layer: highest, as: highest_map}}}}]}}
""", "plain.yaml"))
    for name in ("middle_map.tif", "highest_map.tif"):
        bench.expect_equal(pixels(bench, f"out/{name}"), pixels(bench, f"plain/{name}"), name)


def steps(bench):
    """A file of steps under two names, their layers and outputs apart."""
    series(bench)
    (bench.folder / "library").mkdir()
    (bench.folder / "library/maps.yaml").write_text(MAPS)
    text = HEAD.format(store="out") + """components: {maps: library/maps.yaml}
steps:
  low: {use: {component: maps, with: {stat: min}}}
  high: {use: {component: maps, with: {stat: max, least: 2}}}
  after:
    when: $low.mean < $high.mean and ($high.map ?? 'none') == 'none'
    do: [{quicklook: {layer: low_map, as: look}}]
outputs:
  low: $low.map
  contrast: = $high.mean - $low.mean
  high: $high.map
"""
    said = bench.run(bench.document(text))
    done = said.steps()
    bench.expect_equal(sorted(done), sorted(["after", "low-tiles", "low-quality", "low-map", "high-tiles", "high-quality", "high-map"]), "steps")
    got = said.json()["outputs"]
    bench.expect(pathlib.Path(bench.folder, got["low"]).name == "low_map.tif", "an output of a component", got)
    bench.expect(got["contrast"] > 0 and got["high"] is None, "outputs of both", got)
    bench.expect("condition is false" in done["high-map"]["skipped"], "each with its own parameters", done["high-map"])
    bench.expect_equal(done["after"]["done"], 1, "a step that asks for outputs of components")
    (bench.folder / "library/maps.yaml").write_text("broken: [")
    shown = bench.call("runs", "show", "--store", "out")
    bench.expect(shown.code == 0 and "high-map" in shown.out, "the record holds the file", shown)
    (bench.folder / "out/low_map.tif").unlink()
    retried = bench.call("runs", "retry", "--store", "out", "--json")
    bench.expect(retried.code == 0 and (bench.folder / "out/low_map.tif").exists(), "and the run goes on from the record alone", retried)


def library(bench):
    series(bench)
    text = HEAD.format(store="out") + f"""components: {{publish: geoloom:publish}}
steps:
  map: {{over: tiles, do: [{{{LOAD}}}, {{reduce: median}}, {{save: map}}]}}
  product: {{use: {{component: publish, with: {{layer: map, least_valid: 0.1}}}}}}
outputs: {{map: $product.map, share: $product.valid_share}}
"""
    got = bench.run(bench.document(text)).json()["outputs"]
    bench.expect(pathlib.Path(bench.folder, got["map"]).exists() and 0.1 < got["share"] <= 1, "made", got)
    bench.expect_equal(pathlib.Path(got["map"]).name, "product_map.tif", "a layer outside may have the name of one inside")


def learned(bench):
    """The library's classifier twice in one document, of one table, with other parameters; its model predicts and its numbers decide."""
    scenes.reflectance_series(bench.folder / "scenes", 4, (160, 128))
    text = HEAD.format(store="out").replace("same_grid_as: scenes", f"same_grid_as: scenes/{scenes.day(0):S2_%Y%m%d}_B.tif") + """components: {learn: geoloom:train-and-evaluate}
steps:
  samples:
    over: tiles
    do:
      - load: {scenes: scenes/items.json, bands: [red, nir]}
      - reduce: {stat: median, as: median}
      - index: {names: NDVI, from: median, as: ndvi}
      - reclass: {rules: [{to: 0, value: 1}, {from: 0, value: 2}], from: ndvi, as: answer}
      - join: {from: [median, answer], names: [red, nir, cover]}
      - sample: {layer: drawn, label: cover, classes: {1: bare, 2: green}, per_class: 80}
  table: {do: [{merge_samples: {layer: drawn, as: training}}]}
  forest: {use: {component: learn, with: {samples: training, trees: 30, apart: 400}}}
  trees: {use: {component: learn, version: 1, with: {samples: training, algorithm: extra_trees, trees: 20, folds: 3, apart: 300, shuffles: 1}}}
  map:
    over: tiles
    when: $forest.spatial_balanced_accuracy > 0.7 and $trees.random_auc > 0.7
    do:
      - load: {scenes: scenes/items.json, bands: [red, nir]}
      - reduce: median
      - predict: {layer: forest_model}
      - save: map
outputs: {model: $forest.model, page: $forest.page, random: $forest.random_balanced_accuracy, spatial: $forest.spatial_balanced_accuracy, other: $trees.spatial_auc}
"""
    said = bench.run(bench.document(text))
    got = said.json()["outputs"]
    bench.expect(all((bench.folder / got[name]).exists() for name in ("model", "page")), "model and page", got)
    bench.expect(all(0.7 < got[name] <= 1 for name in ("random", "spatial", "other")), "numbers", got)
    bench.expect_equal(said.steps()["map"]["done"], 6, "the model predicts")
    for name, features in (("forest", 30), ("trees", 20)):
        with zipfile.ZipFile(bench.folder / f"out/{name}_model.zip") as package:
            card = json.loads(package.read("card.json"))
        bench.expect_equal((card["parameters"]["n_estimators"], sorted(feature["name"] for feature in card["features"])), (features, ["nir", "red"]),
                           f"{name}: parameters and features of its card")
    for with_, says in (("{samples: training, apart: 5, algorithm: linear}", "linear"), ("{samples: training}", "apart"), ("{samples: training, apart: 5, trees: many}", "trees")):
        outcome = bench.call("plan", bench.document(text.replace("{samples: training, trees: 30, apart: 400}", with_), "wrong.yaml"))
        bench.expect(outcome.code == 2 and says in outcome.err, f"refused: {with_}", outcome)


def wrong(bench):
    series(bench)
    (bench.folder / "maps.yaml").write_text(MAPS)
    step = "steps: {a: {over: tiles, do: [{use: %s}, {save: a}]}}\n"
    for more, says in [
            (step % "clar", "there is no component 'clar'"), (step % "{component: clear, with: {perod: 2018}}", "period"),
            (step % "{component: clear}", "parameter 'period' has no value"), (step % "{component: clear, version: 1, with: {period: 2018}}", "is version 2, not 1"),
            (step % "{component: clear, with: {period: soon}}", "period"), (step % "{with: {}}", "needs 'component'"),
            ("steps: {a: {use: clear}}\n", "is made of ops, not of steps"), ("steps: {a: {use: clear, over: tiles}}\n", "unknown key 'over'")]:
        outcome = bench.call("plan", bench.document(HEAD.format(store="out") + RECIPE + more))
        bench.expect(outcome.code == 2 and says in outcome.err, more, outcome)
    for components, steps_, says in [
            ("{maps: maps.yaml}", "{a: {over: tiles, do: [{use: maps}, {save: a}]}}", "is made of steps, not of ops"),
            ("{maps: map.yaml}", "{a: {use: maps}}", "cannot open the file"), ("{maps: geoloom:publsh}", "{a: {use: maps}}", "publish"),
            ("{maps: maps.yaml}", "{a: {use: {component: maps, with: {stat: max}}}, b: {when: $a.nothing > 1, do: [{quicklook: {layer: a_map}}]}}", "has no output 'nothing'"),
            ("{a: [{use: b}], b: [{use: a}]}", "{s: {over: tiles, do: [{use: a}]}}", "uses itself"),
            ("{a: {params: {x: 1}}}", "{s: {use: a}}", "needs either 'do' or 'steps'"),
            ("{a: {do: [{reduce: median}], outputs: {x: $a.b}}}", "{s: {use: a}}", "has no outputs"),
            ("{a: {steps: {b: {when: $c.state == 'done', do: [{quicklook: {layer: d}}]}}}}", "{s: {use: a}}", "unknown reference '$c.state'")]:
        outcome = bench.call("plan", bench.document(HEAD.format(store="out") + f"components: {components}\nsteps: {steps_}\n"))
        bench.expect(outcome.code == 2 and says in outcome.err and "yaml:" in outcome.err, f"{components} {steps_}", outcome)


def items(bench):
    """What refers to the item may be given to a component."""
    series(bench)
    recipe = RECIPE.replace("period: {type: period}", "period: {type: string}")
    text = HEAD.format(store="out") + recipe + """steps:
  monthly:
    over: [tiles, {month: 2018-01..2018-02}]
    do: [{use: {component: clear, with: {period: $item.month}}}, {save: monthly}]
"""
    done = bench.run(bench.document(text)).steps()["monthly"]
    bench.expect_equal(done["done"], 12, "one for each tile and month")
    records = json.loads((bench.folder / "out/layers/monthly/items.json").read_text())
    bench.expect_equal(len(records["features"]), 12, "listed")


if __name__ == "__main__":
    sys.exit(main([ops, steps, library, learned, wrong, items], __doc__))
