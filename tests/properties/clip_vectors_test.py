#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`clip_vectors` against OGR's own intersections: the same shapes with the same columns in each tile; points in one tile
each; the same bytes for any order and threads; only what changed is made again.

    clip_vectors_test.py GEOLOOM [--only TEST]...
"""
import hashlib
import json

import numpy
from osgeo import ogr, osr

import scenes
from program import main

ogr.UseExceptions()
SIZE = (192, 160)
LEFT, TOP = scenes.ORIGIN


def reference(epsg):
    system = osr.SpatialReference()
    system.ImportFromEPSG(epsg)
    system.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return system


def stars(count, seed):
    """Polygons over the area and beyond, some with a hole, some that cross themselves; the first ends on a tile's border."""
    random = numpy.random.Generator(numpy.random.PCG64(seed))
    shapes = [f"POLYGON (({LEFT} {TOP}, {LEFT + 640} {TOP}, {LEFT + 640} {TOP - 100}, {LEFT} {TOP}))"]
    while len(shapes) < count:
        centre = numpy.array([LEFT, TOP]) + random.uniform(-0.1, 1.1, 2) * [SIZE[0] * 10, -SIZE[1] * 10]
        angles = numpy.sort(random.uniform(0, 2 * numpy.pi, random.integers(3, 9)))
        ring = centre + numpy.stack([numpy.cos(angles), numpy.sin(angles)], axis=1) * random.uniform(5, 500, len(angles))[:, None]
        rings = [ring, centre + (ring - centre) * 0.3] if len(shapes) % 4 == 0 else [ring]
        shapes.append("POLYGON (" + ",".join("(" + ",".join(f"{x} {y}" for x, y in [*each, each[0]]) + ")" for each in rings) + ")")
    return shapes


def places(count, seed):
    random = numpy.random.Generator(numpy.random.PCG64(seed))
    # On borders of tiles and pixels too.
    return [(LEFT + 10 * x, TOP - 10 * y) for x, y in numpy.round(random.uniform([0, 0], [SIZE[0] - 1, SIZE[1] - 1], (count, 2)) * 2) / 2]


def write(path, shapes, epsg=scenes.EPSG, layers=("shapes",)):
    dataset = ogr.GetDriverByName("GPKG").CreateDataSource(str(path))
    for name in layers:
        layer = dataset.CreateLayer(name, reference(epsg), ogr.wkbUnknown)
        layer.CreateField(ogr.FieldDefn("code", ogr.OFTInteger))
        layer.CreateField(ogr.FieldDefn("name", ogr.OFTString))
        there = osr.CoordinateTransformation(reference(scenes.EPSG), reference(epsg))
        for number, wkt in enumerate(shapes):
            feature = ogr.Feature(layer.GetLayerDefn())
            feature["code"] = number % 7
            feature["name"] = f"n{number}"
            shape = ogr.CreateGeometryFromWkt(wkt)
            if epsg != scenes.EPSG:
                shape.Transform(there)
            feature.SetGeometry(shape)
            layer.CreateFeature(feature)
    return path


def document(store, *calls, over="tiles", tiles=64):
    return f"""geoloom: 1
name: vectors
store: {store}
area:
  grid: {{crs: "EPSG:{scenes.EPSG}", origin: [{LEFT}, {TOP}], resolution: 10, size: [{SIZE[0]}, {SIZE[1]}]}}
  tiles: {tiles} px
steps:
  clip:
    over: {over}
    do: [{", ".join(f"{{clip_vectors: {call}}}" for call in calls)}]
"""


def items_of(bench, store, layer):
    """Item -> its box, and its features: id -> (columns, shape)."""
    items = {}
    for item in json.loads((bench.folder / store / f"layers/{layer}/layer.json").read_text())["items"]:
        x, y, width, height = item["window"]
        box = (LEFT + 10 * x, TOP - 10 * (y + height), LEFT + 10 * (x + width), TOP - 10 * y)
        features = {}
        if item["state"] == "done":
            dataset = ogr.Open(str(bench.folder / store / item["file"]))
            for feature in dataset.GetLayer(0):
                features[feature.GetFID()] = (feature["code"], feature["name"], feature.GetGeometryRef().Clone())
        items[item["item"]] = (box, features)
    return items


def square(box):
    return ogr.CreateGeometryFromWkt("POLYGON (({0} {1}, {2} {1}, {2} {3}, {0} {3}, {0} {1}))".format(*box))


def equals_ogr(bench):
    """Polygons in the grid's CRS, and in degrees, where edges are followed."""
    shapes = stars(120, 1)
    # Those that cross themselves are repaired where they are, in degrees a little elsewhere.
    for epsg, close in ((scenes.EPSG, 1e-6), (4326, 5.0)):
        write(bench.folder / f"stars{epsg}.gpkg", shapes, epsg)
        bench.run(bench.document(document(f"out{epsg}", f"{{file: stars{epsg}.gpkg, as: cut}}", f"{{file: stars{epsg}.gpkg, as: whole, clip: false}}")))
        cut, whole = items_of(bench, f"out{epsg}", "cut"), items_of(bench, f"out{epsg}", "whole")
        bench.expect_equal(len(cut), 9, "items")
        for item, (box, features) in cut.items():
            wanted, doubtful = {}, set()
            for number, wkt in enumerate(shapes):
                # Where vertices moved by a micrometre, a sliver may be there or not.
                part = ogr.CreateGeometryFromWkt(wkt).MakeValid().Intersection(square(box))
                if part.GetArea() > 0:
                    wanted[number + 1] = part
                if 0 < part.GetArea() < 1e-3 or ogr.CreateGeometryFromWkt(wkt).MakeValid().Distance(square(box)) < 1e-3 >= part.GetArea():
                    doubtful.add(number + 1)
            doubtful = doubtful if epsg == 4326 else set()
            bench.expect_equal(set(features) - doubtful, set(wanted) - doubtful, f"{item} in EPSG:{epsg}: its features")
            bench.expect_equal(set(whole[item][1]), set(features), f"{item} in EPSG:{epsg}: those kept whole")
            for number in set(features) & set(wanted):
                code, name, shape = features[number]
                other = shape.SymmetricDifference(wanted[number]).GetArea()
                full = whole[item][1][number][2].SymmetricDifference(ogr.CreateGeometryFromWkt(shapes[number - 1]).MakeValid()).GetArea()
                bench.expect(other <= close and full <= close and shape.GetGeometryName() == "MULTIPOLYGON" and (code, name) == ((number - 1) % 7, f"n{number - 1}"),
                             f"{item} in EPSG:{epsg}: feature {number}", (other, full, code, name))
    receipt = bench.call("runs", "show", "--store", f"out{scenes.EPSG}")
    bench.expect(receipt.code == 0, "the run is shown", receipt)


def lines_and_points(bench):
    points, ends = places(300, 2), places(80, 3)
    write(bench.folder / "points.gpkg", [f"POINT ({x} {y})" for x, y in points])
    write(bench.folder / "lines.gpkg", [f"LINESTRING ({a[0]} {a[1]}, {b[0] + 0.25} {b[1] + 0.5})" for a, b in zip(ends[::2], ends[1::2])])
    bench.run(bench.document(document("out", "{file: points.gpkg, as: points}", "{file: lines.gpkg, as: lines}")))
    found = {}
    for item, (box, features) in items_of(bench, "out", "points").items():
        for number, (_, _, shape) in features.items():
            x, y = points[number - 1]
            bench.expect(number not in found and box[0] <= x < box[2] and box[1] < y <= box[3], f"point {number} is in one tile", (item, found.get(number)))
            found[number] = item
    bench.expect_equal(len(found), len(points), "every point is somewhere")
    length = sum(shape.Length() for _, features in items_of(bench, "out", "lines").values() for _, _, shape in features.values())
    wanted = sum(numpy.hypot(b[0] + 0.25 - a[0], b[1] + 0.5 - a[1]) for a, b in zip(ends[::2], ends[1::2]))
    bench.expect(abs(length - wanted) < 1e-6 * wanted, "the length of all parts", (length, wanted))


def hashes(bench, store):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted((bench.folder / store / "layers").rglob("*.g*"))}


def first_point(coordinates):
    return coordinates if isinstance(coordinates[0], float) else first_point(coordinates[0])


def same_bytes_and_identity(bench):
    shapes = stars(60, 4)
    write(bench.folder / "stars.gpkg", shapes)
    calls = ("{file: stars.gpkg, as: cut}", "{file: stars.gpkg, as: text, format: geojson, columns: [name]}")
    bench.run(bench.document(document("one", *calls)), "--threads", "1")
    parts = bench.document(document("two", *calls), "two.yaml")
    bench.run(parts, "--threads", "4", "--tiles", "1-3")
    bench.run(parts, "--threads", "4")
    bench.expect(hashes(bench, "one") == hashes(bench, "two") and len(hashes(bench, "one")) == 18, "the same bytes", (hashes(bench, "one"), hashes(bench, "two")))
    for path in (bench.folder / "one/layers/text").glob("*.geojson"):
        feature = json.loads(path.read_text())["features"][0]
        x, y = first_point(feature["geometry"]["coordinates"])
        bench.expect(list(feature["properties"]) == ["name"] and 2.9 < x < 3.1 and 45 < y < 45.2, "GeoJSON is in degrees", feature)
    # One feature in the first tile changes its column.
    dataset = ogr.Open(str(write(bench.folder / "new.gpkg", shapes)), 1)
    layer = dataset.GetLayer(0)
    first = layer.GetFeature(1)
    first["code"] = 99
    layer.SetFeature(first)
    first = layer = dataset = None
    (bench.folder / "new.gpkg").replace(bench.folder / "stars.gpkg")
    again = bench.run(parts).steps()["clip"]
    bench.expect(1 <= again["done"] <= 2 and again["done"] + again["unchanged"] == 9, "only the tiles near it are made again", again)
    few = bench.run(bench.document(document("two", "{file: stars.gpkg, as: cut, where: code = 99}"), "few.yaml")).steps()["clip"]
    bench.expect_equal((few["done"], few["empty"]), (1, 8), "tiles without features are empty")
    bench.expect("99" in str(items_of(bench, "two", "cut")["0_0"][1].values()), "the new value is there")


def columns_and_domains(bench):
    """Types of columns; the whole area and windows; the ids and names that a GeoPackage has for itself."""
    path = bench.folder / "typed.geojson"
    rows = [{"type": "Feature", "id": 7, "properties": {"fid": 3, "geom": "g", "whole": 2**40, "real": 0.1, "text": "ä", "day": "2020-01-31", "moment": "2020-01-31T10:00:00Z",
                                                        "yes": True, "none": None, "several": [1, 2]},
             "geometry": {"type": "Polygon", "coordinates": [[[3.001, 45.149], [3.004, 45.149], [3.004, 45.151], [3.001, 45.149]]]}}]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": rows}))
    write(bench.folder / "stars.gpkg", stars(30, 5))
    bench.run(bench.document(document("typed", "{file: typed.geojson}", "{file: typed.geojson, as: few, columns: [real]}")))
    files = sorted((bench.folder / "typed/layers/typed").glob("*.gpkg"))
    if bench.expect_equal(len(files), 1, "one tile has the feature"):
        dataset = ogr.Open(str(files[0]))
        layer = dataset.GetLayer(0)
        names = {layer.GetLayerDefn().GetFieldDefn(i).GetNameRef(): layer.GetLayerDefn().GetFieldDefn(i).GetTypeName() for i in range(layer.GetLayerDefn().GetFieldCount())}
        bench.expect_equal(names, {"fid": "Integer", "geom": "String", "whole": "Integer64", "real": "Real", "text": "String", "day": "Date", "moment": "DateTime",
                                   "yes": "Integer", "none": "String", "several": "String"}, "columns and their types")
        feature = layer.GetNextFeature()
        bench.expect_equal((feature.GetFID(), feature["fid"], feature["whole"], feature["real"], feature["text"], feature["day"], feature["yes"], feature["none"], json.loads(feature["several"])),
                           (7, 3, 2**40, 0.1, "ä", "2020/01/31", 1, None, [1, 2]), "values")
    whole = document("whole", "{file: stars.gpkg, as: all}").replace("    over: tiles\n", "")
    bench.run(bench.document(whole))
    bench.expect((bench.folder / "whole/all.gpkg").exists(), "a file of the whole area has its name")
    bench.run(bench.document(document("windows", "{file: stars.gpkg, as: near}", over="{windows_of: {file: typed.geojson, grow: 1}}")))
    bench.expect_equal(len(list((bench.folder / "windows/layers/near").glob("*.gpkg"))), 1, "over windows")


def refusals(bench):
    write(bench.folder / "stars.gpkg", stars(10, 6))
    write(bench.folder / "two.gpkg", stars(3, 6), layers=("a", "b"))
    write(bench.folder / "far.gpkg", ["POINT (0 0)"], 4326)
    (bench.folder / "bare.csv").write_text('code,wkt\n1,"POINT (500100 4999900)"\n')
    (bench.folder / "cut.gpkg").write_bytes((bench.folder / "stars.gpkg").read_bytes()[:30000])

    def refused(call, code, *words):
        done = bench.call("run", bench.document(document("refused", call)))
        bench.expect(done.code == code and all(word in done.err for word in words), f"{call} is refused with {words}", done)

    refused("{file: nowhere.gpkg}", 2, "nowhere.gpkg")
    refused("{file: stars.gpkg, columns: [cod]}", 2, "no column 'cod'", "code")
    refused("{file: stars.gpkg, where: cod = 1}", 2, "no condition")
    refused("{file: two.gpkg}", 2, "has 2 layers", "layer: a or b")
    refused("{file: two.gpkg, layer: c}", 2, "no layer 'c'")
    refused("{file: bare.csv}", 2, "coordinate reference system", "clip_vectors: {crs:")
    refused("{file: far.gpkg}", 4, "no feature of the file is near the area")
    refused("{file: stars.gpkg, format: shapefile}", 2, "shapefile", "geopackage")
    refused("{file: stars.gpkg, as: a/b}", 2, "a/b")
    counted = document("refused", "{file: stars.gpkg}").replace("    do:", "    min_ok: 3\n    do:")
    done = bench.call("run", bench.document(counted))
    bench.expect(done.code == 2 and "gathers no layer" in done.err, "nothing is gathered, so nothing to count", done)
    bench.expect(bench.call("run", bench.document(document("refused", "{file: cut.gpkg}"))).code not in (0, 70), "a file that was cut")
    bench.expect_equal(bench.call("run", bench.document(document("given", f"{{file: bare.csv, crs: 'EPSG:{scenes.EPSG}'}}"))).code, 0, "a CRS that is given")
    reading = document("read", "{file: stars.gpkg, as: cut}") + "  look: {over: tiles, do: [{load: {layer: cut}}, {reduce: median}, {save: {layer: x}}]}\n"
    done = bench.call("run", bench.document(reading))
    bench.expect(done.code == 2 and "not pixels" in done.err, "no pixels are loaded from it", done)
    mixed = document("mixed", "{file: stars.gpkg, as: cut}").replace("do: [", "do: [{mosaic: {layer: m}}, ")
    done = bench.call("run", bench.document(mixed))
    bench.expect(done.code == 2 and "cannot run over tiles" in done.err, "mosaics do not run over tiles", done)


if __name__ == "__main__":
    main([equals_ogr, lines_and_points, same_bytes_and_identity, columns_and_domains, refusals], __doc__)
