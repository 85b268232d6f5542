#!/usr/bin/python3
"""Obtains real Sentinel-2 imagery and lays it out as an archive a mapper might have.

    setup/demo_scenes.py [--scenes FOLDER] [--true-colour FOLDER] [--tree-cover FILE]

The imagery is a cube inside the PyPI package `nrt` 0.2.1: 140 dates from 2015 to 2021 over a forest in
Romania, bands B2 B3 B4 B8 and the scene classification, 100 x 100 pixels of 10 m in EPSG:3035. Each
date becomes

  out/demo/scenes/romania_YYYYMMDD.tif            a COG: reflectance x 10000 and classes, uint16, 0 = no data
  out/demo/scenes/romania_YYYYMMDD.json           its STAC item; items.json holds all of them
  out/demo/true_colour/romania_YYYYMMDD_TCI.tif   a COG: red, green, blue in 8 bit

and beside it, from the same package, the tree cover density of 2018 (Copernicus high resolution layer), 50 x 50
pixels of 20 m over the same square kilometre:

  out/demo/tree_cover_2018.tif                    a COG: percent of the ground under trees, uint8, 255 = no data

No pixel is changed, resampled or invented. The cube tells days, not times: items carry midnight UTC.

The 8-bit stretch, exactly: with d = reflectance x 10000,
  d = 0            ->  0                                    no data
  1 <= d <= 3000   ->  1 + floor(253 * d / 3000 + 1/2)      1..254: reflectance up to 0.3, halves upward
  d > 3000         ->  255                                  saturated: brighter than 0.3
So "reject pixels with 0 or 255 in any band" drops what is absent and what is bright: mostly cloud and snow.
"""
import argparse
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
WHEEL = "nrt-0.2.1-py3-none-any.whl"
WHEEL_SHA256 = "cd0291f99ce91268a0d993f05be1c69678d62504b01d36e7124d0ff3a51b3ee9"
CUBE = "nrt/data/sentinel2_cube_subset_romania_10m.nc"
TREE_COVER = "nrt/data/tree_cover_density_2018_romania.tif"
TREE_COVER_SHA256 = "9e3798baaa7f52e6b9b27bf7f0a81b321a45afa3c83f04dded8a608199f86201"
DATES = 140
SIZE = 100

# Name in the cube, our name, STAC common name.
BANDS = [
    ("B2", "B02", "blue"),
    ("B3", "B03", "green"),
    ("B4", "B04", "red"),
    ("B8", "B08", "nir"),
    ("SCL", "SCL", None),
]
SCENE_CLASSES = [
    "no_data", "saturated_or_defective", "dark_area", "cloud_shadow", "vegetation", "not_vegetated",
    "water", "unclassified", "cloud_medium_probability", "cloud_high_probability", "thin_cirrus", "snow",
]
CLOUD_CLASSES = [8, 9, 10]


def say(message):
    print(f"demo scenes: {message}", file=sys.stderr)


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def obtain_wheel(folder):
    wheel = folder / WHEEL
    if wheel.exists() and sha256(wheel) == WHEEL_SHA256:
        return wheel
    wheel.unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    say("downloading nrt 0.2.1 (11 MB) from the Python package index")
    done = subprocess.run(
        ["/usr/bin/python3", "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
         "--no-deps", "--only-binary", ":all:", "--dest", str(folder), "nrt==0.2.1"])
    if done.returncode != 0 or not wheel.exists():
        sys.exit("demo scenes: pip could not download nrt 0.2.1; its message is above")
    if sha256(wheel) != WHEEL_SHA256:
        sys.exit(f"demo scenes: {wheel} is not the file we know (sha256 {sha256(wheel)}); not used")
    return wheel


def unpack_cube(wheel, folder):
    with zipfile.ZipFile(wheel) as archive:
        content = archive.read(CUBE)
    # A source package may hold a large-file pointer in place of the data.
    if not content.startswith(b"\x89HDF\r\n\x1a\n"):
        sys.exit(f"demo scenes: {CUBE} in {wheel} is not a netCDF-4 file")
    path = folder / pathlib.PurePath(CUBE).name
    path.write_bytes(content)
    return path


def read_cube(path):
    import netCDF4
    import numpy
    from osgeo import osr

    cube = netCDF4.Dataset(path)
    cube.set_auto_maskandscale(False)
    time = cube["time"]
    dates = [day.strftime("%Y%m%d") for day in netCDF4.num2date(time[:], time.units, time.calendar)]
    pixels = {ours: cube[theirs][:] for theirs, ours, _ in BANDS}

    def expect(holds, what):
        if not holds:
            sys.exit(f"demo scenes: {path.name} is not as expected: {what}")

    for name, values in pixels.items():
        expect(values.shape == (DATES, SIZE, SIZE) and values.dtype == numpy.uint16, f"shape or type of {name}")
    expect(len(set(dates)) == DATES and dates == sorted(dates), "dates that rise")
    expect(pixels["SCL"].max() <= 11, "classes 0..11")
    # All dates are older than processing baseline 04.00 (January 2022), so reflectance is value /
    # 10000 without an offset. A summer forest is dark in red and bright in near infrared.
    summer = dates.index("20200705")
    red, nir = numpy.median(pixels["B04"][summer]), numpy.median(pixels["B08"][summer])
    expect(100 < red < 600 and 3000 < nir < 5000, f"reflectance of a forest, found red {red}, nir {nir}")

    # The cube's WKT has a TOWGS84 clause, which makes readers see a CRS of its own beside EPSG:3035.
    theirs = osr.SpatialReference(wkt=cube["spatial_ref"].getncattr("spatial_ref"))
    expect(theirs.GetAuthorityCode(None) == "3035", "EPSG:3035")
    x, y = cube["x"][:], cube["y"][:]
    expect(numpy.allclose(numpy.diff(x), 10) and numpy.allclose(numpy.diff(y), -10), "pixels of 10 m")
    # x and y are pixel centres. The decimals are those of the cube's own grid.
    transform = (float(x[0]) - 5.0, 10.0, 0.0, float(y[0]) + 5.0, 0.0, -10.0)
    return dates, pixels, transform


def read_tree_cover(wheel):
    from osgeo import gdal

    with zipfile.ZipFile(wheel) as archive:
        content = archive.read(TREE_COVER)
    if hashlib.sha256(content).hexdigest() != TREE_COVER_SHA256:
        sys.exit(f"demo scenes: {TREE_COVER} in {wheel} is not the file we know; not used")
    path = wheel.parent / pathlib.PurePath(TREE_COVER).name
    path.write_bytes(content)
    image = gdal.Open(str(path))
    return image.ReadAsArray(), image.GetGeoTransform()


def write_cog(path, bands, transform, wkt, names, *, reflectance=(), rgb=False, percent=False):
    from osgeo import gdal

    height, width = bands[0].shape
    kind = gdal.GDT_Byte if rgb or percent else gdal.GDT_UInt16
    image = gdal.GetDriverByName("MEM").Create("", width, height, len(bands), kind)
    image.SetGeoTransform(transform)
    image.SetProjection(wkt)
    for number, (values, name) in enumerate(zip(bands, names), 1):
        band = image.GetRasterBand(number)
        band.WriteArray(values)
        band.SetDescription(name)
        if not rgb:
            band.SetNoDataValue(255 if percent else 0)
        if percent:
            band.SetUnitType("%")
        if name in reflectance:
            band.SetScale(0.0001)
            band.SetOffset(0)
    if rgb:
        for number, colour in enumerate((gdal.GCI_RedBand, gdal.GCI_GreenBand, gdal.GCI_BlueBand), 1):
            image.GetRasterBand(number).SetColorInterpretation(colour)
    options = ["COMPRESS=DEFLATE", "PREDICTOR=YES", "BLOCKSIZE=128", "OVERVIEWS=NONE"]
    part = path.with_suffix(".part")
    copy = gdal.GetDriverByName("COG").CreateCopy(str(part), image, options=options)
    copy = None  # closes the file
    os.replace(part, path)


def true_colour(values):
    import numpy

    d = values.astype(numpy.uint32)
    stretched = 1 + (2 * 253 * d + 3000) // 6000
    return numpy.where(d == 0, 0, numpy.where(d > 3000, 255, stretched)).astype(numpy.uint8)


def outline(transform):
    """The scene's corners in longitude and latitude, counter-clockwise, and their box."""
    from osgeo import osr

    laea, lonlat = osr.SpatialReference(), osr.SpatialReference()
    laea.ImportFromEPSG(3035)
    lonlat.ImportFromEPSG(4326)
    for reference in (laea, lonlat):
        reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    to_lonlat = osr.CoordinateTransformation(laea, lonlat)
    left, top = transform[0], transform[3]
    right, bottom = left + 10.0 * SIZE, top - 10.0 * SIZE
    ring = [[round(value, 7) for value in to_lonlat.TransformPoint(x, y)[:2]]
            for x, y in ((left, bottom), (right, bottom), (right, top), (left, top), (left, bottom))]
    longitudes, latitudes = zip(*ring)
    return ring, [min(longitudes), min(latitudes), max(longitudes), max(latitudes)]


def stac_item(date, scl, file, transform, ring, bbox):
    import numpy

    bands = []
    for _, name, common_name in BANDS:
        band = {"name": name, "data_type": "uint16", "nodata": 0}
        if common_name:
            band.update({"eo:common_name": common_name, "raster:scale": 0.0001, "raster:offset": 0})
        else:
            band["classification:classes"] = [
                {"value": value, "name": name, "nodata": True} if value == 0 else {"value": value, "name": name}
                for value, name in enumerate(SCENE_CLASSES)]
        bands.append(band)
    content = file.read_bytes()
    extension = "https://stac-extensions.github.io"
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": [
            f"{extension}/eo/v2.0.0/schema.json",
            f"{extension}/raster/v2.0.0/schema.json",
            f"{extension}/projection/v2.0.0/schema.json",
            f"{extension}/classification/v2.0.0/schema.json",
            f"{extension}/file/v2.1.0/schema.json",
        ],
        "id": f"romania_{date}",
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "bbox": bbox,
        "properties": {
            "datetime": f"{date[:4]}-{date[4:6]}-{date[6:]}T00:00:00Z",
            "description": "Sentinel-2 level 2A over a forest in Romania. The source tells the day "
                           "only; the time of day is unknown and given as midnight.",
            "constellation": "sentinel-2",
            "instruments": ["msi"],
            "gsd": 10,
            "eo:cloud_cover": round(100 * float(numpy.isin(scl, CLOUD_CLASSES).mean()), 2),
            "proj:code": "EPSG:3035",
            "proj:shape": [SIZE, SIZE],
            "proj:transform": [transform[1], transform[2], transform[0],
                               transform[4], transform[5], transform[3]],
            "license": "other",
            "providers": [
                {"name": "European Union / ESA, Copernicus programme",
                 "description": f"Contains modified Copernicus Sentinel data {date[:4]}",
                 "roles": ["producer", "licensor"], "url": "https://www.copernicus.eu"},
                {"name": "European Commission, Joint Research Centre",
                 "description": "Published the subset in the Python package nrt 0.2.1",
                 "roles": ["processor", "host"], "url": "https://github.com/ec-jrc/nrt"},
            ],
        },
        "links": [{
            "rel": "license", "type": "application/pdf", "title": "Legal notice on Sentinel data",
            "href": "https://sentinel.esa.int/documents/247904/690755/Sentinel_Data_Legal_Notice",
        }],
        "assets": {
            "data": {
                "href": f"./{file.name}",
                "type": "image/tiff; application=geotiff; profile=cloud-optimized",
                "title": "Reflectance in four bands, and the scene classification",
                "roles": ["data"],
                "bands": bands,
                "file:size": len(content),
                "file:checksum": "1220" + hashlib.sha256(content).hexdigest(),
            },
        },
    }


def write_json(path, document):
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenes", type=pathlib.Path, default=ROOT / "out/demo/scenes")
    parser.add_argument("--true-colour", type=pathlib.Path, default=ROOT / "out/demo/true_colour")
    parser.add_argument("--tree-cover", type=pathlib.Path, default=ROOT / "out/demo/tree_cover_2018.tif")
    arguments = parser.parse_args()
    scenes, colour, tree_cover = arguments.scenes, arguments.true_colour, arguments.tree_cover

    # Written last: it says that all files below are complete, and made from this wheel by this script.
    stamp = scenes / ".complete"
    wanted = f"{WHEEL_SHA256} {sha256(pathlib.Path(__file__))} {colour.resolve()} {tree_cover.resolve()}\n"
    if (stamp.exists() and stamp.read_text() == wanted
            and len(list(scenes.glob("romania_*.tif"))) == DATES
            and len(list(scenes.glob("romania_*.json"))) == DATES
            and (scenes / "items.json").exists() and tree_cover.exists()
            and len(list(colour.glob("romania_*_TCI.tif"))) == DATES):
        return

    wheel = obtain_wheel(ROOT / ".setup" / "downloads")
    for folder in (scenes, colour, tree_cover.parent):
        folder.mkdir(parents=True, exist_ok=True)
    stamp.unlink(missing_ok=True)
    dates, pixels, transform = read_cube(unpack_cube(wheel, wheel.parent))

    from osgeo import gdal, osr
    gdal.UseExceptions()
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(3035)
    wkt = reference.ExportToWkt()
    ring, bbox = outline(transform)
    names = [name for _, name, _ in BANDS]
    items = []
    for number, date in enumerate(dates):
        file = scenes / f"romania_{date}.tif"
        write_cog(file, [pixels[name][number] for name in names], transform, wkt, names,
                  reflectance=names[:4])
        item = stac_item(date, pixels["SCL"][number], file, transform, ring, bbox)
        write_json(file.with_suffix(".json"), item)
        items.append(item)
        write_cog(colour / f"romania_{date}_TCI.tif",
                  [true_colour(pixels[name][number]) for name in ("B04", "B03", "B02")],
                  transform, wkt, ["red", "green", "blue"], rgb=True)
    write_json(scenes / "items.json", {"type": "FeatureCollection", "features": items})
    cover, cover_transform = read_tree_cover(wheel)
    write_cog(tree_cover, [cover], cover_transform, wkt, ["tree_cover"], percent=True)
    stamp.write_text(wanted)
    say(f"{len(dates)} real Sentinel-2 scenes, {dates[0]} to {dates[-1]}, in {scenes}")


if __name__ == "__main__":
    main()
