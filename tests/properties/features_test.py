#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Feature ops against the programs people trust: terrain as gdaldem, focal and distance as scipy.ndimage, joins with rasters of
other systems, flatten and standardise as NumPy, `diff` and `plot` as pyproj and NumPy, and the features of cropland maps.

    features_test.py GEOLOOM [--only TEST]...
"""
import csv
import json
import os
import pathlib
import subprocess
import sys
import xml.etree.ElementTree

import numpy
from osgeo import gdal, osr

import scenes
from program import VENV_PYTHON, main

SIZE = (150, 130)  # columns, rows
AREA = (f"area: {{grid: {{crs: \"EPSG:{scenes.EPSG}\", origin: [{scenes.ORIGIN[0]}, {scenes.ORIGIN[1]}], resolution: {scenes.PIXEL}, "
        f"size: [{SIZE[0]}, {SIZE[1]}]}}, tiles: 64 px}}")


def random_of(*seed):
    return numpy.random.Generator(numpy.random.PCG64(seed))


def by_python(bench, code, **arrays):
    """Runs code of the tests' environment on arrays; gives what it names `out`."""
    numpy.savez(bench.folder / "in.npz", **arrays)
    program = (f"import numpy\nlocals().update(numpy.load({str(bench.folder / 'in.npz')!r}))\n{code}\n"
               f"numpy.save({str(bench.folder / 'out.npy')!r}, out)")
    subprocess.run([str(VENV_PYTHON), "-c", program], check=True)
    return numpy.load(bench.folder / "out.npy")


def has_environment(bench):
    if VENV_PYTHON.exists():
        return True
    return bench.expect(True, "the Python environment of the tests is absent") and False


def made(bench, ops, name="out", area=AREA, layer="result", code=0):
    """The layer's mosaic: values (NaN where invalid) and band names."""
    text = "\n".join(f"      - {op}" for op in ops)
    document = bench.document(f"geoloom: 1\nname: features\nstore: {name}\n{area}\nsteps:\n  make:\n    over: tiles\n    do:\n{text}\n"
                              f"  map:\n    do: [{{mosaic: {{layer: {layer}, as: map}}}}]\n", f"{name}.yaml")
    outcome = bench.run(document, expect=code)
    if outcome.code != 0:
        return outcome, []
    path = bench.folder / name / "map.tif"
    values, valid = scenes.read_masked(path)
    dataset = gdal.Open(str(path))
    names = [dataset.GetRasterBand(n + 1).GetDescription() for n in range(dataset.RasterCount)]
    return numpy.where(valid, values.astype(numpy.float64), numpy.nan), names


def expect_close(bench, got, wanted, tolerance, what):
    same_gaps = bench.expect_equal(int((numpy.isnan(got) != numpy.isnan(wanted)).sum()), 0, f"{what}: pixels valid in one only")
    difference = numpy.nanmax(numpy.abs(got - wanted)) if same_gaps else numpy.inf
    bench.expect(difference <= tolerance, what, f"differs by up to {difference}")


def heights(seed, pixel=scenes.PIXEL):
    random = random_of(seed)
    y, x = numpy.mgrid[0:SIZE[1], 0:SIZE[0]]
    surface = 400 + 90 * numpy.sin(x / 17) * numpy.cos(y / 11) * pixel / 10 + random.normal(0, 3, (SIZE[1], SIZE[0]))
    surface = numpy.round(surface).astype(numpy.float32)
    surface[20:40, 60:70] = 512  # level ground
    surface[random.integers(0, 60, surface.shape) == 0] = -9999
    return surface


def by_gdaldem(path, mode, **options):
    dataset = gdal.DEMProcessing("", str(path), mode, format="MEM", **options)
    values = dataset.ReadAsArray().astype(numpy.float64)
    values[values == dataset.GetRasterBand(1).GetNoDataValue()] = numpy.nan
    return values


def terrain_as_gdaldem(bench):
    surface = heights(1)
    path = scenes.write_raster(bench.folder / "dem.tif", surface[None], nodata=-9999)
    got, names = made(bench, ["load: {scenes: dem.tif}", "terrain: [slope, aspect, hillshade]", "save: {layer: result, type: float32}"])
    bench.expect_equal(names, ["slope", "aspect", "hillshade"], "names")
    for index, mode in enumerate(("slope", "aspect", "hillshade")):
        wanted = by_gdaldem(path, mode)
        expect_close(bench, got[index], wanted, 0 if mode == "hillshade" else 4e-5, mode)
    percent, _ = made(bench, ["load: {scenes: dem.tif}", "terrain: {measures: slope, slope_unit: percent}", "save: result"], "percent")
    expect_close(bench, percent[0], by_gdaldem(path, "slope", slopeFormat="percent"), 2e-5, "percent")
    low, _ = made(bench, ["load: {scenes: dem.tif}",
                          "terrain: {measures: hillshade, sun_azimuth: 100, sun_altitude: 20, exaggeration: 2}", "save: result"], "low")
    expect_close(bench, low[0], by_gdaldem(path, "hillshade", azimuth=100, altitude=20, zFactor=2), 0, "another sun")


def edges_as_gdaldem(bench):
    """Where neighbours are missing within the raster, as -compute_edges; at its border that extrapolates, which we do not."""
    surface = heights(2)
    path = scenes.write_raster(bench.folder / "dem.tif", surface[None], nodata=-9999)
    got, _ = made(bench, ["load: {scenes: dem.tif}", "terrain: {measures: slope, edges: level}", "save: result"])
    wanted = by_gdaldem(path, "slope", computeEdges=True)
    expect_close(bench, got[0][1:-1, 1:-1], wanted[1:-1, 1:-1], 2e-5, "inside")
    bench.expect(not numpy.isnan(got[0][surface != -9999]).any(), "every pixel with a height has a slope")


def terrain_in_degrees(bench):
    """A plane tilted in metres, on a grid of degrees: the slope is the same everywhere."""
    if not has_environment(bench):
        return
    size, pixel, origin = 40, 0.001, (10.0, 61.0)
    lon, lat = numpy.meshgrid(origin[0] + (numpy.arange(size) + 0.5) * pixel, origin[1] - (numpy.arange(size) + 0.5) * pixel)
    metres = by_python(bench, """
from pyproj import Geod
geod = Geod(ellps='WGS84')
out = numpy.array([[geod.inv(lon[0, 0], a, o, a)[2] for o in lon[0]] for a in lat[:, 0]])""", lon=lon, lat=lat)
    surface = (100 + 0.2 * metres).astype(numpy.float32)
    scenes.write_raster(bench.folder / "dem.tif", surface[None], pixel=pixel, origin=origin, epsg=4326)
    area = f"area: {{grid: {{crs: \"EPSG:4326\", origin: [{origin[0]}, {origin[1]}], resolution: {pixel}, size: [{size}, {size}]}}, tiles: 16 px}}"
    got, _ = made(bench, ["load: {scenes: dem.tif}", "terrain: {measures: slope, slope_unit: percent}", "save: result"], area=area)
    inside = got[0][1:-1, 1:-1]
    # The parallels get longer towards the south, which tilts the plane a little that way too.
    bench.expect(numpy.abs(inside[:, 0] - 20).max() < 0.02, "the slope is 20 %", (inside.min(), inside.max()))


def noise(seed, gaps=8):
    random = random_of(seed)
    values = random.normal(100, 30, (SIZE[1], SIZE[0])).astype(numpy.float32)
    values[random.integers(0, gaps, values.shape) == 0] = -1000
    values[50:60, 90:105] = -1000  # larger than the neighbourhood
    return values


FOCAL = """
from scipy import ndimage
y, x = numpy.mgrid[-radius:radius + 1, -radius:radius + 1]
footprint = (x * x + y * y <= radius * radius) if disk else numpy.ones_like(x, bool)
padded = numpy.where(values == -1000, numpy.nan, values.astype(numpy.float64))
import warnings
warnings.simplefilter('ignore')
def stat(f, least):
    def of(window):
        window = window[~numpy.isnan(window)]
        return f(window) if len(window) >= least else numpy.nan
    return ndimage.generic_filter(padded, of, footprint=footprint, mode='constant', cval=numpy.nan)
out = numpy.stack([stat(numpy.mean, 1), stat(lambda v: v.var(ddof=1), 2), stat(lambda v: v.std(ddof=1), 2), stat(numpy.min, 1),
                   stat(numpy.max, 1), stat(numpy.median, 1), stat(len, 1)])"""


def focal_as_scipy(bench):
    if not has_environment(bench):
        return
    values = noise(3)
    scenes.write_raster(bench.folder / "values.tif", values[None], nodata=-1000, names=("v",))
    for shape, radius in (("square", 1), ("disk", 3)):
        wanted = by_python(bench, FOCAL, values=values, radius=radius, disk=shape == "disk")
        got, names = made(bench, ["load: {scenes: values.tif}",
                                  f"focal: {{stat: [mean, variance, sd, min, max, median, count], radius: {radius}, shape: {shape}}}",
                                  "save: result"], shape)
        for index, name in enumerate(names):
            scale = numpy.nanmax(numpy.abs(wanted[index]))
            expect_close(bench, got[index], wanted[index], 2e-7 * scale, f"{shape} {name}")
    few, _ = made(bench, ["load: {scenes: values.tif}", "focal: {stat: mean, radius: 1, min_count: 7, centre: required}", "save: result"], "few")
    wanted = by_python(bench, FOCAL, values=values, radius=1, disk=False)
    mean = numpy.where((wanted[6] >= 7) & (values != -1000), wanted[0], numpy.nan)
    expect_close(bench, few[0], mean, 1e-4, "fewest pixels")


def distance_as_scipy(bench):
    if not has_environment(bench):
        return
    classes = (random_of(4).integers(0, 400, (SIZE[1], SIZE[0])) == 0).astype(numpy.uint8) * 5 + 1
    classes[:40, :70] = 255  # no data
    scenes.write_raster(bench.folder / "classes.tif", classes[None], nodata=255)
    wanted = by_python(bench, "from scipy import ndimage\nout = ndimage.distance_transform_edt(classes != 6, sampling=10)", classes=classes)
    for maximum in (95, 1000):
        got, _ = made(bench, ["load: {scenes: classes.tif, kind: category}", f"distance: {{is: 6, maximum: {maximum}}}", "save: result"], f"to{maximum}")
        expect_close(bench, got[0], numpy.minimum(wanted, maximum), 1e-4, f"up to {maximum} m")
    bench.expect(wanted.max() > 95, "some pixels are farther away")


def joins_coarse_rasters_of_another_system(bench):
    """Rain at 0.05 degrees, a plane in longitude and latitude: bilinear interpolation gives the plane itself, on every tile."""
    if not has_environment(bench):
        return
    pixel, origin = 0.05, (-20.0, 60.0)
    lon, lat = numpy.meshgrid(origin[0] + (numpy.arange(900) + 0.5) * pixel, origin[1] - (numpy.arange(700) + 0.5) * pixel)
    rain = (300 + 5 * lon + 2 * lat).astype(numpy.float32)
    scenes.write_raster(bench.folder / "rain.tif", rain[None], pixel=pixel, origin=origin, epsg=4326, names=("rain",), nodata=-9999)
    scenes.write_raster(bench.folder / "dem.tif", heights(5)[None], nodata=-9999, names=("height",))
    series = bench.folder / "series"
    for n in range(3):
        scenes.write_raster(series / f"s_{scenes.day(n):%Y%m%d}.tif", scenes.reflectance_pixels(n, SIZE), nodata=0, names=("red", "nir"))
    got, names = made(bench, ["load: {scenes: series, date_pattern: \"s_%Y%m%d.tif\", as: series}",
                              "load: {scenes: rain.tif, resampling: bilinear, as: rain}", "load: {scenes: dem.tif, as: dem}",
                              "join: {from: [series, rain, dem]}", "save: {layer: result, type: float32}"])
    bench.expect_equal(len(names), 12, "three dates of four bands")
    x = scenes.ORIGIN[0] + (numpy.arange(SIZE[0]) + 0.5) * scenes.PIXEL
    y = scenes.ORIGIN[1] - (numpy.arange(SIZE[1]) + 0.5) * scenes.PIXEL
    wanted = by_python(bench, f"""
from pyproj import Transformer
lon, lat = Transformer.from_crs({scenes.EPSG}, 4326, always_xy=True).transform(*numpy.meshgrid(x, y))
out = 300 + 5 * lon + 2 * lat""", x=x, y=y)
    for date in range(3):
        expect_close(bench, got[4 * date + 2], wanted, 5e-4, f"rain of date {date}")
        expect_close(bench, got[4 * date + 3], numpy.where(heights(5) == -9999, numpy.nan, heights(5)), 0, f"heights of date {date}")
        red = scenes.reflectance_pixels(date, SIZE)[0].astype(float)
        expect_close(bench, got[4 * date], numpy.where(red == 0, numpy.nan, red), 0, f"red of date {date}")


def joins_layers_of_earlier_steps(bench):
    values = noise(6)
    scenes.write_raster(bench.folder / "values.tif", values[None], nodata=-1000, names=("v",))
    document = bench.document(f"""geoloom: 1
name: features
store: out
{AREA}
steps:
  smooth:
    over: tiles
    do: [{{load: {{scenes: values.tif}}}}, {{focal: {{stat: mean, radius: 2}}}}, {{save: smooth}}]
  both:
    over: tiles
    do:
      - load: {{scenes: values.tif, as: raw}}
      - load: {{layer: smooth, as: smooth}}
      - join: {{from: [raw, smooth], names: [raw, smooth], require: all}}
      - save: both
  map:
    do: [{{mosaic: {{layer: both, as: map}}}}, {{mosaic: {{layer: smooth, as: smooth_map}}}}]
""")
    bench.run(document)
    both, valid = scenes.read_masked(bench.folder / "out" / "map.tif")
    smooth, _ = scenes.read_masked(bench.folder / "out" / "smooth_map.tif")
    bench.expect_equal(int((valid[0] != valid[1]).sum()), 0, "bands are valid together")
    bench.expect_equal(int((valid[0] != (values != -1000)).sum()), 0, "where the values are")
    bench.expect(bool((both[1] == smooth[0])[valid[0]].all() and (both[0] == values)[valid[0]].all()), "the layers' values")


def flattens_alike_on_every_tile(bench):
    """Scenes that touch some tiles only: every tile has the bands of every month."""
    series = bench.folder / "series"
    for n, origin in ((0, (0, 0)), (9, (80, 70))):  # January and February
        scenes.write_raster(series / f"s_{scenes.day(n):%Y%m%d}.tif", numpy.full((1, 60, 70), n + 1, numpy.uint8), nodata=0, names=("v",),
                            origin=(scenes.ORIGIN[0] + origin[0] * 10, scenes.ORIGIN[1] - origin[1] * 10))
    got, names = made(bench, ["load: {scenes: series, date_pattern: \"s_%Y%m%d.tif\"}",
                              "reduce: {stat: max, every: month, within: 2018-01..2018-03}", "flatten: {order: band}",
                              "save: {layer: result, nodata: 0}"])
    bench.expect_equal(names, ["v_2018-01", "v_2018-02", "v_2018-03"], "names")
    bench.expect_equal([int(numpy.nansum(band > 0)) for band in got], [60 * 70, 60 * 70, 0], "pixels of each month")


def standardises_by_what_was_measured(bench):
    values = noise(7)
    scenes.write_raster(bench.folder / "values.tif", values[None], nodata=-1000, names=("v",))
    document = bench.document(f"""geoloom: 1
name: features
store: out
{AREA}
steps:
  raw:
    over: tiles
    do: [{{load: {{scenes: values.tif}}}}, {{save: raw}}]
  measure:
    do: [{{statistics: {{layer: raw, as: of_all}}}}]
  scaled:
    over: tiles
    do:
      - load: {{layer: raw}}
      - standardise: {{bands: {{v: {{minimum: $measure.of_all.v.minimum, maximum: $measure.of_all.v.maximum}}}}}}
      - save: scaled
  map:
    do: [{{mosaic: {{layer: scaled, as: map}}}}]
""")
    bench.run(document)
    got, valid = scenes.read_masked(bench.folder / "out" / "map.tif")
    known = values[values != -1000].astype(float)
    wanted = numpy.where(values == -1000, numpy.nan, (values.astype(float) - known.min()) / (known.max() - known.min()))
    expect_close(bench, numpy.where(valid[0], got[0].astype(float), numpy.nan), wanted, 1e-7, "0 to 1")


def diff_of_classes(bench):
    random = random_of(8)
    first = random.integers(1, 4, (SIZE[1], SIZE[0])).astype(numpy.uint8)
    second = numpy.where(random.integers(0, 5, first.shape) == 0, random.integers(1, 5, first.shape), first).astype(numpy.uint8)
    first[:10], second[:, :10] = 0, 0
    a = scenes.write_raster(bench.folder / "a.tif", first[None], nodata=0)
    b = scenes.write_raster(bench.folder / "b.tif", second[None], nodata=0)
    told = bench.call("diff", a, b, "--json", "--csv", bench.folder / "moves.csv").json()["bands"][0]
    both = (first > 0) & (second > 0)
    for row in told["transitions"]:
        wanted = int((both & (first == row["from"]) & (second == row["to"])).sum())
        bench.expect_equal(row["pixels"], wanted, f"{row['from']} to {row['to']}")
    bench.expect_equal(told["both"]["pixels"], int(both.sum()), "pixels of both")
    bench.expect_equal(told["only_a"]["pixels"], int(((first > 0) & (second == 0)).sum()), "only in A")
    bench.expect_equal(told["changed"]["pixels"], int((both & (first != second)).sum()), "changed")
    with open(bench.folder / "moves.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    bench.expect_equal(sum(int(row["pixels"]) for row in rows), int(both.sum()), "the table adds up")
    text = bench.call("diff", a, b)
    bench.expect(text.code == 0 and "changed:" in text.out, "as text", text)
    if not has_environment(bench):
        return
    # The whole of both, as one polygon on the ellipsoid; rows and columns from 10 on.
    corners = numpy.array([(10, 10), (SIZE[0], 10), (SIZE[0], SIZE[1]), (10, SIZE[1])], float)
    edges = numpy.concatenate([numpy.linspace(corners[k], corners[(k + 1) % 4], 200, endpoint=False) for k in range(4)])
    area = by_python(bench, f"""
from pyproj import Geod, Transformer
lon, lat = Transformer.from_crs({scenes.EPSG}, 4326, always_xy=True).transform({scenes.ORIGIN[0]} + edges[:, 0] * 10, {scenes.ORIGIN[1]} - edges[:, 1] * 10)
out = numpy.array(abs(Geod(ellps='WGS84').polygon_area_perimeter(lon, lat)[0]))""", edges=edges)
    bench.expect(abs(told["both"]["hectares"] / (float(area) / 10000) - 1) < 1e-8, "hectares as pyproj's",
                 (told["both"]["hectares"], float(area) / 10000))


def diff_of_numbers_and_grids(bench):
    first, second = noise(9), noise(10)
    a = scenes.write_raster(bench.folder / "a.tif", first[None], nodata=-1000)
    b = scenes.write_raster(bench.folder / "b.tif", second[None], nodata=-1000)
    told = bench.call("diff", a, b, "--json").json()["bands"][0]
    both = (first != -1000) & (second != -1000)
    d = (second.astype(float) - first)[both]
    for name, wanted in (("mean", d.mean()), ("sd", d.std(ddof=1)), ("mean_absolute", abs(d).mean()), ("root_mean_square", numpy.sqrt((d ** 2).mean())),
                         ("min", d.min()), ("max", d.max())):
        bench.expect(abs(told["difference"][name] - wanted) < 1e-9 * max(1, abs(wanted)), name, (told["difference"][name], wanted))
    cut = scenes.write_raster(bench.folder / "cut.tif", second[None, 30:90, 20:100], nodata=-1000, origin=(scenes.ORIGIN[0] + 200, scenes.ORIGIN[1] - 300))
    told = bench.call("diff", a, cut, "--json").json()["bands"][0]
    bench.expect_equal(told["both"]["pixels"], int(both[30:90, 20:100].sum()), "what both have")
    beyond = first != -1000
    beyond[30:90, 20:100] &= second[30:90, 20:100] == -1000
    in_cut = int(((second != -1000) & (first == -1000))[30:90, 20:100].sum())
    bench.expect_equal((told["only_a"]["pixels"], told["only_b"]["pixels"]), (int(beyond.sum()), in_cut), "also outside of what both cover")
    back = bench.call("diff", cut, a, "--json").json()["bands"][0]
    bench.expect_equal((back["only_a"]["pixels"], back["only_b"]["pixels"]), (in_cut, int(beyond.sum())), "the other way round")
    bench.expect(abs(back["only_b"]["hectares"] - told["only_a"]["hectares"]) < 1e-6, "hectares of them", (back["only_b"], told["only_a"]))
    bench.call("diff", a, b, "--csv", bench.folder / "numbers.csv")
    with open(bench.folder / "numbers.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    bench.expect(len(rows) == 1 and int(rows[0]["pixels"]) == int(both.sum()) and abs(float(rows[0]["mean"]) - d.mean()) < 1e-9, "numbers as a table", rows)
    two = scenes.write_raster(bench.folder / "two.tif", numpy.stack([first, second]), nodata=-1000, names=("red", "nir"))
    named = scenes.write_raster(bench.folder / "named.tif", first[None], nodata=-1000, names=("red",))
    for left, right, bands, hint in ((named, named, "rde", "did you mean 'red'?"), (two, two, "red,nri", "did you mean 'nir'?"), (two, named, "red,nir", "no band 'nir'")):
        outcome = bench.call("diff", left, right, "--bands", bands)
        bench.expect(outcome.code == 2 and hint in outcome.err, f"--bands {bands}", outcome)
    bench.expect_equal(len(bench.call("diff", two, named, "--bands", "red", "--json").json()["bands"]), 1, "a band that both have")
    shifted = scenes.write_raster(bench.folder / "shifted.tif", second[None], nodata=-1000, origin=(scenes.ORIGIN[0] + 3, scenes.ORIGIN[1]))
    outcome = bench.call("diff", a, shifted)
    bench.expect(outcome.code == 2 and "different grids" in outcome.err and "same_grid_as" in outcome.err, "a shifted grid is refused", outcome)
    bench.expect_equal(bench.call("diff", a, bench.folder / "nowhere.tif").code, 5, "a file that is not there")


def diff_and_plot_of_layers(bench):
    series = bench.folder / "series"
    pixels = []
    for n in range(4):
        pixels.append(scenes.reflectance_pixels(n, SIZE))
        scenes.write_raster(series / f"s_{scenes.day(n, 20):%Y%m%d}.tif", pixels[-1], nodata=0, names=("red", "nir"))
    document = bench.document(f"""geoloom: 1
name: features
store: out
{AREA}
params: {{stat: max}}
steps:
  months:
    over: tiles
    do:
      - load: {{scenes: series, date_pattern: "s_%Y%m%d.tif"}}
      - reduce: {{stat: $stat, every: month}}
      - save: {{layer: months, nodata: 0}}
""")
    first = bench.run(document).json()
    bench.run(document, "-p", "stat=min")
    told = bench.call("diff", f"months@{first['run']}", "months", "--store", "out", "--json").json()["bands"]
    bench.expect_equal(len(told), 6, "bands of all months")
    january = numpy.stack([pixels[0][0], pixels[1][0]]).astype(float)
    january[january == 0] = numpy.nan
    known = ~numpy.isnan(january).all(axis=0)
    wanted = numpy.nanmin(january[:, known], axis=0) - numpy.nanmax(january[:, known], axis=0)
    bench.expect(abs(told[0]["difference"]["mean"] - wanted.mean()) < 1e-6, "min less max", told[0])
    lon, lat = (value for value in lon_lat(70, 65))
    outcome = bench.call("plot", "scenes", document, "--at", f"{lon},{lat}", "--svg", "p.svg", "--png", "p.png", "--csv", "p.csv")
    bench.expect_equal(outcome.code, 0, "plot of scenes", )
    with open(bench.folder / "p.csv", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["band"] == "red"]
    bench.expect_equal([float(row["mean"] or 0) for row in rows], [float(each[0][65, 70]) for each in pixels], "values of the pixel")
    svg = xml.etree.ElementTree.parse(bench.folder / "p.svg").getroot()
    dots = svg.findall("{http://www.w3.org/2000/svg}circle")
    bench.expect_equal(len(dots), sum(int(each[band][65, 70] > 0 and each[1 - band][65, 70] > 0) for each in pixels for band in (0, 1)), "a dot for each valid value")
    png = gdal.Open(str(bench.folder / "p.png"))
    bench.expect_equal((png.RasterXSize, png.RasterYSize), (800, 400), "size of the PNG")
    ring = [lon_lat(column, row) for column, row in ((20.3, 20.1), (60.2, 25.4), (40.1, 70.3), (20.3, 20.1))]
    (bench.folder / "field.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [
        {"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [ring]}}]}))
    outcome = bench.call("plot", "layer", f"months@{first['run']}", "--store", "out", "--polygon", "field.geojson", "--bands", "nir", "--spread",
                         "--svg", "f.svg", "--csv", "f.csv", "--json")
    bench.expect_equal(outcome.code, 0, "plot of a polygon")
    inside = polygon_mask(((20.3, 20.1), (60.2, 25.4), (40.1, 70.3)))
    with open(bench.folder / "f.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    bench.expect_equal(len(rows), 3, "months")
    months = [numpy.stack([pixels[0][1], pixels[1][1]]), pixels[2][1][None], pixels[3][1][None]]
    for row, month in zip(rows, months):
        highest = month.max(axis=0)[inside].astype(float)
        highest = highest[highest > 0]
        bench.expect_equal(int(row["valid"]), len(highest), "pixels whose centres lie inside")
        bench.expect(abs(float(row["mean"]) - highest.mean()) < 1e-3, "their mean", (row, highest.mean()))
    bench.expect_equal(bench.call("plot", "layer", "months", "--store", "out", "--at", "50,50").code, 2, "a place outside")
    bench.expect_equal(bench.call("plot", "layer", "months", "--store", "out").code, 2, "no place")


def diff_of_zones(bench):
    """Layers over two UTM zones, of which one has pixels in one zone only, or that zone only: no valid pixel goes uncounted."""
    for name, epsgs in (("both", (32633, 32634)), ("west", (32633,))):
        for epsg in epsgs:
            left = {32633: 722000.0, 32634: 277000.0}[epsg]  # 18 degrees east runs between them
            scenes.write_raster(bench.folder / name / f"s_{epsg}.tif", numpy.full((1, 300, 100), 5, numpy.uint8), nodata=0, origin=(left, 5319000.0),
                                epsg=epsg, names=("v",))
    valid = {}
    for store, name, east in (("a", "both", 18.02), ("b", "west", 18.02), ("c", "west", 17.985)):
        document = bench.document(f"""geoloom: 1
name: zones
store: {store}
area: {{aoi: {{bbox: [17.98, 47.97, {east}, 47.98]}}, grid: {{utm: 1000 m}}, resolution: 10 m}}
steps:
  s:
    over: tiles
    do: [{{load: {{scenes: {name}}}}}, {{reduce: max}}, {{save: {{layer: v, nodata: 0}}}}]
""", f"{store}.yaml")
        bench.run(document)
        valid[store] = sum(int(scenes.read_masked(file)[1].sum()) for file in (bench.folder / store / "layers" / "v").rglob("*.tif"))
        if store == "b":
            lon, lat = 18.015, 47.975
            outcome = bench.call("plot", "scenes", document, "--at", f"{lon},{lat}")
            bench.expect(outcome.code != 0 and "no scene" in outcome.err and "outside" not in outcome.err, "a place without a scene", outcome)
    bench.expect(valid["a"] > valid["b"] >= valid["c"] > 0, "one zone, and both", valid)
    for a, b in (("a", "b"), ("b", "a"), ("a", "c"), ("c", "a")):
        told = bench.call("diff", "v", "v", "--store", a, "--store-b", b, "--json").json()["bands"][0]
        bench.expect(told["both"]["pixels"] > 0, f"{a} and {b}: in both", told)
        bench.expect_equal(told["both"]["pixels"] + told["only_a"]["pixels"], valid[a], f"{a} and {b}: pixels of A")
        bench.expect_equal(told["both"]["pixels"] + told["only_b"]["pixels"], valid[b], f"{a} and {b}: pixels of B")


def plots_what_is_there(bench):
    """Infinite values are left out."""
    series = bench.folder / "series"
    for n, nir in enumerate((1, 2)):
        pixels = numpy.full((2, 40, 40), 7, numpy.uint8)
        pixels[1] = nir  # 7 / (1 - 1) is infinite
        scenes.write_raster(series / f"s_{scenes.day(n, 20):%Y%m%d}.tif", pixels, nodata=0, names=("red", "nir"))
    document = bench.document(f"""geoloom: 1
name: features
store: out
{AREA}
steps:
  s:
    over: tiles
    do:
      - load: {{scenes: series, date_pattern: "s_%Y%m%d.tif"}}
      - expr: {{bands: {{v: red / (nir - 1)}}}}
      - save: {{layer: v, type: float32}}
""")
    bench.run(document)
    place = ",".join(str(value) for value in lon_lat(5, 5))
    outcome = bench.call("plot", "layer", "v", "--store", "out", "--at", place, "--svg", "v.svg", "--csv", "v.csv")
    bench.expect_equal(outcome.code, 0, "plot of an infinite date")
    with open(bench.folder / "v.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    bench.expect_equal([(row["valid"], row["mean"]) for row in rows], [("0", ""), ("1", "7")], "one finite date")
    svg = (bench.folder / "v.svg").read_text(encoding="utf-8")
    bench.expect("nan" not in svg and "inf" not in svg and svg.count("<circle") == 1, "a chart of what is finite")


NINE = ["blue", "green", "red", "nir", "swir_1", "swir_2", "red_edge_1", "red_edge_2", "red_edge_3"]
SEMESTER = [*NINE, "bcdev", "edev", "sdev", "NDVI", "LAI", "MNDWI", "rain"]
FEATURES = [f"{name}_{semester}" for semester in ("S1", "S2") for name in SEMESTER] + ["slope"]


def derived(nine):
    blue, green, red, nir, swir = (nine[NINE.index(name)] for name in ("blue", "green", "red", "nir", "swir_1"))
    return [(nir - red) / (nir + red), 3.618 * (2.5 * (nir - red) / (nir + 6 * red - 7.5 * blue + 1)) - 0.118, (green - swir) / (green + swir)]


def crop_mask_features(bench):
    """The component of the library on synthetic medians, whose features NumPy computes."""
    random, wanted = random_of(11), []
    pixel, origin = 0.05, (2.0, 46.0)
    lon, lat = numpy.meshgrid(origin[0] + (numpy.arange(60) + 0.5) * pixel, origin[1] - (numpy.arange(40) + 0.5) * pixel)
    for semester in (1, 2):
        nine = random.integers(300, 6000, (9, SIZE[1], SIZE[0])).astype(numpy.float32)
        nine[0] = nine[0] / 8  # blue; more would make the denominator of LAI 0
        mads = numpy.stack([random.uniform(0.01, 0.3, (SIZE[1], SIZE[0])), random.uniform(100, 3000, (SIZE[1], SIZE[0])),
                            random.uniform(1e-4, 0.02, (SIZE[1], SIZE[0]))]).astype(numpy.float32)
        stack = numpy.concatenate([nine, mads])
        stack[:, 5:9, 40:60] = numpy.nan
        stack[9:, 20:24, 30:50] = 0  # of a single observation
        scenes.write_raster(bench.folder / f"s{semester}.tif", stack, nodata=numpy.nan, names=(*NINE, "bcdev", "edev", "sdev"))
        rain = (100 * semester + 3 * lon + 2 * lat).astype(numpy.float32)
        scenes.write_raster(bench.folder / f"rain{semester}.tif", rain[None], pixel=pixel, origin=origin, epsg=4326, nodata=-9999)
        stack = stack.astype(numpy.float64)
        scaled = stack[:9] / 10000
        mads = numpy.where(stack[9:] > 0, stack[9:], numpy.nan)  # 0 has no logarithm: invalid
        wanted += [*scaled, -numpy.log(mads[0]), -numpy.log(mads[1] / 10000), -numpy.log(mads[2]), *derived(scaled), None]
    slope = random.uniform(0, 60, (SIZE[1], SIZE[0])).astype(numpy.float32)
    scenes.write_raster(bench.folder / "slope.tif", slope[None])
    wanted.append(slope.astype(numpy.float64))
    area = AREA + "\ncomponents: {crop-mask-features: geoloom:crop-mask-features}"
    got, names = made(bench, ["use: {component: crop-mask-features, with: {first: s1.tif, second: s2.tif, rain_first: rain1.tif, "
                              "rain_second: rain2.tif, slope: slope.tif}}", "save: {layer: result, type: float32}"], area=area)
    bench.expect_equal(names, FEATURES, "names and order of the 33 features")
    x = scenes.ORIGIN[0] + (numpy.arange(SIZE[0]) + 0.5) * scenes.PIXEL
    y = scenes.ORIGIN[1] - (numpy.arange(SIZE[1]) + 0.5) * scenes.PIXEL
    for index, name in enumerate(FEATURES):
        if wanted[index] is not None:
            scale = numpy.nanmax(numpy.abs(wanted[index]))
            expect_close(bench, got[index], wanted[index], 2e-5 * scale if name.startswith("LAI") else 4e-7 * scale, name)
        elif has_environment(bench):
            rain = by_python(bench, f"""
from pyproj import Transformer
lon, lat = Transformer.from_crs({scenes.EPSG}, 4326, always_xy=True).transform(*numpy.meshgrid(x, y))
out = 100 * {name[-1]} + 3 * lon + 2 * lat""", x=x, y=y)
            expect_close(bench, got[index], rain, 5e-4, name)


    # The same from results of a step, whatever their bands are called.
    area = AREA + "\ncomponents: {semester: geoloom:crop-mask-semester}"
    again, few = made(bench, ["load: {scenes: s2.tif, as: loaded}", "expr: {keep: [%s], bands: {bcmad: bcdev, emad: edev, smad: sdev}, as: median}" % ", ".join(NINE),
                              "load: {scenes: rain2.tif, resampling: bilinear, as: rain}",
                              "use: {component: semester, from: [median, rain], with: {semester: S2}}", "save: {layer: result, type: float32}"],
                      "again", area=area)
    bench.expect_equal(few, FEATURES[16:32], "names of a semester")
    expect_close(bench, again, got[16:32], 0, "a semester alone")


def crop_mask_tables(bench):
    """The published training tables have these columns, and values that these formulas give. Their rows are medians over polygons,
    feature by feature, so a median of NDVI is near the NDVI of the medians and not equal to it."""
    folder = os.environ.get("GEOLOOM_TEST_DATA")
    if not folder or not (pathlib.Path(folder) / "crop-mask").is_dir():
        print("SKIPPED crop_mask_tables: GEOLOOM_TEST_DATA names no folder with crop-mask/")
        return bench.expect(True, "no tables")
    for path in sorted((pathlib.Path(folder) / "crop-mask").glob("*_training.txt")):
        with open(path, encoding="utf-8") as file:
            header = file.readline().lstrip("# ").split()
        bench.expect_equal(header, ["Class", *FEATURES], f"{path.name}: columns")
        table = dict(zip(header, numpy.loadtxt(path).T))
        for semester in ("S1", "S2"):
            nine = [table[f"{name}_{semester}"] for name in NINE]
            for name, values in zip(("NDVI", "LAI", "MNDWI"), derived(nine)):
                away = numpy.abs(values - table[f"{name}_{semester}"])
                bench.expect(numpy.median(away) < (0.01 if name == "LAI" else 0.004), f"{path.name}: {name}_{semester}", f"median difference {numpy.median(away)}")
            for name, low, high in (("bcdev", 0, 8), ("edev", 0, 8), ("sdev", 0, 14)):
                values = table[f"{name}_{semester}"]
                bench.expect(low < numpy.median(values) < high and (values > low).mean() > 0.99, f"{path.name}: {name} is -ln of a deviation",
                             (values.min(), values.max()))
            bench.expect(0 < numpy.median(nine[3]) < 1, f"{path.name}: reflectance is from 0 to 1")


def lon_lat(column, row):
    here, there = osr.SpatialReference(), osr.SpatialReference()
    here.ImportFromEPSG(scenes.EPSG)
    there.ImportFromEPSG(4326)
    for reference in (here, there):
        reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return osr.CoordinateTransformation(here, there).TransformPoint(
        scenes.ORIGIN[0] + (column + 0.5) * scenes.PIXEL, scenes.ORIGIN[1] - (row + 0.5) * scenes.PIXEL)[:2]


def polygon_mask(corners):
    """Pixels whose centres lie within a polygon of pixel centres."""
    y, x = numpy.mgrid[0:SIZE[1], 0:SIZE[0]].astype(float)
    inside = numpy.zeros(x.shape, bool)
    for (x1, y1), (x2, y2) in zip(corners, (*corners[1:], corners[0])):
        crossing = (y1 > y) != (y2 > y)
        inside ^= crossing & (x < (x2 - x1) * (y - y1) / (y2 - y1 if y2 != y1 else 1) + x1)
    return inside


TESTS = (terrain_as_gdaldem, edges_as_gdaldem, terrain_in_degrees, focal_as_scipy, distance_as_scipy, joins_coarse_rasters_of_another_system,
         joins_layers_of_earlier_steps, flattens_alike_on_every_tile, standardises_by_what_was_measured, diff_of_classes,
         diff_of_numbers_and_grids, diff_and_plot_of_layers, diff_of_zones, plots_what_is_there, crop_mask_features, crop_mask_tables)

if __name__ == "__main__":
    sys.exit(main(TESTS, __doc__))
