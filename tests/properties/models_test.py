#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Models and what is known of them: how their features were made, who trained them, what was made with them.

    models_test.py GEOLOOM [--only TEST]...
"""
import json
import sys
import zipfile

import numpy

import scenes
from program import main

SIZE = (128, 64)  # columns, rows


def days(first=0, last=4):
    return f"{scenes.day(first):%Y-%m-%d}..{scenes.day(last):%Y-%m-%d}"


def features(reader="median", period=None, bands="[red, nir]", name="features"):
    period = period or days()
    return f"""      - load: {{scenes: "SCENES/items.json", bands: {bands}, period: {period}}}
      - reduce: {{stat: {reader}, as: {name}_composite}}
      - index: {{names: NDVI, keep: [red, nir], from: {name}_composite, as: {name}}}"""


def document(bench, trees=20, training=None, prediction=None, predict="layer: model", only_samples=False, train="",
             saved="      - save: {layer: classes}\n"):
    folder = bench.folder / "scenes"
    if not folder.exists():
        scenes.reflectance_series(folder, 5, SIZE)
    text = f"""geoloom: 1
name: models
store: out
area: {{same_grid_as: "SCENES/{scenes.day(0):S2_%Y%m%d}_B.tif", tiles: 64 px}}
steps:
  samples:
    over: tiles
    do:
{training or features()}
      - index: {{names: NDVI, from: features, as: ndvi}}
      - reclass: {{rules: [{{to: 0, value: 1}}, {{from: 0, value: 2}}], from: ndvi, as: truth}}
      - join: {{from: [features, truth], names: [red, nir, NDVI, truth], as: joined}}
      - sample: {{layer: samples, from: joined, label: truth, classes: {{1: low, 2: high}}, number: 300}}
"""
    if not only_samples:
        text += f"""  learning:
    do:
      - merge_samples: {{layer: samples, as: training}}
      - train: {{table: training, parameters: {{n_estimators: {trees}, seed: 3}}, validate: [random, spatial], spatial: {{blocks: 300}}, {train}as: model}}
"""
    if predict:
        text += f"""  prediction:
    over: tiles
    do:
{prediction or features()}
      - predict: {{{predict}, from: features}}
{saved}"""
    return bench.document(text.replace("SCENES", str(folder)))


def card_of(path):
    with zipfile.ZipFile(path) as package:
        return json.loads(package.read("card.json"))


def features_made_in_another_way_are_refused(bench):
    bench.run(document(bench))
    recipes = {feature["name"]: feature["recipe"] for feature in card_of(bench.folder / "out/model.zip")["features"]}
    bench.expect_equal(sorted(recipes), ["NDVI", "nir", "red"], "each feature has a recipe")
    bench.expect_equal(len(set(recipes.values())), 3, "of its own")
    # Other days, another order of bands and one more of them make the same features.
    same = features(period=days(1, 3), bands="[nir, red, SCL]")
    bench.run(document(bench, prediction=same))
    refused = bench.call("run", document(bench, prediction=features("mean")))
    bench.expect_equal(refused.code, 2, "another composite is a mistake in the document")
    bench.expect("in another way: red, nir, NDVI" in refused.err and "recipe: any" in refused.err, "which ones, what to do",
                 refused.err)
    bench.run(document(bench, prediction=features("mean"), predict="layer: model, recipe: any"))


def a_model_file_remembers_how_its_features_were_made(bench):
    bench.run(document(bench, predict=None))
    kept = bench.folder / "kept.zip"
    kept.write_bytes((bench.folder / "out/model.zip").read_bytes())
    bench.run(document(bench, predict=f'model: "{kept}"', only_samples=True))
    refused = bench.call("run", document(bench, prediction=features("max"), predict=f'model: "{kept}"', only_samples=True))
    bench.expect_equal(refused.code, 2, "another composite")
    bench.expect("in another way" in refused.err and "kept.zip" in refused.err, "and which model", refused.err)


def a_layer_passes_recipes_on(bench):
    saved = f"""{features()}
      - save: {{layer: stack, from: features, scale: 0.0001}}
  elsewhere:
    over: tiles
    do:
      - load: {{layer: stack, as: features}}"""
    # Trained on the chain, applied to a layer that holds the same; and the other way round.
    bench.run(document(bench, prediction=saved))
    bench.run(document(bench, training=saved.replace("elsewhere", "drawing")))


def other_parameters_make_other_tables(bench):
    bench.run(document(bench, predict=None))
    first = card_of(bench.folder / "out/model.zip")
    bench.run(document(bench, predict=None))
    bench.expect_equal(card_of(bench.folder / "out/model.zip"), first, "the same again")
    # One scene a period would have the same median and mean: the recipe is another one nevertheless.
    bench.run(document(bench, training=features("mean"), predict=None))
    second = card_of(bench.folder / "out/model.zip")
    bench.expect(first["recipe"] != second["recipe"], "another recipe")
    bench.expect(first["fingerprint"] != second["fingerprint"], "another training")


def models_of_all_runs_are_listed(bench):
    bench.run(document(bench, 20))
    bench.run(document(bench, 30))
    models = bench.call("models", "list", "--store", "out", "--json").json()
    bench.expect_equal([model["name"] for model in models], ["model", "model"], "the earlier one stays")
    runs = [run["run"] for run in bench.call("runs", "list", "--store", "out", "--json").json()]
    for model, run, trees in zip(models, runs, (20, 30)):
        card = model["card"]
        bench.expect_equal((card["run"], card["step"]), (run, "learning"), "who trained it")
        bench.expect_equal(card["parameters"]["n_estimators"], trees, "how")
        bench.expect_equal(model["uses"], [{"run": run, "step": "prediction", "layer": "classes"}], "what was made with it")
        bench.expect(card["period_start"].startswith(f"{scenes.day(0):%Y-%m-%d}") and len(card["bbox"]) == 4 and len(card["data_hash"]) == 64,
                     "when, where, of what", card)
    text = bench.call("models", "list", "--store", "out").out.splitlines()
    bench.expect(len(text) == 2 and "spatial" in text[0] and "made classes" in text[1], "for people", text)


def one_model_is_shown_and_several_compared(bench):
    bench.run(document(bench, 20))
    bench.run(document(bench, 30))
    first, last = (model["model"] for model in bench.call("models", "list", "--store", "out", "--json").json())
    shown = bench.call("models", "show", "model", "--store", "out").out
    bench.expect(last in shown and "n_estimators = 30" in shown and "layer classes" in shown, "the last of a name", shown)
    item = bench.call("models", "show", first, "--store", "out", "--stac").json()
    bench.expect_equal(item["properties"]["mlm:input"][0]["bands"][0]["name"], "red", "as a STAC item")
    sides = bench.call("models", "compare", first, last, "--store", "out", "--json").json()
    bench.expect(sides["same_data"] and not sides["warnings"], "measured on the same data", sides["warnings"])
    bench.expect_equal(sides["parameters"]["n_estimators"], [20, 30], "side by side")
    bench.expect_equal(len(sides["metrics"]["spatial cross-validation: balanced_accuracy"]), 2, "numbers")
    bench.run(document(bench, 20, training=features("mean"), predict=None))
    text = bench.call("models", "compare", first, "model", "--store", "out").out
    bench.expect("different data" in text and "features that differ" in text, "and told when they are not", text)
    (bench.folder / "elsewhere.zip").write_bytes((bench.folder / "out/model.zip").read_bytes())
    bench.expect("recipe" in bench.call("models", "show", "elsewhere.zip").out, "a file needs no store")
    wrong = bench.call("models", "show", "modle", "--store", "out")
    bench.expect(wrong.code == 5 and "model" in wrong.err, "a name that is not there", wrong.err)


def dissimilarity(features, rows, importance):
    """Meyer and Pebesma 2021, equations 1 to 5: features are ... x columns, of the training rows too."""
    mean, deviation = rows.mean(axis=0), rows.std(axis=0, ddof=1)
    weights = numpy.maximum(importance, 0)
    points, pixels = ((each - mean) / deviation * weights for each in (rows, features.reshape(-1, rows.shape[1])))
    apart = numpy.sqrt(((points[:, None] - points[None]) ** 2).sum(axis=2))
    mean_distance = apart[numpy.triu_indices(len(points), 1)].mean()
    nearest = numpy.array([numpy.sqrt(((points - pixel) ** 2).sum(axis=1)).min() for pixel in pixels])
    return (nearest / mean_distance).reshape(features.shape[:-1])


def means_of_cells(features, known, cell):
    """rows / cell x columns / cell x features; NaN where a cell has no whole pixel."""
    height, width = known.shape
    cells = numpy.full((height // cell, width // cell, features.shape[-1]), numpy.nan)
    for y in range(height // cell):
        for x in range(width // cell):
            part = numpy.s_[y * cell:(y + 1) * cell, x * cell:(x + 1) * cell]
            if known[part].any():
                cells[y, x] = features[part][known[part]].mean(axis=0)
    return cells


def maps_tell_where_the_model_may_be_applied(bench):
    saved = """      - save: {layer: unlike, bands: [dissimilarity]}
      - save: {layer: inside, bands: [applicable]}
      - save: {layer: features, from: features}
  map: {do: [{mosaic: {layer: unlike, as: unlike_map}}, {mosaic: {layer: inside, as: inside_map}}, {mosaic: {layer: features, as: features_map}}]}
"""
    for cell in (1, 8):
        predict = f"layer: model, outputs: [dissimilarity, applicable], applicability_cell: {cell}"
        bench.run(document(bench, train="applicability: true, ", predict=predict, saved=saved))
        got, inside, features = (scenes.read_masked(bench.folder / f"out/{name}_map.tif") for name in ("unlike", "inside", "features"))
        known = features[1].all(axis=0)
        bench.expect((got[1][0] == known).all(), "where there are features")
        with zipfile.ZipFile(bench.folder / "out/model.zip") as package:
            importance = numpy.array(json.loads(package.read("evaluation.json"))["importances"])
        rows = numpy.load(bench.folder / "out/training.npz")["features"].astype(float)
        cells = means_of_cells(numpy.moveaxis(features[0], 0, -1).astype(float), known, cell)
        wanted = dissimilarity(cells, rows, importance).repeat(cell, axis=0).repeat(cell, axis=1)
        bench.expect(numpy.abs(got[0][0] - wanted)[known].max() < 1e-4, f"dissimilarity of cells of {cell}",
                     numpy.abs(got[0][0] - wanted)[known].max())
        threshold = card_of(bench.folder / "out/model.zip")["applicability"]["threshold"]
        sure = known & (numpy.abs(wanted - threshold) > 1e-4)
        bench.expect(((inside[0][0] == 1) == (wanted <= threshold))[sure].all(), "inside up to the threshold of the package")
    refused = bench.call("run", document(bench, predict="layer: model, outputs: [applicable]"))
    bench.expect(refused.code == 2 and "applicability: true" in refused.err, "a model without an area", refused.err)


def what_only_learns_needs_no_area(bench):
    random = numpy.random.default_rng(1)
    rows = random.normal(size=(200, 2))
    lines = ["height,width,kind"] + [f"{a:.6f},{b:.6f},{int(a + b > 0)}" for a, b in rows]
    (bench.folder / "samples.csv").write_text("\n".join(lines) + "\n")
    text = """geoloom: 1
name: learning
store: out
steps:
  learning:
    do:
      - table: {file: samples.csv, label: kind, as: samples}
      - train: {table: samples, parameters: {n_estimators: 20}, as: kinds}
"""
    bench.run(bench.document(text))
    card = card_of(bench.folder / "out/kinds.zip")
    bench.expect(card["metrics"]["random cross-validation"]["overall_accuracy"] > 0.85, "it has learned", card["metrics"])
    bench.expect("recipe" not in card and "bbox" not in card and "period_start" not in card, "what is not known is not told", card)
    shown = bench.call("models", "show", "kinds", "--store", "out").out
    bench.expect("recipe unknown" in shown and "region unknown" in shown, "nor made up", shown)
    refused = bench.call("run", bench.document(text.replace("name: learning", "name: both") + """  map:
    do:
      - load: {scenes: nowhere}
      - save: {layer: pixels}
"""))
    bench.expect(refused.code == 2 and "area" in refused.err, "pixels need one", refused.err)


TESTS = (features_made_in_another_way_are_refused, a_model_file_remembers_how_its_features_were_made, a_layer_passes_recipes_on,
         maps_tell_where_the_model_may_be_applied, what_only_learns_needs_no_area,
         other_parameters_make_other_tables, models_of_all_runs_are_listed, one_model_is_shown_and_several_compared)

if __name__ == "__main__":
    sys.exit(main(TESTS, __doc__))
