#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Masks of shadows against NumPy, tiles against the whole.

    shadows_test.py GEOLOOM [--only TEST]...
"""
import datetime
import json
import math
import sys

import numpy
from osgeo import gdal, osr

import documents
import scenes
from program import main

SIZE = (300, 280)
NODATA = 0
SUN = {"view:sun_azimuth": 152.0, "view:sun_elevation": 38.0}
HEIGHTS = range(500, 4001, 500)


def reference_of(epsg):
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(epsg)
    reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return reference


def write_scene(folder, properties, time="2018-05-03T10:30:00Z", seed=5):
    """Green and swir of 10 m, a probability of clouds of 20 m, and an item that tells where the sun stood."""
    folder.mkdir(parents=True, exist_ok=True)
    random = numpy.random.Generator(numpy.random.PCG64(seed))
    columns, rows = SIZE
    x, y = numpy.meshgrid(numpy.arange(columns), numpy.arange(rows))
    green = 3000 + 900 * numpy.sin(x / 31) + 700 * numpy.cos(y / 27)
    swir = 2500 + 1500 * numpy.sin((x + y) / 19)
    pixels = numpy.stack([green, swir]).astype(numpy.uint16)
    pixels[:, 100:130, 60:90] = NODATA
    clouds = numpy.zeros((rows // 2, columns // 2), numpy.uint8)
    for _ in range(9):
        left, top, wide, high = (int(n) for n in (random.integers(0, 140), random.integers(0, 130), random.integers(2, 16), random.integers(2, 12)))
        clouds[top:top + high, left:left + wide] = random.integers(41, 100)
    clouds[random.random(clouds.shape) < 0.002] = 90  # specks
    scenes.write_raster(folder / "S2_A_B.tif", pixels, names=("green", "swir"), nodata=NODATA)
    scenes.write_raster(folder / "S2_A_CLD.tif", clouds[None], pixel=2 * scenes.PIXEL, names=("CLD",), block=64)
    item = scenes.item_of("S2_A", scenes.day(0), {
        "data": {"href": "./S2_A_B.tif", "roles": ["data"], "eo:bands": [{"name": "green"}, {"name": "swir"}]},
        "CLD": {"href": "./S2_A_CLD.tif", "roles": ["data"], "eo:bands": [{"name": "CLD"}]}})
    item["properties"] = {"datetime": time, **properties}
    (folder / "items.json").write_text(json.dumps({"type": "FeatureCollection", "features": [item]}))
    return pixels, clouds > 40


def away_from_sun(azimuth, elevation):
    """East and south on the map, in metres, of the shadow of something a metre high; found by walking on the Earth."""
    to_map = osr.CoordinateTransformation(reference_of(4326), reference_of(scenes.EPSG))
    to_degrees = osr.CoordinateTransformation(reference_of(scenes.EPSG), reference_of(4326))
    x, y = scenes.ORIGIN[0] + SIZE[0] * scenes.PIXEL / 2, scenes.ORIGIN[1] - SIZE[1] * scenes.PIXEL / 2
    lon, lat, _ = to_degrees.TransformPoint(x, y)
    north, east = (to_map.TransformPoint(lon, lat + 0.001), to_map.TransformPoint(lon + 0.001, lat))
    north = numpy.array([north[0] - x, north[1] - y]) / math.hypot(north[0] - x, north[1] - y)
    east = numpy.array([east[0] - x, east[1] - y]) / math.hypot(east[0] - x, east[1] - y)
    there = math.radians(azimuth + 180)
    step = (math.cos(there) * north + math.sin(there) * east) * 0.9996 * math.tan(math.radians(90 - elevation))
    return step[0], -step[1]


def sun_by_almanac(when, lon, lat):
    """Azimuth and elevation by the Astronomical Almanac's formulas for low precision and by sidereal time, good to 0.01 degrees."""
    days = (when - datetime.datetime(2000, 1, 1, 12)) / datetime.timedelta(days=1)
    anomaly = math.radians(357.528 + 0.9856003 * days)
    longitude = math.radians(280.460 + 0.9856474 * days + 1.915 * math.sin(anomaly) + 0.020 * math.sin(2 * anomaly))
    obliquity = math.radians(23.439 - 0.0000004 * days)
    ascension = math.atan2(math.cos(obliquity) * math.sin(longitude), math.cos(longitude))
    declination = math.asin(math.sin(obliquity) * math.sin(longitude))
    angle = math.radians(280.46061837 + 360.98564736629 * days + lon) - ascension
    latitude = math.radians(lat)
    up = math.sin(latitude) * math.sin(declination) + math.cos(latitude) * math.cos(declination) * math.cos(angle)
    east = -math.cos(declination) * math.sin(angle)
    north = math.cos(latitude) * math.sin(declination) - math.sin(latitude) * math.cos(declination) * math.cos(angle)
    return math.degrees(math.atan2(east, north)) % 360, math.degrees(math.asin(up))


def shifted(mask, columns, rows):
    out = numpy.zeros_like(mask)
    high, wide = mask.shape
    if abs(rows) < high and abs(columns) < wide:
        out[max(0, rows):high + min(0, rows), max(0, columns):wide + min(0, columns)] = \
            mask[max(0, -rows):high + min(0, -rows), max(0, -columns):wide + min(0, -columns)]
    return out


def shadow_of(clouds, per_metre, heights=HEIGHTS, pixel=2 * scenes.PIXEL):
    shadow = numpy.zeros_like(clouds)
    for height in heights:
        shadow |= shifted(clouds, round(height * per_metre[0] / pixel), round(height * per_metre[1] / pixel))
    return shadow & ~clouds


def on_area(mask):
    return mask.repeat(2, axis=0).repeat(2, axis=1)


def document(tile, mask, area="same_grid_as: S2_A_B.tif", more=""):
    return documents.masked(tile, f"scenes: items.json, bands: [green, swir], mask: {mask}{more}", area)


def map_of(bench, tile, mask, name, **more):
    outcome = bench.run(bench.document(document(tile, mask, **more)), "-p", f"results={name}")
    if outcome.code != 0:
        raise AssertionError(outcome)
    return bench.folder / name / "map.tif"


def equal_in_tiles(bench, mask, name, **more):
    whole = map_of(bench, 1024, mask, f"{name}_whole", **more)
    tiles = map_of(bench, 37, mask, f"{name}_tiles", **more)
    bench.expect_equal(tiles.read_bytes(), whole.read_bytes(), f"{name}: tiles are the whole, byte for byte")
    return scenes.read_masked(whole)[1][0]


CLOUDS = "{band: CLD, above: 40}"


def cloud_shadows_against_numpy(bench):
    pixels, clouds = write_scene(bench.folder, SUN)
    seen = pixels[0] != NODATA
    right = away_from_sun(SUN["view:sun_azimuth"], SUN["view:sun_elevation"])
    bench.expect(right[0] < -0.3 and right[1] < -0.8, "with the sun in the south-south-east shadows fall to the north-west", right)
    shadow = on_area(shadow_of(clouds, right))
    valid = equal_in_tiles(bench, f"{{cloud_shadow: {{clouds: {CLOUDS}}}}}", "shadow")
    bench.expect_equal(int((valid != (seen & ~shadow)).sum()), 0, "shadows as NumPy has them")
    bench.expect(0.02 < shadow.mean() < 0.9, "some pixels are in shadow", shadow.mean())
    valid = equal_in_tiles(bench, f"[{CLOUDS}, {{cloud_shadow: {{clouds: {CLOUDS}, heights: [700, 1900]}}}}]", "both")
    truth = seen & ~on_area(shadow_of(clouds, right, [700, 1900]) | clouds)
    bench.expect_equal(int((valid != truth).sum()), 0, "clouds and shadows of two heights")


def formula_of_scripts_against_numpy(bench):
    pixels, clouds = write_scene(bench.folder, SUN)
    seen = pixels[0] != NODATA
    a, zenith = math.radians(SUN["view:sun_azimuth"] + 90), 90 - SUN["view:sun_elevation"]
    length = math.tan(math.radians(90 - zenith))
    shadow = shadow_of(clouds, (math.cos(a) * length, math.sin(a) * length))
    green, swir = pixels.astype(numpy.float64)
    with numpy.errstate(invalid="ignore", divide="ignore"):
        dark = (green - swir) / (green + swir) > 0.25
    rule = f"{{cloud_shadow: {{clouds: {CLOUDS}, formula: tan_elevation, dark: (green - swir) / (green + swir) > 0.25}}}}"
    valid = equal_in_tiles(bench, rule, "scripts")
    truth = seen & ~(on_area(shadow) & dark)
    bench.expect_equal(int((valid != truth).sum()), 0, "shadows that are dark")
    bench.expect(0 < int((on_area(shadow) & dark & seen).sum()) < int((on_area(shadow) & seen).sum()), "some shadows are not dark")


def cleaned_shadows(bench):
    pixels, clouds = write_scene(bench.folder, SUN)
    seen = pixels[0] != NODATA
    right = away_from_sun(SUN["view:sun_azimuth"], SUN["view:sun_elevation"])
    cross = [(0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)]  # a disk of one pixel

    def grown(mask):
        return numpy.logical_or.reduce([shifted(mask, *step) for step in cross])

    def shrunk(mask):
        return numpy.logical_and.reduce([shifted(mask, *step) for step in cross])

    opened = grown(shrunk(clouds))
    shadow = on_area(grown(shadow_of(opened, right)))
    rule = "{cloud_shadow: {clouds: {band: CLD, above: 40, clean: {open: 20 m}}}, clean: {dilate: 1 px}}"
    valid = equal_in_tiles(bench, rule, "cleaned")
    bench.expect_equal(int((valid != (seen & ~shadow)).sum()), 0, "specks cast none, shadows grow")
    condition = on_area(shadow_of(clouds, right)) & (pixels[1] < 2400) & seen
    rule = f"{{cloud_shadow: {{clouds: {CLOUDS}, dark: swir < 2400}}, clean: {{dilate: 10 m}}}}"
    valid = equal_in_tiles(bench, rule, "dark")
    bench.expect_equal(int((valid != (seen & ~grown(condition))).sum()), 0, "dark ones grow on the area's pixels")
    row, column = numpy.argwhere(condition)[0]
    bench.run(bench.document(document(1024, rule)))
    said = bench.call("pixel", scenes.lon_lat_of(column, row), bench.document(document(1024, rule)))
    bench.expect(said.code == 0 and "a cloud's shadow where" in said.out, "why a pixel went", said)
    rule = f"{{cloud_shadow: {{clouds: {CLOUDS}}}}}"
    bench.run(bench.document(document(1024, rule)))
    said = bench.call("pixel", scenes.lon_lat_of(column, row), bench.document(document(1024, rule)))
    bench.expect(said.code == 0 and "in the shadow of a cloud" in said.out, "why a pixel went", said)


def an_area_inside_and_a_warp(bench):
    """Clouds beyond the area cast shadows into it, and a warped scene is masked before."""
    write_scene(bench.folder, SUN)
    rule = f"{{cloud_shadow: {{clouds: {CLOUDS}}}}}"
    whole = equal_in_tiles(bench, rule, "whole")
    left, top, columns, rows = 70, 90, 110, 96
    grid = "grid: {crs: 'EPSG:%d', origin: [%r, %r], resolution: %r, size: [%d, %d]}"
    part = grid % (scenes.EPSG, scenes.ORIGIN[0] + left * scenes.PIXEL, scenes.ORIGIN[1] - top * scenes.PIXEL, scenes.PIXEL, columns, rows)
    valid = equal_in_tiles(bench, rule, "part", area=part)
    bench.expect_equal(int((valid != whole[top:top + rows, left:left + columns]).sum()), 0, "the part is that of the whole")
    shifted_grid = grid % (scenes.EPSG, scenes.ORIGIN[0] + 703, scenes.ORIGIN[1] - 904, scenes.PIXEL, columns, rows)
    for name, mask in (("warped", rule), ("warped_dark", f"{{cloud_shadow: {{clouds: {CLOUDS}, dark: swir < 2400}}}}")):
        valid = equal_in_tiles(bench, mask, name, area=shifted_grid, more=", resampling: nearest")
        bench.expect(0.05 < valid.mean() < 0.99, f"{name}: some pixels are masked", valid.mean())
        if name == "warped":
            bench.expect_equal(int((valid != whole[top:top + rows, left:left + columns]).sum()), 0, "nearest is the pixel itself")


def sun_is_part_of_what_results_are_made_of(bench):
    text = document(100, f"{{cloud_shadow: {{clouds: {CLOUDS}}}}}")
    made = []
    for sun in (SUN, SUN, {**SUN, "view:sun_azimuth": 153.0}):
        write_scene(bench.folder, sun)
        made.append(bench.run(bench.document(text)).steps()["pixels"]["done"])
    # Files that are written again are other ones; so only the item changes here.
    items = bench.folder / "items.json"
    items.write_text(items.read_text().replace("153.0", "154.0"))
    made.append(bench.run(bench.document(text)).steps()["pixels"]["done"])
    items.write_text(items.read_text() + "\n")
    made.append(bench.run(bench.document(text)).steps()["pixels"]["done"])
    bench.expect(made[0] > 0 and made[3] == made[0] and made[4] == 0, "another sun makes results again", str(made))


def suns_that_are_not_told(bench):
    rule = f"{{cloud_shadow: {{clouds: {CLOUDS}}}}}"
    pixels, clouds = write_scene(bench.folder, {}, time="2018-05-03T10:30:00Z")
    outcome = bench.call("plan", bench.document(document(1024, rule)))
    bench.expect(outcome.code == 0 and "computed for 1 scenes" in outcome.out + outcome.err, "the sun is computed", outcome)
    valid = equal_in_tiles(bench, rule, "computed")
    near = on_area(shadow_of(clouds, away_from_sun(*sun_by_almanac(datetime.datetime(2018, 5, 3, 10, 30), 3.019, 45.14))))
    seen = pixels[0] != NODATA
    bench.expect(((~valid & seen) != (near & seen)).mean() < 0.002, "where it stood by the almanac", ((~valid & seen) != (near & seen)).mean())
    write_scene(bench.folder, {}, time="2018-05-03T00:00:00Z")
    at_a_time = rule.replace("}}}", "}, overpass: '10:42'}}")  # 3.02 degrees of longitude are 12 minutes
    again = equal_in_tiles(bench, at_a_time, "overpass")
    bench.expect((again != valid).mean() < 0.002, "a time of day by the sun", (again != valid).mean())
    for properties, time, code, words in (
            ({}, "2018-05-03T00:00:00Z", 2, ["its time has no hour", "S2_A", "view:sun_azimuth"]),
            ({"view:sun_azimuth": 500, "view:sun_elevation": 10}, "2018-05-03T10:30:00Z", 2, ["view:sun_azimuth is 500"]),
            ({"view:sun_azimuth": 150, "view:sun_elevation": 9.5}, "2018-05-03T10:30:00Z", 4, ["0 with the sun at least 10 degrees high"])):
        write_scene(bench.folder, properties, time)
        outcome = bench.call("plan", bench.document(document(1024, rule)))
        bench.expect(outcome.code == code and all(word in outcome.err for word in words), str(words), outcome)
    write_scene(bench.folder, SUN)
    for mask, word in (("{cloud_shadow: {clouds: {band: CLD}}}", "load.mask.cloud_shadow.clouds"),
                       ("{cloud_shadow: {heights: 300}}", "clouds"), ("{cloud_shadow: {clouds: {band: CLD, above: 40}}, band: CLD, above: 3}", "nothing else"),
                       ("{cloud_shadow: {clouds: {band: CLD, above: 40}, dark: swr < 3}}", "did you mean 'swir'"),
                       ("{cloud_shadow: {clouds: {band: CLD, above: 40}, dark: swir +}}", "load.mask.cloud_shadow.dark")):
        outcome = bench.call("plan", bench.document(document(1024, mask)))
        bench.expect(outcome.code == 2 and word in outcome.err, word, outcome)


def scenes_of_a_source(bench):
    """The sun's position gets through the search of an archive, and classes have names."""
    write_scene(bench.folder, SUN)
    (bench.folder / "sensor.yaml").write_text("""sensor: drawn
title: Drawn
bands: {green: {}, swir: {}, CLD: {kind: classes}}
masks: {cld: {band: CLD, classes: {cloud: [90]}, usual: [cloud]}}
""")
    rule = "{cloud_shadow: {clouds: {classes: cloud}}}"
    text = document(1024, rule).replace("scenes: items.json", "source: s2").replace("steps:", "sources: {s2: {stac: items.json, sensor: sensor.yaml}}\nsteps:", 1)
    outcome = bench.run(bench.document(text), "-p", "results=source")
    if outcome.code != 0:
        raise AssertionError(outcome)
    valid = equal_in_tiles(bench, "{cloud_shadow: {clouds: {band: CLD, drop: 90}}}", "plain")
    got = scenes.read_masked(bench.folder / "source" / "map.tif")[1][0]
    bench.expect_equal(int((got != valid).sum()), 0, "a source's scenes")
    bench.expect(0.05 < got.mean() < 0.99, "some pixels are masked", got.mean())


# --- Terrain --------------------------------------------------------------------------------------

RIM = 80  # pixels by which elevation models go on beyond the area


def write_model(path, heights, rim=RIM, nodata=None):
    origin = (scenes.ORIGIN[0] - rim * scenes.PIXEL, scenes.ORIGIN[1] + rim * scenes.PIXEL)
    return scenes.write_raster(path, heights.astype(numpy.float32)[None], origin=origin, names=("dem",), nodata=nodata)


def hills(seed=11, rim=RIM):
    random = numpy.random.Generator(numpy.random.PCG64(seed))
    x, y = numpy.meshgrid(numpy.arange(-rim, SIZE[0] + rim), numpy.arange(-rim, SIZE[1] + rim))
    heights = 400 + 0.3 * x
    for _ in range(14):
        cx, cy, wide = random.uniform(-40, 340), random.uniform(-40, 320), random.uniform(8, 40)
        heights = heights + random.uniform(40, 220) * numpy.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * wide ** 2))
    return heights.astype(numpy.float32)


def terrain_shadow(heights, azimuth, elevation, reach_m, rim=RIM):
    """Where the line from the ground to the sun meets higher ground, on a step of a pixel; in double precision."""
    away = away_from_sun(azimuth, 45)  # a metre along the ground
    towards = numpy.array([-away[0], -away[1]]) / scenes.PIXEL
    step = towards / abs(towards).max()
    metres = 1 / abs(towards).max()
    rows, columns = heights.shape
    inside = (slice(rim, rows - rim), slice(rim, columns - rim))
    dark = numpy.zeros(heights[inside].shape, bool)
    y, x = numpy.mgrid[inside]
    for k in range(1, int(reach_m / metres) + 1):
        at_x, at_y = x + step[0] * k, y + step[1] * k
        left, top = numpy.floor(at_x + 1e-9).astype(int), numpy.floor(at_y + 1e-9).astype(int)
        share_x, share_y = numpy.clip(at_x - left, 0, 1), numpy.clip(at_y - top, 0, 1)
        right, low = numpy.minimum(left + 1, columns - 1), numpy.minimum(top + 1, rows - 1)
        ground = ((heights[top, left] * (1 - share_x) + heights[top, right] * share_x) * (1 - share_y)
                  + (heights[low, left] * (1 - share_x) + heights[low, right] * share_x) * share_y)
        dark |= ground - k * metres * math.tan(math.radians(elevation)) > heights[inside]
    return dark


def a_wall_casts_a_shadow_of_its_height(bench):
    """84 m high, with the sun in the east and tan(elevation) = 0.8: 105 m, ten pixels."""
    pixels, _ = write_scene(bench.folder, {"view:sun_azimuth": 90.0, "view:sun_elevation": math.degrees(math.atan(0.8))})
    heights = numpy.full((SIZE[1] + 2 * RIM, SIZE[0] + 2 * RIM), 100.0)
    heights[:, RIM + 150] += 84
    write_model(bench.folder / "dem.tif", heights)
    valid = equal_in_tiles(bench, "{terrain_shadow: {elevation: dem.tif, reach: 700 m}}", "wall")
    truth = pixels[0] != NODATA
    truth[:, 140:150] = False
    bench.expect_equal(int((valid != truth).sum()), 0, "ten pixels west of the wall")
    valid = equal_in_tiles(bench, "{terrain_shadow: {elevation: dem.tif, reach: 6 px}}", "near")
    truth[:, 140:144] = (pixels[0] != NODATA)[:, 140:144]
    bench.expect_equal(int((valid != truth).sum()), 0, "a reach of six pixels sees no further")
    valid = equal_in_tiles(bench, "{terrain_shadow: {elevation: dem.tif, reach: 700 m}, clean: [{erode: 2 px}]}", "cleaned")
    truth = pixels[0] != NODATA
    truth[:, 142:148] = False
    bench.expect_equal(int((valid != truth).sum()), 0, "two pixels less on each side")


def hills_against_numpy(bench):
    for azimuth, elevation in ((152.0, 14.0), (305.0, 21.0), (45.0, 11.0)):
        pixels, _ = write_scene(bench.folder, {"view:sun_azimuth": azimuth, "view:sun_elevation": elevation})
        heights = hills()
        write_model(bench.folder / "dem.tif", heights)
        rule = "{terrain_shadow: {elevation: dem.tif, reach: 750 m}}"
        valid = equal_in_tiles(bench, rule, f"hills{azimuth}")
        dark = terrain_shadow(heights, azimuth, elevation, 750)
        seen = pixels[0] != NODATA
        different = ((~valid & seen) != (dark & seen)).mean()
        bench.expect(different < 0.0005, f"sun at {azimuth}: shadows as NumPy walks", different)
        bench.expect(0.02 < dark.mean() < 0.9, "some pixels lie in shadow", dark.mean())
    left, top, columns, rows = 70, 90, 110, 96
    part = (f"grid: {{crs: 'EPSG:{scenes.EPSG}', origin: [{scenes.ORIGIN[0] + left * scenes.PIXEL}, {scenes.ORIGIN[1] - top * scenes.PIXEL}], "
            f"resolution: {scenes.PIXEL}, size: [{columns}, {rows}]}}")
    got = equal_in_tiles(bench, rule, "part", area=part)
    bench.expect_equal(int((got != valid[top:top + rows, left:left + columns]).sum()), 0, "hills beyond the area count")
    row, column = numpy.argwhere(dark & seen)[0]
    bench.run(bench.document(document(1024, rule)))
    said = bench.call("pixel", scenes.lon_lat_of(column, row), bench.document(document(1024, rule)))
    bench.expect(said.code == 0 and "in the shadow of the terrain" in said.out, "why a pixel went", said)


def a_model_in_degrees(bench):
    """As Copernicus DEM comes: two files in degrees, found by their items, warped onto the area."""
    azimuth, elevation = 152.0, 14.0
    pixels, _ = write_scene(bench.folder, {"view:sun_azimuth": azimuth, "view:sun_elevation": elevation})
    fine = write_model(bench.folder / "fine" / "dem.tif", hills())
    (bench.folder / "model").mkdir()
    items, step = [], 1 / 3600
    west, north = 2.98, 45.18
    for number in range(2):
        path = bench.folder / "model" / f"dem{number}.tif"
        bounds = (west + number * 150 * step, north - 220 * step, west + (number + 1) * 150 * step, north)
        gdal.Warp(str(path), str(fine), dstSRS="EPSG:4326", outputBounds=bounds, width=150, height=220, resampleAlg="bilinear", errorThreshold=0,
                  dstNodata=-9999)
        item = scenes.item_of(f"dem{number}", scenes.day(0), {"data": {"href": f"./dem{number}.tif", "roles": ["data"]}})
        item["bbox"] = [bounds[0], bounds[1], bounds[2], bounds[3]]
        items.append(item)
    (bench.folder / "model" / "items.json").write_text(json.dumps({"type": "FeatureCollection", "features": items}))
    rule = "{terrain_shadow: {source: heights, reach: 700 m}}"
    named = document(1024, rule).replace("steps:", "sources: {heights: {stac: model/items.json, sensor: cop-dem}}\nsteps:", 1)
    bench.run(bench.document(named), "-p", "results=named")
    valid = equal_in_tiles(bench, "{terrain_shadow: {elevation: model/items.json, reach: 700 m}}", "degrees")
    bench.expect_equal(int((scenes.read_masked(bench.folder / "named" / "map.tif")[1][0] != valid).sum()), 0, "a source and its files are one")
    rim = RIM - 10
    mosaic = gdal.BuildVRT("", [str(bench.folder / "model" / f"dem{n}.tif") for n in range(2)])
    corner = (scenes.ORIGIN[0] - rim * scenes.PIXEL, scenes.ORIGIN[1] + rim * scenes.PIXEL)
    size = (SIZE[0] + 2 * rim, SIZE[1] + 2 * rim)
    warped = gdal.Warp("", mosaic, format="MEM", dstSRS=f"EPSG:{scenes.EPSG}", resampleAlg="bilinear", errorThreshold=0, width=size[0], height=size[1],
                       outputBounds=(corner[0], corner[1] - size[1] * scenes.PIXEL, corner[0] + size[0] * scenes.PIXEL, corner[1]),
                       warpOptions=["XSCALE=1", "YSCALE=1"]).ReadAsArray()
    dark = terrain_shadow(warped, azimuth, elevation, 700, rim)
    seen = pixels[0] != NODATA
    different = ((~valid & seen) != (dark & seen)).mean()
    bench.expect(different < 0.01, "shadows on heights that GDAL warps", different)
    bench.expect(0.02 < dark.mean() < 0.9, "some pixels lie in shadow", dark.mean())


def models_are_part_of_what_results_are_made_of(bench):
    write_scene(bench.folder, SUN)
    text = document(100, "{terrain_shadow: {elevation: dem.tif, reach: 700 m}}")
    made = []
    for seed in (11, None, 12):
        if seed is not None:
            write_model(bench.folder / "dem.tif", hills(seed))
        made.append(bench.run(bench.document(text)).steps()["pixels"]["done"])
    bench.expect(made[0] > 0 and made[1] == 0 and made[2] == made[0], "another model makes results again", str(made))


def models_that_do_not_do(bench):
    write_scene(bench.folder, SUN)
    write_model(bench.folder / "small.tif", hills()[120:220, 120:220], rim=-40)
    write_model(bench.folder / "far.tif", hills(), rim=5000)
    two = numpy.stack([hills(), hills()])
    scenes.write_raster(bench.folder / "two.tif", two, names=("dem", "mask"))
    for keys, code, words in (
            ("elevation: small.tif, reach: 500 m", 3, ["no height at x 500005", "missing: 0"]),
            ("elevation: far.tif, reach: 500 m", 4, ["terrain_shadow", "no scene touches the area"]),
            ("elevation: nowhere.tif", 2, ["terrain_shadow", "nowhere.tif"]),
            ("elevation: two.tif", 2, ["several bands: dem, mask"]),
            ("elevation: small.tif, reach: 50 km", 2, ["5000 pixels of the area", "at most 4096"]),
            ("reach: 5 km", 2, ["needs either `elevation` or `source`"]),
            ("elevation: small.tif, overpass: noon", 2, ["no time of day"])):
        outcome = bench.call("run", bench.document(document(1024, f"{{terrain_shadow: {{{keys}}}}}")))
        said = outcome.err + outcome.out
        bench.expect(outcome.code == code and all(word in said for word in words), keys, outcome)
    map_of(bench, 64, "{terrain_shadow: {elevation: small.tif, reach: 500 m, missing: 0}}", "missing")
    cut = write_model(bench.folder / "cut.tif", hills())
    with open(cut, "r+b") as file:
        file.truncate(file.seek(0, 2) // 2)
    outcome = bench.call("run", bench.document(document(1024, "{terrain_shadow: {elevation: cut.tif, reach: 500 m}}", more=", tolerate: {scenes: 1}")))
    bench.expect(outcome.code == 3 and "terrain_shadow" in outcome.err + outcome.out and "cut.tif" in outcome.err + outcome.out,
                 "a model that is cut off is no scene that may be missing", outcome)
    equal_in_tiles(bench, "{terrain_shadow: {elevation: two.tif, band: dem, reach: 500 m, missing: 400}}", "one_band")


TESTS = [a_wall_casts_a_shadow_of_its_height, hills_against_numpy, a_model_in_degrees,
         models_are_part_of_what_results_are_made_of, models_that_do_not_do, scenes_of_a_source, cloud_shadows_against_numpy,
         formula_of_scripts_against_numpy, cleaned_shadows, an_area_inside_and_a_warp, sun_is_part_of_what_results_are_made_of, suns_that_are_not_told]

if __name__ == "__main__":
    sys.exit(main(TESTS, __doc__))
