#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Archives as documents describe them: a STAC API, a catalogue on a web server, folders; filters, offsets, exclusions.

    archives_test.py GEOLOOM [--only TEST]...

The API is a real one (rustac); pystac-client, asked the same, is the truth about what a search finds.
"""
import contextlib
import http.server
import json
import shutil
import subprocess
import sys
import threading
import urllib.parse

import numpy
import scenes
from program import ROOT, VENV_PYTHON, main, skip

sys.path.insert(0, str(ROOT / "tests" / "servers"))
import stac_server  # noqa: E402
from file_server import FileServer  # noqa: E402

RUSTAC = VENV_PYTHON.parent / "rustac"
SIZE = 32
ASK = """
import json, sys, pystac_client
arguments = json.loads(sys.argv[1])
print(json.dumps(sorted(item.id for item in pystac_client.Client.open(arguments.pop("url")).search(**arguments).items())))
"""


def truth(url, **search):
    """The ids that pystac-client finds."""
    done = subprocess.run([VENV_PYTHON, "-c", ASK, json.dumps({"url": url, **search})], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def lonlat_box(origin=scenes.ORIGIN, size=SIZE):
    from osgeo import osr
    utm, wgs = osr.SpatialReference(), osr.SpatialReference()
    utm.ImportFromEPSG(scenes.EPSG)
    wgs.ImportFromEPSG(4326)
    wgs.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    edge = size * scenes.PIXEL
    to = osr.CoordinateTransformation(utm, wgs)
    corners = [to.TransformPoint(origin[0] + x, origin[1] - y)[:2] for x in (0, edge) for y in (0, edge)]
    return [min(x for x, _ in corners), min(y for _, y in corners), max(x for x, _ in corners), max(y for _, y in corners)]


def item(name, time, href, *, collection="s2", box=None, assets=("red",), **properties):
    west, south, east, north = box = box or lonlat_box()
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Feature", "stac_version": "1.0.0", "id": name, "collection": collection, "bbox": box,
            "geometry": {"type": "Polygon", "coordinates": [ring]}, "links": [],
            "properties": {"datetime": time, **properties},
            "assets": {asset: {"href": href.replace("BAND", asset), "type": "image/tiff; application=geotiff"} for asset in assets}}


def write(folder, name, value, origin=scenes.ORIGIN):
    pixels = numpy.broadcast_to(numpy.asarray(value, numpy.uint16), (1, SIZE, SIZE))
    return scenes.write_raster(folder / f"{name}.tif", pixels, origin=origin, nodata=0, cog=True)


def document(bench, source, *, load="bands: red", reduce="stat: max", more="", name="workflow.yaml"):
    indented = "".join(f"    {line}\n" for line in source.strip().splitlines())
    return bench.document(f"""geoloom: 1
name: archive
{more}store: out
area:
  grid: {{crs: "EPSG:{scenes.EPSG}", origin: [{scenes.ORIGIN[0]}, {scenes.ORIGIN[1]}], resolution: {scenes.PIXEL}, size: [{SIZE}, {SIZE}]}}
  tiles: 16 px
sources:
  a:
{indented}steps:
  composite:
    over: tiles
    do:
      - load: {{source: a, {load}}}
      - reduce: {{{reduce}}}
      - save: {{layer: result}}
""", name)


def record(bench):
    """The newest run's record."""
    return json.loads(max((bench.folder / "out" / "runs").glob("*/run.json"), key=lambda file: file.stat().st_mtime_ns).read_text())


def ids(bench):
    (source,) = record(bench)["sources"].values()
    return sorted(scene["scene"]["id"] for scene in source["scenes"])


def counts(bench):
    (report,) = record(bench)["reports"].values()
    return {name: count for name, count in report["after_filter"]}, report["notes"]


@contextlib.contextmanager
def archive(bench, items, collections=("s2",)):
    if not RUSTAC.exists():
        skip(f"{RUSTAC} is not there: setup/install.sh installs it")
    with stac_server.serve(RUSTAC, bench.folder / "api", items, collections) as url:
        yield url


def search_equals_pystac_client(bench):
    """Time, place and cloud cover: the same items as another client finds, whatever the pages."""
    served = bench.folder / "served"
    with FileServer(served) as server:
        items = []
        for number in range(60):
            time = f"2018-{1 + number // 6:02d}-{1 + 5 * (number % 6):02d}T10:50:00Z"
            inside = number % 7 != 0
            name = f"scene{number:03d}"
            write(served, name, 100 + number)
            box = None if inside else [40, 40, 41, 41]
            items.append(item(name, time, f"{server.url}/{name}.tif", box=box, **{"eo:cloud_cover": (number * 37) % 100}))
        with archive(bench, items) as url:
            path = document(bench, f"""
stac: {url}
collection: s2
where: {{eo:cloud_cover: "< 60"}}""", load="bands: red, period: 2018-02..2018-08")
            bench.run(path)
            found = truth(url, collections=["s2"], datetime="2018-02-01T00:00:00Z/2018-08-31T23:59:59.999Z", bbox=lonlat_box())
            wanted = [name for name in found if (int(name[5:]) * 37) % 100 < 60]
            bench.expect(len(found) > len(wanted) > 5, "enough to compare", wanted)
            bench.expect_equal(ids(bench), sorted(wanted), "the items of pystac-client")
            by_filter, _ = counts(bench)
            bench.expect_equal(by_filter.get("eo:cloud_cover < 60.0"), len(wanted), "counts are told")
            plan = bench.call("plan", path)
            bench.expect("eo:cloud_cover < 60.0" in plan.out, "the plan tells counts", plan)
            starter = bench.call("init", "--stac", url, "--collection", "s2", "--bbox", ",".join(map(str, lonlat_box())),
                                 "--period", "2018-03", "--bands", "red", "-o", "starter.yaml")
            bench.expect(starter.code == 0, "init writes a document", starter)
            begun = bench.call("plan", "starter.yaml")
            bench.expect(begun.code == 0, "which can be planned", begun)
            which = bench.call("init", "--stac", url, "--bbox", ",".join(map(str, lonlat_box())))
            bench.expect(which.code == 2 and "s2" in which.err, "init tells the collections", which)
            nothing = bench.call("plan", document(bench, f"stac: {url}\ncollection: s2", load="bands: red, period: 2031"))
            bench.expect(nothing.code != 0 and "2031" in nothing.err, "no scene is an error with the reason", nothing)
            wrong = bench.call("plan", document(bench, f"stac: {url}\ncollection: s3", load="bands: red"))
            bench.expect(wrong.code == 2 and "s3" in wrong.err, "an unknown collection is told", wrong)


def stable_pixel(bench):
    """The same ground before and after the offset came, from three kinds of providers, stays the same."""
    served = bench.folder / "served"
    ground = numpy.full((SIZE, SIZE), 0.12)
    ground[:, 0] = -0.02  # dark water: negative after the offset
    stored = numpy.round(ground * 10000).astype(int)
    kinds = {  # id -> (baseline, added in the file, properties, published offset)
        "old_2021-12-20": ("03.01", 0, {}, None),
        "new_2022-02-20": ("04.00", 1000, {}, -0.1),
        "forgot_2022-03-20": ("05.09", 1000, {}, 0),
        "applied_2022-04-20": ("04.00", 0, {"earthsearch:boa_offset_applied": True}, -0.1),
        "reprocessed_2019-04-20": ("05.00", 1000, {"earthsearch:boa_offset_applied": False}, None),
        "lying_2020-04-20": ("02.14", 0, {}, -0.1)}
    items = []
    for name, (baseline, added, properties, offset) in kinds.items():
        pixels = stored + added
        pixels[pixels < 1] = 0  # not told from nodata
        write(served, name, pixels)
        made = item(name, name[-10:] + "T10:50:00Z", str(served / f"{name}.tif"), **properties,
                    **{"s2:processing_baseline": baseline, "s2:mgrs_tile": "31TCJ"})
        if offset is not None:
            made["assets"]["red"]["raster:bands"] = [{"scale": 0.0001, "offset": offset, "nodata": 0}]
        items.append(made)
    (bench.folder / "items.json").write_text(json.dumps({"type": "FeatureCollection", "features": items}))
    for stat in ("min", "max"):
        bench.run(document(bench, "stac: items.json\nsensor: sentinel-2-l2a", reduce=f"stat: {stat}"))
        (file, *_) = sorted((bench.folder / "out").rglob("*.tif"), key=lambda f: -f.stat().st_mtime_ns)
        _, notes = counts(bench)
        values = read_layer(bench)
        bench.expect(numpy.all(values[:, 1:] == 1200), f"the {stat} of a stable pixel", numpy.unique(values))
        bench.expect(numpy.all(values[:, 0] == -200), f"the {stat} of a dark pixel", numpy.unique(values[:, 0]))
    bench.expect("offset -1000 applied to 3 of 6 items" in notes, "it is reported", notes)


def read_layer(bench):
    """The tiles of the newest results, put together."""
    out = numpy.zeros((SIZE, SIZE))
    newest = {}
    for file in (bench.folder / "out").rglob("*.tif"):
        from osgeo import gdal
        place = gdal.Open(str(file)).GetGeoTransform()
        key = (place[0], place[3])
        if key not in newest or file.stat().st_mtime_ns > newest[key].stat().st_mtime_ns:
            newest[key] = file
    for (x, y), file in newest.items():
        column, row = round((x - scenes.ORIGIN[0]) / scenes.PIXEL), round((scenes.ORIGIN[1] - y) / scenes.PIXEL)
        pixels = scenes.read_raster(file)[0]
        out[row:row + pixels.shape[0], column:column + pixels.shape[1]] = pixels
    return out


def exclusions(bench):
    """A list of bad scenes is read again by each run, and only what it touches is made again."""
    served = bench.folder / "served"
    items = []
    half = SIZE // 2
    for number, (columns, name) in enumerate([(SIZE, "whole"), (half, "left"), (half, "bad")]):
        pixels = numpy.full((1, SIZE, columns), 10 + number, numpy.uint16)
        scenes.write_raster(served / f"{name}.tif", pixels, nodata=0, cog=True)
        west, south, east, north = lonlat_box()
        box = [west, south, west + (east - west) * columns / SIZE, north]
        items.append(item(name, f"2018-01-0{number + 1}T00:00:00Z", str(served / f"{name}.tif"), box=box))
    (bench.folder / "items.json").write_text(json.dumps({"type": "FeatureCollection", "features": items}))
    bad = bench.folder / "bad.csv"
    bad.write_text("id,reason\n")
    path = document(bench, "stac: items.json\nexclude: bad.csv")
    bench.run(path)
    bench.expect_equal(read_layer(bench)[0, 0], 12, "the scene counts")
    bad.write_text("id,reason\nbad,stripes\n")
    outcome = bench.run(path)
    step = outcome.steps()["composite"]
    bench.expect_equal(step.get("executed", step.get("done")), 2, f"two of four tiles are made again: {step}")
    bench.expect_equal(read_layer(bench)[0, 0], 11, "the scene is left out")
    receipts = "".join(file.read_text(errors="replace") for file in (bench.folder / "out" / "receipts").rglob("*") if file.is_file())
    bench.expect("excluded: stripes" in receipts, "the reason is on record")


def folders_and_tables(bench):
    """One file per band, by a pattern; a table; and a sensor that knows what they are."""
    served = bench.folder / "served"
    for day in (1, 2):
        for band, value in (("SR_B4", 100 * day), ("SR_B5", 200 * day)):
            write(served, f"LC08_L2SP_1_2018010{day}_{band}", value)
    bench.run(document(bench, """
scenes: served
files: "{scene}_SR_{band}.tif"
parts: {B4: [SR_B4], B5: [SR_B5]}
sensor: landsat-c2-l2""", load="bands: [red, nir]"))
    bench.expect_equal(ids(bench), ["LC08_L2SP_1_20180101", "LC08_L2SP_1_20180102"], "scenes by their names")
    bench.expect_equal(read_layer(bench)[0, 0], 200, "bands by their common names")
    (bench.folder / "table.csv").write_text(
        "id,datetime,red,eo:cloud_cover\n"
        "a,2018-01-01,served/LC08_L2SP_1_20180101_SR_B4.tif,80\n"
        "b,2018-01-02,served/LC08_L2SP_1_20180102_SR_B4.tif,10\n")
    bench.run(document(bench, "scenes: table.csv\nwhere: {eo:cloud_cover: '< 50'}"))
    bench.expect_equal(ids(bench), ["b"], "a table's columns are properties")


def secrets(bench):
    """Who asks is told to the server alone: not to the record, not to the log, not to others."""
    seen = []

    class Guarded(http.server.BaseHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

        def do_GET(self):  # noqa: N802
            seen.append(self.headers.get("Authorization"))
            known = self.headers.get("Authorization") == "Bearer open-sesame-42"
            body = (bench.folder / "items.json").read_bytes() if known else b'{"message": "not you"}'
            self.send_response(200 if known else 403)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    write(bench.folder / "served", "one", 7)
    items = [item("one", "2018-01-01T00:00:00Z", str(bench.folder / "served" / "one.tif"))]
    for each in items:
        each["assets"]["red"]["href"] = "URL/one.tif"
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Guarded)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with FileServer(bench.folder / "served") as files:
        items[0]["assets"]["red"]["href"] = f"{files.url}/one.tif"
        (bench.folder / "items.json").write_text(json.dumps({"type": "FeatureCollection", "features": items}))
        url = f"http://127.0.0.1:{server.server_address[1]}/items.json"
        path = document(bench, f"stac: {url}\nauth: {{bearer: {{secret: TOKEN}}}}", more="secrets: [TOKEN]\n")
        none = bench.call("plan", path)
        bench.expect(none.code != 0 and "GEOLOOM_SECRET_TOKEN" in none.err, "a missing secret is told", none)
        wrong = bench.call("plan", path, environment={"GEOLOOM_SECRET_TOKEN": "wrong-word-1"})
        bench.expect("wrong-word-1" not in wrong.err + wrong.out, "a secret is not shown", wrong)
        bench.expect(wrong.code != 0 and "403" in wrong.err and "not exist" not in wrong.err, "denied, not missing", wrong)
        bench.run(path, environment={"GEOLOOM_SECRET_TOKEN_COMMAND": "echo open-sesame-42"})
        bench.expect_equal(read_layer(bench)[0, 0], 7, "the scene is read")
        kept = "".join(file.read_text(errors="replace") for file in bench.folder.rglob("*") if file.is_file())
        bench.expect("open-sesame-42" not in kept, "the secret is nowhere on disk")
    server.shutdown()
    server.server_close()


class Signing(http.server.BaseHTTPRequestHandler):
    """Images for who has a signature that is not older than the server likes; /sign gives one."""
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def do_GET(self):  # noqa: N802
        server = self.server
        address = urllib.parse.urlsplit(self.path)
        query = urllib.parse.parse_qs(address.query)
        with server.lock:
            server.asked += 1
            busy = server.asked % 5 == 0
            if address.path == "/sign":
                server.signed += 1
            elif not busy:
                server.images += 1
                if server.images % server.rotate_after == 0:
                    server.key += 1
            key = server.key
        if busy:
            return self.answer(503, b"")
        if address.path == "/sign":
            return self.answer(200, json.dumps({"href": f"{query['href'][0]}?sig=word{key}"}).encode())
        if query.get("sig") != [f"word{key}"]:
            with server.lock:
                server.refused += 1
            return self.answer(403, b"")
        data = (server.folder / address.path.lstrip("/")).read_bytes()
        first, last = (int(n) for n in self.headers["Range"].removeprefix("bytes=").split("-"))
        last = min(last, len(data) - 1)
        return self.answer(206, data[first:last + 1], ("Content-Range", f"bytes {first}-{last}/{len(data)}"))

    def answer(self, status, body, *headers):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def signed_addresses(bench):
    """Signatures that rotate while images are read, and a server that is busy one time in five: the run ends well."""
    served = bench.folder / "served"
    for number in range(8):
        write(served, f"scene{number}", 50 + number)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Signing)
    server.folder, server.lock, server.key, server.rotate_after = served, threading.Lock(), 1, 7
    server.asked = server.signed = server.images = server.refused = 0
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    items = [item(f"scene{n}", f"2018-01-0{n + 1}T00:00:00Z", f"{url}/scene{n}.tif?sig=stale") for n in range(8)]
    (bench.folder / "items.json").write_text(json.dumps({"type": "FeatureCollection", "features": items}))
    quick = {"GDAL_HTTP_RETRY_DELAY": "0.05", "GDAL_HTTP_MAX_RETRY": "6"}
    path = document(bench, f"stac: items.json\nsign: {{endpoint: '{url}/sign'}}")
    bench.run(path, environment=quick)
    bench.expect_equal(read_layer(bench)[0, 0], 57, "all scenes are read")
    bench.expect(server.refused > 0, "signatures were refused on the way", server.refused)
    bench.expect(server.asked < 400, "the number of requests is bounded", server.asked)
    kept = "".join(file.read_text(errors="replace") for file in (bench.folder / "out").rglob("*") if file.is_file())
    bench.expect("sig=" not in kept and "word1" not in kept, "no signature is kept")
    again = bench.run(path, environment=quick)
    bench.expect("done" in again.out or again.code == 0, "a second run has nothing to do", again)
    command = document(bench, "stac: items.json\nsign: {command: SIGN}")
    server.rotate_after = 1 << 30
    plan = bench.call("plan", command, environment={**quick, "GEOLOOM_SECRET_SIGN_COMMAND": f"sed 's/$/?sig=word{server.key}/'"})
    bench.expect(plan.code == 0, "a command signs", plan)
    lost = bench.call("plan", command, environment={**quick, "GEOLOOM_SECRET_SIGN_COMMAND": "sed 's/$/?sig=no/'"})
    bench.expect(lost.code != 0 and "403" in lost.err, "a signature that is not taken is a refusal", lost)
    server.shutdown()
    server.server_close()


def wrong_metadata(bench):
    """A transform in another order than STAC's: the file decides, and one warning per collection says so."""
    items = []
    for number in range(3):
        write(bench.folder / "served", f"s{number}", 5)
        made = item(f"s{number}", f"2018-01-0{number + 1}T00:00:00Z", str(bench.folder / "served" / f"s{number}.tif"))
        made["properties"]["proj:transform"] = [scenes.ORIGIN[0], scenes.PIXEL, 0, scenes.ORIGIN[1], 0, -scenes.PIXEL]
        items.append(made)
    (bench.folder / "items.json").write_text(json.dumps({"type": "FeatureCollection", "features": items}))
    bench.run(document(bench, "stac: items.json"))
    bench.expect_equal(read_layer(bench)[0, 0], 5, "it is loaded right")
    _, notes = counts(bench)
    bench.expect_equal(sum("GDAL's order" in note for note in notes), 1, f"one warning: {notes}")
    missing = bench.call("plan", document(bench, "stac: items.json\nsensor: landsat-c2-l2", load="bands: swir16"))
    bench.expect(missing.code == 2 and "swir16" in missing.err and "red" in missing.err, "a missing band tells what is there", missing)


def put_items(bench, items):
    (bench.folder / "items.json").write_text(json.dumps({"type": "FeatureCollection", "features": items}))


def missing_assets(bench):
    """Bands that no asset is called by, and images that are not there."""
    served = bench.folder / "served"
    first = str(write(served, "first", 7))
    put_items(bench, [item("first", "2018-01-01T00:00:00Z", first, assets=("B04x", "overview9"))])
    absent = bench.call("plan", document(bench, "stac: items.json"))
    bench.expect(absent.code == 2 and "B04x" in absent.err and "red" in absent.err, "the bands there are, are told", absent)
    put_items(bench, [item("first", "2018-01-01T00:00:00Z", first),
                      item("gone", "2018-01-02T00:00:00Z", str(served / "gone.tif"))])
    gone = bench.call("run", document(bench, "stac: items.json"))
    bench.expect(gone.code == 2 and "gone" in gone.err, "an image that is missing is told with its scene", gone)
    bench.run(document(bench, "stac: items.json", load="bands: red, tolerate: {scenes: 1}"))
    bench.expect_equal(read_layer(bench)[0, 0], 7, "and can be tolerated")


def scenes_that_do_not_cover_the_grid(bench):
    """Less than the grid covered, without nodata and with that of the document."""
    served = bench.folder / "served"
    half = SIZE // 2
    pixels = numpy.full((1, SIZE, half), 9, numpy.uint16)
    pixels[:, :4] = 0
    scenes.write_raster(served / "half.tif", pixels, cog=True)  # without nodata: 0 is a value
    put_items(bench, [item("half", "2018-01-03T00:00:00Z", str(served / "half.tif"))])
    bench.run(document(bench, "stac: items.json", reduce="stat: count"))
    counted = read_layer(bench)
    bench.expect(numpy.all(counted[:, :half] == 1) and numpy.all(counted[:, half:] == 0), "a grid that is covered by half", numpy.unique(counted))
    shutil.rmtree(bench.folder / "out")
    bench.run(document(bench, "stac: items.json", load="bands: red, nodata: 0", reduce="stat: count"))
    bench.expect(numpy.all(read_layer(bench)[:4] == 0), "nodata of the document")


def mixed_crs(bench):
    """The same ground in the zone beside: values that do not change over the scene stay what they are."""
    from osgeo import gdal
    served = bench.folder / "served"
    first = str(write(served, "first", 7))
    wide = scenes.write_raster(served / "wide.tif", numpy.full((1, 3 * SIZE, 3 * SIZE), 5, numpy.uint16), nodata=0,
                               origin=(scenes.ORIGIN[0] - SIZE * scenes.PIXEL, scenes.ORIGIN[1] + SIZE * scenes.PIXEL))
    gdal.Warp(str(served / "beside.tif"), str(wide), dstSRS="EPSG:32632", xRes=10, yRes=10, targetAlignedPixels=True)
    put_items(bench, [item("first", "2018-01-01T00:00:00Z", first),
                      item("beside", "2018-01-02T00:00:00Z", str(served / "beside.tif"))])
    for stat, wanted in (("count", 2), ("min", 5), ("max", 7)):
        bench.run(document(bench, "stac: items.json", reduce=f"stat: {stat}"))
        bench.expect(numpy.all(read_layer(bench) == wanted), f"scenes of two zones: {stat}", numpy.unique(read_layer(bench)))


TESTS = [search_equals_pystac_client, stable_pixel, exclusions, folders_and_tables, secrets, signed_addresses, wrong_metadata, missing_assets,
         scenes_that_do_not_cover_the_grid, mixed_crs]

if __name__ == "__main__":
    sys.exit(main(TESTS, __doc__))
