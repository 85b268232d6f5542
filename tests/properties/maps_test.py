# SPDX-License-Identifier: Apache-2.0
"""`geoloom serve --map`: tiles, values, TileJSON and WMTS of maps, beside what GDAL's warper and OWSLib make of the same files.

    maps_test.py build/release/geoloom [--only TEST]...
"""
import contextlib
import http.client
import json
import math
import os
import socket
import struct
import sys
import threading
import xml.etree.ElementTree

import numpy
from osgeo import gdal, osr

import scenes
from program import main
from workers import worker

HALF = 20037508.342789244
SIDE, PIXEL = 1200, 10.0
WMTS = "{http://www.opengis.net/wmts/1.0}"
OWS = "{http://www.opengis.net/ows/1.1}"


def smooth(seed, rows=SIDE, columns=SIDE, low=0, high=3000):
    """Waves, so that pixels of neighbours are alike but no two places are."""
    y, x = numpy.mgrid[0:rows, 0:columns] / 60.0
    wave = numpy.sin(x + seed) + numpy.cos(y * 1.3 - seed) + numpy.sin((x + y) * 0.4)
    return low + (wave + 3) / 6 * (high - low)


def write_cog(path, pixels, *, nodata=None, names=(), colours=None, origin=scenes.ORIGIN, epsg=scenes.EPSG, mask=None, resampling="AVERAGE"):
    bands, rows, columns = pixels.shape
    image = gdal.GetDriverByName("MEM").Create("", columns, rows, bands, scenes.TYPES[pixels.dtype.name])
    image.SetGeoTransform((origin[0], PIXEL, 0, origin[1], 0, -PIXEL))
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(epsg)
    image.SetProjection(reference.ExportToWkt())
    for number in range(bands):
        band = image.GetRasterBand(number + 1)
        band.WriteArray(numpy.ascontiguousarray(pixels[number]))
        if number < len(names):
            band.SetDescription(names[number])
        if nodata is not None:
            band.SetNoDataValue(nodata)
    if colours:
        table = gdal.ColorTable()
        for value, colour in colours.items():
            table.SetColorEntry(value, colour)
        image.GetRasterBand(1).SetColorTable(table)
    if mask is not None:
        image.CreateMaskBand(gdal.GMF_PER_DATASET)
        image.GetRasterBand(1).GetMaskBand().WriteArray(mask)
    path.parent.mkdir(parents=True, exist_ok=True)
    options = ["COMPRESS=DEFLATE", "BLOCKSIZE=256", f"OVERVIEW_RESAMPLING={resampling}"]
    gdal.GetDriverByName("COG").CreateCopy(str(path), image, options=options)
    return path


def tile_box(zoom, column, row):
    side = 2 * HALF / 2 ** zoom
    return -HALF + column * side, HALF - (row + 1) * side, -HALF + (column + 1) * side, HALF - row * side


def tile_at(zoom, lon, lat):
    count = 2 ** zoom
    y = math.asinh(math.tan(math.radians(lat)))
    return zoom, int((lon + 180) / 360 * count), int((1 - y / math.pi) / 2 * count)


def warped(paths, address, *, size=256, resampling="bilinear", band=None, overview="AUTO"):
    """The same window by GDAL's warper: values and validity (bands, rows, columns)."""
    options = gdal.WarpOptions(format="MEM", dstSRS="EPSG:3857", outputBounds=tile_box(*address), width=size, height=size,
                               resampleAlg=resampling, dstAlpha=True, overviewLevel=overview, errorThreshold=0)
    out = gdal.Warp("", [str(path) for path in paths], options=options).ReadAsArray()
    return out[:-1], out[-1] > 0


def get(served, path, headers=None, method="GET"):
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)
    connection.request(method, path, headers=headers or {})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, body


def decoded(png):
    """RGBA of a PNG (rows, columns, 4), by GDAL."""
    gdal.FileFromMemBuffer("/vsimem/tile.png", png)
    dataset = gdal.Open("/vsimem/tile.png")
    planes = dataset.ReadAsArray()
    if planes.ndim == 2:
        table = dataset.GetRasterBand(1).GetColorTable()
        colours = numpy.array([table.GetColorEntry(value) for value in range(table.GetCount())], "uint8")
        return colours[planes]
    if len(planes) == 3:
        planes = numpy.concatenate([planes, numpy.full_like(planes[:1], 255)])
    return planes.transpose(1, 2, 0)


def tile(bench, served, name, address, query="", size=""):
    status, headers, body = get(served, f"/maps/{name}/tiles/{'/'.join(map(str, address))}{size}.png{query}")
    bench.expect_equal((status, headers.get("content-type")), (200, "image/png"), f"{name} {address} {query} {body[:200] if status != 200 else ''}")
    return decoded(body)


def middle():
    reference, geographic = osr.SpatialReference(), osr.SpatialReference()
    reference.ImportFromEPSG(scenes.EPSG)
    geographic.ImportFromEPSG(4326)
    geographic.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    x, y = scenes.ORIGIN[0] + SIDE * PIXEL / 2, scenes.ORIGIN[1] - SIDE * PIXEL / 2
    return osr.CoordinateTransformation(reference, geographic).TransformPoint(x, y)[:2]


def close_pictures(bench, got, values, valid, what, most=2):
    """Shades within `most` but for the edge of what is valid, where weights of half pixels decide."""
    inner = valid.copy()
    for axis in (0, 1):
        for shift in (-2, -1, 1, 2):
            inner &= numpy.roll(valid, shift, axis)
    outer = valid.copy()
    for axis in (0, 1):
        for shift in (-2, -1, 1, 2):
            outer |= numpy.roll(valid, shift, axis)
    bench.expect(bool((got[..., 3][inner] == 255).all()), f"{what}: valid pixels are opaque")
    bench.expect(bool((got[..., 3][~outer] == 0).all()), f"{what}: others are transparent")
    difference = numpy.abs(got[..., :3].astype(int) - values.astype(int)).max(2)[inner]
    bench.expect(inner.sum() > 1000, f"{what}: there is something to see", int(inner.sum()))
    bench.expect(difference.size and difference.max() <= most, f"{what}: shades", difference.max() if difference.size else "none")


def pictures_of_bytes(bench):
    pixels = numpy.stack([smooth(seed, low=20, high=250) for seed in range(3)]).astype("uint8")
    path = write_cog(bench.folder / "rgb.tif", pixels, names=("red", "green", "blue"))
    lon, lat = middle()
    with worker(bench, "--map", path) as served:
        for zoom in (10, 12, 13, 14, 16):
            address = tile_at(zoom, lon, lat)
            # Above the files' own pixels GDAL's kernel is the same; below, it reads another mixture of overviews.
            values, valid = warped([path], address)
            close_pictures(bench, tile(bench, served, "rgb", address), values.transpose(1, 2, 0), valid, f"zoom {zoom}", 2 if zoom >= 14 else 12)
        large = tile(bench, served, "rgb", tile_at(13, lon, lat), size="@2x")
        bench.expect_equal(large.shape, (512, 512, 4), "tiles for dense screens")
        values, valid = warped([path], tile_at(13, lon, lat), size=512)
        close_pictures(bench, large, values.transpose(1, 2, 0), valid, "twice as many pixels")
        # The same pixels whatever tile they are asked with: two tiles of zoom 15 are half of one of 14 at twice the size.
        zoom, column, row = tile_at(14, lon, lat)
        whole = tile(bench, served, "rgb", (zoom, column, row), size="@2x")
        parts = numpy.block([[[tile(bench, served, "rgb", (zoom + 1, 2 * column + i, 2 * row + j))] for i in (0, 1)] for j in (0, 1)])
        bench.expect(numpy.array_equal(whole, parts), "tiles are cut from one picture")
        away = tile(bench, served, "rgb", (10, 0, 0))
        bench.expect(not away.any(), "nothing where there is no map")


def numbers_with_gaps(bench):
    pixels = smooth(1)[None].astype("int16")
    pixels[:, 300:500, 400:700] = -9999
    path = write_cog(bench.folder / "ndvi.tif", pixels, nodata=-9999, names=("ndvi",))
    lon, lat = middle()
    address = tile_at(14, lon, lat)
    with worker(bench, "--map", f"index={path}") as served:
        values, valid = warped([path], address)
        grey = numpy.clip((values[0].astype(float) - 500) / 2000, 0, 1) * 255
        got = tile(bench, served, "index", address, "?min=500&max=2500")
        close_pictures(bench, got, numpy.repeat(grey[..., None], 3, 2), valid, "a band in grey", 3)
        coloured = tile(bench, served, "index", address, "?min=500&max=2500&colours=0000ff,ff0000")
        inside = got[..., 3] == 255
        bench.expect(bool((coloured[..., 1][inside] == 0).all()) and bool((numpy.abs(coloured[..., 0][inside].astype(int) - got[..., 0][inside]) <= 1).all()),
                     "colours of our own")
        usual = tile(bench, served, "index", address)
        bench.expect(len(numpy.unique(usual[..., 0][inside])) > 60, "the usual limits use the range")
        for query in ("?min=5&max=5", "?colours=nosuch", "?bands=red", "?gamma=0", "?max=x", "?bands=ndvi,ndvi", "?sleep=1", "?colours=0000ff", "?min=%00"):
            status, _, body = get(served, f"/maps/index/tiles/{'/'.join(map(str, address))}.png{query}")
            bench.expect(status == 400 and json.loads(body)["error"]["message"], f"{query} is refused", (status, body[:200]))


def masks(bench):
    pixels = numpy.stack([smooth(seed, low=20, high=250) for seed in range(3)]).astype("uint8")
    mask = numpy.full((SIDE, SIDE), 255, "uint8")
    mask[200:700, 100:900] = 0
    path = write_cog(bench.folder / "masked.tif", pixels, names=("red", "green", "blue"), mask=mask)
    lon, lat = middle()
    with worker(bench, "--map", path) as served:
        for zoom in (11, 14):
            address = tile_at(zoom, lon, lat)
            values, valid = warped([path], address)
            close_pictures(bench, tile(bench, served, "masked", address), values[:3].transpose(1, 2, 0), valid, f"mask at zoom {zoom}", 2 if zoom >= 14 else 12)


def classes(bench):
    pixels = (smooth(2, low=0, high=3.99).astype("uint8") + 1)[None]
    pixels[0, :100] = 0
    colours = {0: (0, 0, 0), 1: (10, 120, 10), 2: (200, 180, 60), 3: (40, 60, 220), 4: (250, 250, 250)}
    path = write_cog(bench.folder / "cover.tif", pixels, nodata=0, names=("cover",), colours=colours, resampling="MODE")
    lon, lat = middle()
    address = tile_at(14, lon, lat)
    with worker(bench, "--map", path) as served:
        got = tile(bench, served, "cover", address)
        values, valid = warped([path], address, resampling="near")
        table = numpy.array([colours[value] for value in range(5)], "uint8")
        same = (got[..., :3] == table[values[0]]).all(2) | (values[0] == 0)
        bench.expect(float(same.mean()) > 0.999, "classes have their colours", float(same.mean()))
        seen = {tuple(colour) for colour in got[got[..., 3] > 0][:, :3].tolist()}
        bench.expect(seen <= {colours[value] for value in range(1, 5)}, "and no mixtures of them", seen)
        status, _, body = get(served, f"/maps/cover/values?lon={lon}&lat={lat}")
        answer = json.loads(body)
        middle_value = int(pixels[0, SIDE // 2, SIDE // 2])
        near = {int(value) for value in pixels[0, SIDE // 2 - 1:SIDE // 2 + 2, SIDE // 2 - 1:SIDE // 2 + 2].ravel()}
        bench.expect(status == 200 and answer["pixels"][0]["bands"]["cover"]["stored"] in near, "the class at a place", (middle_value, answer))
        bench.expect_equal(json.loads(get(served, "/maps/cover/values?lon=0&lat=-80")[2])["pixels"], [], "no value elsewhere")
        for query in ("", "?lon=1", "?lon=x&lat=1", "?lon=181&lat=1", "?lon=1&lat=91", "?lon=1&lat=1&x=1"):
            bench.expect_equal(get(served, f"/maps/cover/values{query}")[0], 400, f"values{query}")


def many_files(bench):
    """Side by side and over each other: the first by name is seen."""
    folder = bench.folder / "tiles"
    half = SIDE // 2
    pixels = smooth(3)[None].astype("uint16")
    left = write_cog(folder / "a_left.tif", pixels[:, :, :half + 50], names=("b",))
    right = write_cog(folder / "sub" / "b_right.tif", 3000 - pixels[:, :, half:], names=("b",), origin=(scenes.ORIGIN[0] + half * PIXEL, scenes.ORIGIN[1]))
    lon, lat = middle()
    address = tile_at(14, lon, lat)
    with worker(bench, "--map", f"both={folder}") as served:
        bench.expect_equal(json.loads(get(served, "/maps/both")[2])["files"], 2, "files of a folder and those below it")
        values, valid = warped([right, left], address)
        grey = numpy.clip(values[0] / 3000, 0, 1) * 255
        got = tile(bench, served, "both", address, "?min=0&max=3000")
        off = numpy.abs(got[..., 0].astype(int) - grey) > 3
        bench.expect(float(off[valid].mean()) < 0.02, "the first file is on top", float(off[valid].mean()))
        os.truncate(right, 5000)
        statuses = [get(served, f"/maps/both/tiles/{'/'.join(map(str, tile_at(zoom, lon, lat)))}.png?min=0&max=3000")[0] for zoom in (13, 16)]
        bench.expect(all(status in (200, 500) for status in statuses), "a file that is cut while it is served is an error", statuses)
        os.remove(right)
        status, _, body = get(served, f"/maps/both/tiles/{'/'.join(map(str, tile_at(13, lon, lat)))}.png?min=0&max=3000")
        bench.expect(status == 404 and str(bench.folder) not in json.loads(body)["error"]["message"], "so is one that is gone", (status, body[:300]))
        bench.expect_equal(get(served, "/healthz")[0], 200, "the server goes on")
    write_cog(folder / "c_other.tif", numpy.zeros((2, 64, 64), "uint8"))
    outcome = bench.call("serve", "--map", folder, "--port", 1)
    bench.expect(outcome.code != 0 and "bands" in outcome.err, "files with other bands are no part of a map", outcome)


def descriptions(bench):
    path = write_cog(bench.folder / "rgb.tif", numpy.stack([smooth(seed, low=20, high=250) for seed in range(3)]).astype("uint8"), names=("red", "green", "blue"))
    lon, lat = middle()
    with worker(bench, "--map", path, "--public-url", "https://maps.example.org/geo") as served:
        tilejson = json.loads(get(served, "/maps/rgb/tilejson.json?bands=red&colours=viridis&min=1&max=9")[2])
        bench.expect_equal(tilejson["tilejson"], "3.0.0", "TileJSON")
        bench.expect(tilejson["tiles"] == ["https://maps.example.org/geo/maps/rgb/tiles/{z}/{x}/{y}.png?bands=red&colours=viridis&max=9&min=1"], "tiles with their style", tilejson["tiles"])
        west, south, east, north = tilejson["bounds"]
        bench.expect(west < lon < east and south < lat < north and east - west < 0.2, "bounds", tilejson["bounds"])
        bench.expect(tilejson["minzoom"] <= 11 <= 13 <= tilejson["maxzoom"] <= 15, "zooms", (tilejson["minzoom"], tilejson["maxzoom"]))
        status, headers, body = get(served, "/wmts?service=WMTS&request=GetCapabilities")
        root = xml.etree.ElementTree.fromstring(body)
        bench.expect_equal([e.text for e in root.iter(f"{OWS}Identifier")][:1], ["rgb"], "layers of WMTS")
        template = next(root.iter(f"{WMTS}ResourceURL")).get("template")
        bench.expect_equal(template, "https://maps.example.org/geo/maps/rgb/tiles/{TileMatrix}/{TileCol}/{TileRow}.png", "addresses of WMTS")
        bench.expect_equal(get(served, "/wmts/1.0.0/WMTSCapabilities.xml")[2], body, "the same document at its own address")
        zoom, column, row = tile_at(13, lon, lat)
        key_value = get(served, f"/wmts?SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0&LAYER=rgb&STYLE=default&FORMAT=image/png&TILEMATRIXSET=GoogleMapsCompatible"
                        f"&TILEMATRIX={zoom}&TILEROW={row}&TILECOL={column}")
        rest = get(served, f"/maps/rgb/tiles/{zoom}/{column}/{row}.png")
        bench.expect(key_value[0] == 200 and key_value[2] == rest[2], "tiles by key and value", key_value[0])
        for query in ("", "service=WMS&request=GetMap", "service=WMTS", "service=WMTS&request=GetTile", "service=WMTS&request=GetFeatureInfo"):
            bench.expect_equal(get(served, f"/wmts?{query}")[0], 400, f"wmts?{query}")
        # What has not changed is not sent again.
        tag = rest[1]["etag"]
        again = get(served, f"/maps/rgb/tiles/{zoom}/{column}/{row}.png", {"If-None-Match": tag})
        bench.expect_equal((again[0], again[2]), (304, b""), "nothing is sent twice")
        head = get(served, f"/maps/rgb/tiles/{zoom}/{column}/{row}.png", method="HEAD")
        bench.expect_equal((head[0], head[2], head[1]["content-length"]), (200, b"", str(len(rest[2]))), "HEAD")
        bench.expect_equal(rest[1]["access-control-allow-origin"], "*", "pages of others may show tiles")
        os.utime(path, (1e9, 1e9))
        bench.expect_equal(get(served, f"/maps/rgb/tiles/{zoom}/{column}/{row}.png", {"If-None-Match": tag})[0], 200, "a file that was written again is")
    with worker(bench, "--map", path) as served:
        listed = json.loads(get(served, "/maps", {"Host": "here.example:99"})[2])["maps"]
        bench.expect_equal(listed[0]["tilejson"], "http://here.example:99/maps/rgb/tilejson.json", "the client's own name for us")
        odd = json.loads(get(served, "/maps", {"Host": "x\"><script>"})[2])["maps"]
        bench.expect_equal(odd[0]["tilejson"], "/maps/rgb/tilejson.json", "unless it is no name")


def what_is_not_there(bench):
    path = write_cog(bench.folder / "rgb.tif", numpy.zeros((3, 300, 300), "uint8"), names=("red", "green", "blue"))
    secret = bench.folder / "secret.tif"
    write_cog(secret, numpy.zeros((1, 64, 64), "uint8"))
    with worker(bench, "--map", path) as served:
        for address in ("/maps/rg", "/maps/rgb/", "/maps/rgb/tiles/0/0/1.png", "/maps/rgb/tiles/25/0/0.png", "/maps/rgb/tiles/1/1.png", "/maps/rgb/tiles/0/0/0.jpg",
                        "/maps/../secret/tiles/0/0/0.png", "/maps/%2e%2e/secret", f"/maps/{secret}/tiles/0/0/0.png", "/maps/rgb/tiles/../../x", "/map", "/tasks", "/median"):
            status = get(served, address)[0]
            bench.expect(status == 404 or (address == "/maps/rgb/" and status == 200), f"{address}", status)
        status, _, body = get(served, "/maps/rg")
        bench.expect("did you mean 'rgb'" in json.loads(body)["error"]["hint"], "the nearest name", body)
        for method in ("POST", "PUT", "DELETE"):
            bench.expect_equal(get(served, "/maps/rgb", method=method)[0], 405, method)
    for arguments, words in ((("--map", bench.folder / "nowhere.tif"), "no such file"), (("--map", f"a/b={path}"), "map's name"),
                             (("--map", path, "--map", path), "two maps"), ((), "nothing to serve")):
        outcome = bench.call("serve", *arguments, "--port", 1)
        bench.expect(outcome.code != 0 and words in outcome.err, f"serve {arguments}", outcome)


def without_overviews(bench):
    """Low zooms of large files without overviews would read all of them: refused, and said what to do."""
    pixels = numpy.zeros((1, 6000, 6000), "uint8")
    path = scenes.write_raster(bench.folder / "plain.tif", pixels, block=256)
    lon, lat = middle()
    with worker(bench, "--map", path) as served:
        status, _, body = get(served, f"/maps/plain/tiles/{'/'.join(map(str, tile_at(7, lon, lat)))}.png")
        bench.expect(status == 400 and "Cloud Optimized" in json.loads(body)["error"]["hint"], "refused", (status, body))
        bench.expect_equal(get(served, f"/maps/plain/tiles/{'/'.join(map(str, tile_at(14, lon, lat)))}.png")[0], 200, "high zooms are drawn")
    mask = numpy.full((6000, 6000), 255, "uint8")
    masked = write_cog(bench.folder / "masked.tif", pixels, mask=mask)
    with worker(bench, "--map", masked) as served:
        bench.expect_equal(get(served, f"/maps/masked/tiles/{'/'.join(map(str, tile_at(7, lon, lat)))}.png")[0], 200, "masks have overviews too")
        far = f"/maps/masked/tiles/{'/'.join(map(str, tile_at(14, lon, lat)))}.png?min=-1.7e308&max=1.7e308"
        bench.expect_equal(get(served, far)[0], 200, "limits as far apart as numbers can be")


def many_clients(bench):
    pixels = numpy.stack([smooth(seed, low=20, high=250) for seed in range(3)]).astype("uint8")
    path = write_cog(bench.folder / "rgb.tif", pixels, names=("red", "green", "blue"))
    lon, lat = middle()
    with worker(bench, "--map", path) as served:
        zoom, column, row = tile_at(14, lon, lat)
        addresses = [f"/maps/rgb/tiles/{zoom}/{column + i}/{row + j}.png" for i in (-1, 0, 1) for j in (-1, 0, 1)]
        alone = {address: get(served, address)[2] for address in addresses}
        wrong = []

        def ask(start):
            for i in range(30):
                address = addresses[(start + i) % len(addresses)]
                status, _, body = get(served, address)
                if status != 200 or body != alone[address]:
                    wrong.append((address, status))
        threads = [threading.Thread(target=ask, args=(n,)) for n in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        bench.expect_equal(wrong, [], "many clients get what one gets")
        # One who asks and goes away, and one who sends half a request.
        for text in (f"GET {addresses[0]} HTTP/1.1\r\nHost: x\r\n\r\n", f"GET {addresses[0]} HT"):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", served.port)) as half:
                half.sendall(text.encode())
                half.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        bench.expect_equal(get(served, addresses[0])[0], 200, "others are served on")


TESTS = [pictures_of_bytes, numbers_with_gaps, masks, classes, many_files, descriptions, what_is_not_there, without_overviews, many_clients]

if __name__ == "__main__":
    sys.exit(main(TESTS, __doc__))
