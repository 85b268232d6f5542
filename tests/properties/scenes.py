# SPDX-License-Identifier: Apache-2.0
"""Small scenes for the property tests: always the same pixels for the same arguments, nothing real about them."""
import datetime
import json
import os
import pathlib

import numpy
from osgeo import gdal, osr

gdal.UseExceptions()

EPSG = 32631
ORIGIN = (500000.0, 5000000.0)
PIXEL = 10.0
FIRST_DAY = datetime.date(2018, 1, 3)
TYPES = {"uint8": gdal.GDT_Byte, "uint16": gdal.GDT_UInt16, "int16": gdal.GDT_Int16, "float32": gdal.GDT_Float32}
COLOURS = (gdal.GCI_RedBand, gdal.GCI_GreenBand, gdal.GCI_BlueBand)
CLASSES = [0, 3, 4, 5, 6, 8, 9]  # of a scene classification; 4, 5 and 6 are clear
CLEAR = [4, 5, 6]


def day(number, step=5):
    return FIRST_DAY + datetime.timedelta(days=step * number)


def write_raster(path, pixels, *, pixel=PIXEL, origin=ORIGIN, epsg=EPSG, names=(), nodata=None, colour=False,
                 cog=False, block=128, compress="DEFLATE"):
    """`pixels` is (bands, rows, columns)."""
    bands, rows, columns = pixels.shape
    image = gdal.GetDriverByName("MEM").Create("", columns, rows, bands, TYPES[pixels.dtype.name])
    image.SetGeoTransform((origin[0], pixel, 0, origin[1], 0, -pixel))
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(epsg)
    image.SetProjection(reference.ExportToWkt())
    for number in range(bands):
        band = image.GetRasterBand(number + 1)
        band.WriteArray(numpy.ascontiguousarray(pixels[number]))  # GDAL reads views of stride 0 wrongly
        if number < len(names):
            band.SetDescription(names[number])
        if nodata is not None:
            band.SetNoDataValue(nodata)
        if colour:
            band.SetColorInterpretation(COLOURS[number])
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if cog:
        driver, options = "COG", [f"COMPRESS={compress}", f"BLOCKSIZE={block}", "OVERVIEWS=NONE"]
    else:
        driver, options = "GTiff", [f"COMPRESS={compress}", "TILED=YES", f"BLOCKXSIZE={block}", f"BLOCKYSIZE={block}"]
        options += ["PHOTOMETRIC=RGB"] if colour else []
    copy = gdal.GetDriverByName(driver).CreateCopy(str(path), image, options=options)
    copy = None  # noqa: F841  closes the file
    return path


def read_raster(path):
    """(bands, rows, columns)"""
    pixels = gdal.Open(str(path)).ReadAsArray()
    return pixels.reshape(-1, *pixels.shape[-2:])


def read_masked(path):
    """Pixels and the validity of each, both (bands, rows, columns)."""
    dataset = gdal.Open(str(path))
    bands = [dataset.GetRasterBand(number + 1) for number in range(dataset.RasterCount)]
    return (numpy.stack([band.ReadAsArray() for band in bands]),
            numpy.stack([band.GetMaskBand().ReadAsArray() > 0 for band in bands]))


def read_named(path):
    """Band name -> pixels, as float64 with NaN where they are invalid."""
    dataset = gdal.Open(str(path))
    pixels, valid = read_masked(path)
    names = [dataset.GetRasterBand(number + 1).GetDescription() for number in range(dataset.RasterCount)]
    return {name: numpy.where(there, values.astype(numpy.float64), numpy.nan) for name, values, there in zip(names, pixels, valid)}


def colour_pixels(number, size, seed=1):
    """Smooth colours with noise; a tenth of the pixels black, a tenth saturated in one band."""
    random = numpy.random.Generator(numpy.random.PCG64([seed, number]))
    columns, rows = size
    ramp = (numpy.arange(rows)[:, None] + numpy.arange(columns)[None, :]) // 4 % 120
    pixels = (ramp[None] + random.integers(1, 130, (3, rows, columns))).clip(1, 254).astype(numpy.uint8)
    fate = random.integers(0, 20, (rows, columns))
    pixels[:, fate < 2] = 0
    band = random.integers(0, 3, (rows, columns))
    for b in range(3):
        pixels[b][(fate >= 2) & (fate < 4) & (band == b)] = 255
    return pixels


def colour_series(folder, count, size=(256, 256), *, seed=1, block=128, cog=False):
    """scene_YYYYMMDD.tif: red, green, blue of uint8."""
    folder = pathlib.Path(folder)
    return [write_raster(folder / f"scene_{day(n):%Y%m%d}.tif", colour_pixels(n, size, seed), colour=True, block=block, cog=cog)
            for n in range(count)]


def flat_pixels(number, size):
    """Large patches of one colour, cheap to make and to decode."""
    columns, rows = size
    patch = (numpy.arange(rows)[:, None] // 64 * 7 + numpy.arange(columns)[None, :] // 64 * 3)
    return numpy.stack([(patch * (b + 2) + 31 * number + 11 * b) % 256 for b in range(3)]).astype(numpy.uint8)


def linked_series(folder, count, size=(512, 512), *, block=256, distinct=24):
    """Many scenes that take little room and time: a few distinct ones under many dates."""
    folder = pathlib.Path(folder)
    originals = [write_raster(folder.parent / "distinct" / f"{n}.tif", flat_pixels(n, size), colour=True, block=block)
                 for n in range(distinct)]
    folder.mkdir(parents=True, exist_ok=True)
    for n in range(count):
        os.link(originals[n % distinct], folder / f"scene_{day(n, 1):%Y%m%d}.tif")
    return folder


def reflectance_pixels(number, size, bands=2, seed=2):
    random = numpy.random.Generator(numpy.random.PCG64([seed, number]))
    columns, rows = size
    pixels = random.integers(1, 6000, (bands, rows, columns)).astype(numpy.uint16)
    pixels[:, random.integers(0, 25, (rows, columns)) == 0] = 0  # no data
    return pixels


def class_pixels(number, size, seed=3):
    random = numpy.random.Generator(numpy.random.PCG64([seed, number]))
    return random.choice(numpy.array(CLASSES, numpy.uint8), (1, size[1] // 2, size[0] // 2))


def item_of(name, when, assets):
    return {"type": "Feature", "stac_version": "1.0.0", "id": name, "collection": "drawn",
            "bbox": [2.99, 44.9, 3.2, 45.2],
            "geometry": {"type": "Polygon", "coordinates": [[[2.99, 44.9], [3.2, 44.9], [3.2, 45.2], [2.99, 45.2], [2.99, 44.9]]]},
            "properties": {"datetime": f"{when:%Y-%m-%d}T10:30:00Z"}, "links": [], "assets": assets}


def reflectance_series(folder, count, size=(128, 128), *, seed=2):
    """uint16 red and nir of 10 m with 0 for no data, classes of 20 m in a file of their own, and items.json."""
    folder = pathlib.Path(folder)
    items = []
    for n in range(count):
        name = f"S2_{day(n):%Y%m%d}"
        write_raster(folder / f"{name}_B.tif", reflectance_pixels(n, size, seed=seed), names=("B04", "B08"), nodata=0, cog=True)
        write_raster(folder / f"{name}_SCL.tif", class_pixels(n, size), pixel=2 * PIXEL, names=("SCL",))
        items.append(item_of(name, day(n), {
            "data": {"href": f"./{name}_B.tif", "type": "image/tiff; application=geotiff", "roles": ["data"],
                     "eo:bands": [{"name": "B04", "common_name": "red"}, {"name": "B08", "common_name": "nir"}]},
            "SCL": {"href": f"./{name}_SCL.tif", "type": "image/tiff; application=geotiff", "roles": ["data"],
                    "eo:bands": [{"name": "SCL"}]}}))
    (folder / "items.json").write_text(json.dumps({"type": "FeatureCollection", "features": items}))
    return folder


def lon_lat_of(column, row):
    """The middle of a pixel of the usual grid, as the command line takes it."""
    here, there = osr.SpatialReference(), osr.SpatialReference()
    here.ImportFromEPSG(EPSG)
    there.ImportFromEPSG(4326)
    for reference in (here, there):
        reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    lon, lat, _ = osr.CoordinateTransformation(here, there).TransformPoint(
        ORIGIN[0] + (column + 0.5) * PIXEL, ORIGIN[1] - (row + 0.5) * PIXEL)
    return f"{lon:.9f},{lat:.9f}"
