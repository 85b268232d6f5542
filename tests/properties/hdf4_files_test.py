#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""HDF4 as scenes: grids of HDF-EOS2, as MODIS products of the land have them, and data sets with coordinates, run to the
same bytes as the same pixels in GeoTIFF; what cannot be read is refused with a reason. The files are written by the HDF4
library itself (pyhdf), their HDF-EOS structure as text, as that of MODIS files; GDAL's own reader judges the grids.

    hdf4_files_test.py GEOLOOM [--only TEST]...
"""
import hashlib
import json
import subprocess

import numpy
from osgeo import gdal, osr

from program import VENV_PYTHON, main

PIXEL = 463.3125
ORIGIN = (0.0, 5559752.5)
SIZE = 80
DAYS = [121, 122, 123]
FIELDS = ["sur_refl_b01_1", "sur_refl_b02_1"]

# Writes one file as the HDF-EOS2 library lays them out.
WRITE = r"""
import json, sys
import numpy
from pyhdf.HDF import HC, HDF
from pyhdf.SD import SD, SDC
from pyhdf.V import V
asked = json.loads(sys.argv[1])
TYPES = {"int16": (SDC.INT16, "DFNT_INT16"), "uint16": (SDC.UINT16, "DFNT_UINT16"), "uint8": (SDC.UINT8, "DFNT_UINT8")}
arrays = numpy.load(asked["pixels"])
file = SD(asked["path"], SDC.WRITE | SDC.CREATE | SDC.TRUNC)
text, references = "GROUP=SwathStructure\nEND_GROUP=SwathStructure\nGROUP=GridStructure\n", {}
for number, grid in enumerate(asked["grids"], 1):
    left, top, right, bottom = grid["corners"]
    rows, columns = arrays[grid["fields"][0]["pixels"]].shape[-2:]
    text += f'\tGROUP=GRID_{number}\n\t\tGridName="{grid["name"]}"\n\t\tXDim={columns}\n\t\tYDim={rows}\n'
    text += f"\t\tUpperLeftPointMtrs=({left:f},{top:f})\n\t\tLowerRightMtrs=({right:f},{bottom:f})\n\t\t" + grid["projection"].replace("\n", "\n\t\t")
    text += "\n\t\tGridOrigin=HDFE_GD_UL\n\t\tGROUP=Dimension\n\t\tEND_GROUP=Dimension\n\t\tGROUP=DataField\n"
    for order, field in enumerate(grid["fields"], 1):
        pixels = arrays[field["pixels"]]
        code, name = TYPES[pixels.dtype.name]
        dims = field.get("dims", ["YDim", "XDim"])
        text += f'\t\t\tOBJECT=DataField_{order}\n\t\t\t\tDataFieldName="{field["name"]}"\n\t\t\t\tDataType={name}\n'
        text += "\t\t\t\tDimList=(" + ",".join(f'"{each}"' for each in dims) + f")\n\t\t\tEND_OBJECT=DataField_{order}\n"
        data = file.create(field["name"], code, pixels.shape)
        for axis, each in enumerate(dims):
            data.dim(axis).setname(f"{each}:{grid['name']}")
        data[:] = pixels
        if "fill" in field:
            data.attr("_FillValue").set(code, field["fill"])
        if "calibration" in field:
            data.setcal(field["calibration"], 0.0, 0.0, 0.0, SDC.INT16)
        if "scale" in field:
            data.attr("scale_factor").set(SDC.FLOAT64, field["scale"])
        references.setdefault(grid["name"], []).append(data.ref())
        data.endaccess()
    text += f"\t\tEND_GROUP=DataField\n\t\tGROUP=MergedFields\n\t\tEND_GROUP=MergedFields\n\tEND_GROUP=GRID_{number}\n"
text += "END_GROUP=GridStructure\nGROUP=PointStructure\nEND_GROUP=PointStructure\nEND\n"
file.attr("HDFEOSVersion").set(SDC.CHAR, "HDFEOS_V2.17")
file.attr("StructMetadata.0").set(SDC.CHAR, text)
if asked.get("core"):
    file.attr("CoreMetadata.0").set(SDC.CHAR, asked["core"])
file.end()
whole = HDF(asked["path"], HC.WRITE)
groups = whole.vgstart()
for grid, fields in references.items():
    outer = groups.create(grid)
    outer._class = "GRID"
    for name in ("Data Fields", "Grid Attributes"):
        inner = groups.create(name)
        inner._class = "GRID Vgroup"
        for reference in fields if name == "Data Fields" else []:
            inner.add(HC.DFTAG_NDG, reference)
        outer.insert(inner)
        inner.detach()
    outer.detach()
groups.end()
whole.close()
"""
WRITE_PLAIN = r"""
import sys
import numpy
from pyhdf.SD import SD, SDC
path, pixels, coordinates = sys.argv[1:]
file = SD(path, SDC.WRITE | SDC.CREATE | SDC.TRUNC)
values = numpy.load(pixels)["a"]
for axis, name, standard in ((0, "y", "projection_y_coordinate"), (1, "x", "projection_x_coordinate")):
    places = [5000000 - 10 * (i + 0.5) for i in range(values.shape[0])] if axis == 0 else [500000 + 10 * (i + 0.5) for i in range(values.shape[1])]
    if coordinates == "with":
        data = file.create(name, SDC.FLOAT64, len(places))
        data[:] = numpy.array(places)
        data.dim(0).setname(name)
        data.attr("standard_name").set(SDC.CHAR, standard)
        data.endaccess()
data = file.create("B04", SDC.INT16, values.shape)
data.dim(0).setname("y")
data.dim(1).setname("x")
data[:] = values
data.attr("_FillValue").set(SDC.INT16, -1)
data.endaccess()
file.end()
"""
CORE = """
GROUP                  = INVENTORYMETADATA
  GROUPTYPE            = MASTERGROUP
  GROUP                  = RANGEDATETIME
    OBJECT                 = RANGEBEGINNINGDATE
      NUM_VAL              = 1
      VALUE                = "2018-05-02"
    END_OBJECT             = RANGEBEGINNINGDATE
    OBJECT                 = RANGEBEGINNINGTIME
      NUM_VAL              = 1
      VALUE                = "10:35:00.000000"
    END_OBJECT             = RANGEBEGINNINGTIME
  END_GROUP              = RANGEDATETIME
END_GROUP              = INVENTORYMETADATA
END
"""
SINUSOIDAL_EOS = "Projection=GCTP_SNSOID\nProjParams=(6371007.181000,0,0,0,0,0,0,0,0,0,0,0,0)\nSphereCode=-1"


def write(bench, name, grids, arrays, core=None):
    path = bench.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    numpy.savez(bench.folder / "pixels.npz", **arrays)
    asked = {"path": str(path), "pixels": str(bench.folder / "pixels.npz"), "grids": grids, "core": core}
    subprocess.run([VENV_PYTHON, "-W", "ignore", "-c", WRITE, json.dumps(asked)], check=True)
    return path


def corners(size, pixel, origin=ORIGIN):
    return [origin[0], origin[1], origin[0] + size * pixel, origin[1] - size * pixel]


def pixels_of(day):
    random = numpy.random.default_rng(day)
    bands = random.integers(-100, 9000, (2, SIZE, SIZE)).astype(numpy.int16)
    bands[:, 10 * (day % 3) : 10 * (day % 3) + 15, 20:50] = -28672
    state = random.integers(0, 2000, (SIZE // 2, SIZE // 2)).astype(numpy.uint16)
    return {FIELDS[0]: bands[0], FIELDS[1]: bands[1], "state_1km_1": state}


def write_day(bench, day, folder="modis", **more):
    fields = [{"name": name, "pixels": name, "fill": -28672, "calibration": 10000.0} for name in FIELDS]
    grids = [{"name": "MODIS_Grid_1km_2D", "corners": corners(SIZE // 2, 2 * PIXEL), "projection": SINUSOIDAL_EOS,
              "fields": [{"name": "state_1km_1", "pixels": "state_1km_1", "fill": 65535}]},
             {"name": "MODIS_Grid_500m_2D", "corners": corners(SIZE, PIXEL), "projection": SINUSOIDAL_EOS, "fields": fields}]
    # The number at the end is the time of making, and looks like a date.
    return write(bench, f"{folder}/MOD09GA.A2018{day}.h18v04.006.20181231.hdf", grids, pixels_of(day), **more)


def write_tiffs(bench):
    first = write_day(bench, DAYS[0])
    projection = gdal.Open(f'HDF4_EOS:EOS_GRID:"{first}":MODIS_Grid_500m_2D:{FIELDS[0]}').GetProjection()
    lines = ["id,datetime," + ",".join([*FIELDS, "state_1km_1"])]
    (bench.folder / "tiffs").mkdir()
    for day in DAYS:
        for name, values in pixels_of(day).items():
            pixel = PIXEL * SIZE / values.shape[0]
            kind = gdal.GDT_UInt16 if values.dtype == numpy.uint16 else gdal.GDT_Int16
            image = gdal.GetDriverByName("GTiff").Create(str(bench.folder / f"tiffs/{day}_{name}.tif"), *values.shape, 1, kind)
            image.SetGeoTransform((ORIGIN[0], pixel, 0, ORIGIN[1], 0, -pixel))
            image.SetProjection(projection)
            image.GetRasterBand(1).WriteArray(values)
            image.GetRasterBand(1).SetNoDataValue(65535 if name.startswith("state") else -28672)
            if not name.startswith("state"):
                image.GetRasterBand(1).SetScale(0.0001)
            image = None  # noqa: F841  closes the file
        lines.append(f"d{day},2018-05-{day - 120:02},{day}_" + f".tif,{day}_".join([*FIELDS, "state_1km_1"]) + ".tif")
    (bench.folder / "tiffs/scenes.csv").write_text("\n".join(lines) + "\n")


def document(source, store, warped=False, bands=(*FIELDS, "state_1km_1"), sensor=""):
    grid = """same_grid_as: 'HDF4:"modis/MOD09GA.A2018121.h18v04.006.20181231.hdf"://MODIS_Grid_500m_2D/sur_refl_b01_1'"""
    if warped:
        grid = 'grid: {crs: "EPSG:32631", origin: [290000, 5535000], resolution: 500, size: [60, 60]}'
    return f"""geoloom: 1
name: modis
store: {store}
area:
  {grid}
  tiles: 32 px
sources:
  modis: {{scenes: {json.dumps(source)}{sensor}}}
steps:
  map:
    over: tiles
    do:
      - load: {{source: modis, bands: [{", ".join(bands)}]}}
      - reduce: median
      - save: {{layer: tiles}}
  whole:
    do: [{{mosaic: {{layer: tiles, as: map}}}}]
"""


def map_of(bench, source, store, *arguments, **more):
    done = bench.run(bench.document(document(source, store, **more), f"{store}.yaml"), *arguments)
    path = bench.folder / store / "map.tif"
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else f"no map: {done}"


def equals_geotiff(bench):
    """Two resolutions in one file, three dates, aligned and warped, by one thread and by four."""
    for day in DAYS:
        write_day(bench, day)
    write_tiffs(bench)
    for warped in (False, True):
        wanted = map_of(bench, "tiffs/scenes.csv", f"tiffs_{warped}", warped=warped)
        bench.expect(len(wanted) == 64, "GeoTIFFs are mapped", wanted)
        for threads in ("1", "4"):
            got = map_of(bench, "modis", f"hdf_{threads}_{warped}", "--threads", threads, warped=warped)
            bench.expect_equal(got, wanted, f"warped {warped}, {threads} threads: the bytes of GeoTIFF")
    named = map_of(bench, "modis/*.hdf", "named", bands=("red", "nir", "state"), sensor=", sensor: modis-09a1")
    bench.expect(len(named) == 64, "the sensor knows the fields", named)
    one = document("modis", "planned").replace("bands: [", "period: 2018-05-02, bands: [")
    plan = bench.call("plan", bench.document(one)).out
    bench.expect("> 1 on solar days" in plan and "warped" not in plan, "the day of the year in the name is the date", plan)


def what_files_hold(bench):
    path = write_day(bench, 122, core=CORE)
    said = bench.call("inspect", path, "--json").json()
    variables = {each["name"]: each for each in said["variables"]}
    bench.expect_equal((said["driver"], said["time"], sorted(variables)),
                       ("HDF4", "2018-05-02T10:35:00Z", ["MODIS_Grid_1km_2D/state_1km_1", *(f"MODIS_Grid_500m_2D/{name}" for name in FIELDS)]),
                       "its fields and its time")
    for name in FIELDS:
        variable = variables[f"MODIS_Grid_500m_2D/{name}"]
        judge = gdal.Open(f'HDF4_EOS:EOS_GRID:"{path}":MODIS_Grid_500m_2D:{name}')
        left, width, _, top, _, height = judge.GetGeoTransform()
        wanted = [left, top + SIZE * height, left + SIZE * width, top]
        bench.expect(numpy.allclose(variable["bounds"], wanted, rtol=0, atol=1e-6), "the grid that GDAL reads", (variable["bounds"], wanted))
        bench.expect_equal((variable["nodata"], variable["scale"], variable["size"], variable["address"]),
                           (-28672, 0.0001, [SIZE, SIZE], f'HDF4:"{path}"://MODIS_Grid_500m_2D/{name}'), "10000 divides")
        for address in (variable["address"], f'HDF4_EOS:EOS_GRID:"{path}":MODIS_Grid_500m_2D:{name}', f'HDF4:"{path}"://{name}'):
            one = bench.call("inspect", address, "--json").json()
            bench.expect_equal((one["driver"], one["bands"][0]["name"]), ("HDF4", name), address)
    items = [{"type": "Feature", "stac_version": "1.0.0", "id": f"i{day}", "geometry": None, "links": [], "collection": "c",
              "properties": {"datetime": f"2018-05-{day - 120:02}T00:00:00Z"},
              "assets": {"hdf": {"href": str(write_day(bench, day, "stac")), "eo:bands": [{"name": name} for name in FIELDS]}}} for day in DAYS]
    (bench.folder / "items.json").write_text(json.dumps({"type": "FeatureCollection", "features": items}))
    write_tiffs(bench)
    bench.expect_equal(map_of(bench, "items.json", "by_stac", bands=FIELDS), map_of(bench, "tiffs/scenes.csv", "by_tiffs", bands=FIELDS), "assets of STAC")
    plain_scale = write(bench, "range.hdf", [{"name": "g", "corners": corners(SIZE, PIXEL), "projection": SINUSOIDAL_EOS,
                                              "fields": [{"name": "Range", "pixels": "a", "scale": 25.0}]}], {"a": pixels_of(1)[FIELDS[0]]})
    bench.expect_equal(bench.call("inspect", plain_scale, "--json").json()["variables"][0]["scale"], 25, "what is no calibration multiplies")


def other_projections(bench):
    """Degrees (packed as GCTP has them) and UTM, and data sets whose coordinates are data sets."""
    values = {"a": pixels_of(1)[FIELDS[0]]}
    field = [{"name": "NDVI", "pixels": "a"}]
    write(bench, "degrees.hdf", [{"name": "g", "corners": [10000000, 50000000, 12000000, 48000000], "projection": "Projection=GCTP_GEO", "fields": field}], values)
    utm = "Projection=GCTP_UTM\nZoneCode=32\nSphereCode=12"
    write(bench, "utm.hdf", [{"name": "g", "corners": corners(SIZE, 500.0, (500000, 5500000)), "projection": utm, "fields": field}], values)
    for name, crs, bounds in (("degrees.hdf", "4326", [10, 48, 12, 50]), ("utm.hdf", "32632", [500000, 5460000, 540000, 5500000])):
        variable = bench.call("inspect", name, "--json").json()["variables"][0]
        bench.expect(numpy.allclose(variable["bounds"], bounds, rtol=0, atol=1e-6), f"{name}: where it is", variable)
        judge = osr.SpatialReference(gdal.Open(f'HDF4_EOS:EOS_GRID:"{bench.folder / name}":g:NDVI').GetProjection())
        got = osr.SpatialReference()
        got.SetFromUserInput(variable["crs"])
        bench.expect(got.IsSame(judge) or crs in variable["crs"], f"{name}: its CRS", variable["crs"])
    numpy.savez(bench.folder / "pixels.npz", **values)
    for coordinates in ("with", "without"):
        subprocess.run([VENV_PYTHON, "-W", "ignore", "-c", WRITE_PLAIN, bench.folder / f"{coordinates}.hdf", bench.folder / "pixels.npz", coordinates], check=True)
    plain = {each["name"]: each for each in bench.call("inspect", "with.hdf", "--json").json()["variables"]}
    bench.expect_equal((plain["B04"]["bounds"], plain["B04"]["nodata"]), ([500000, 4999200, 500800, 5000000], -1), "coordinates of data sets")
    bench.expect("no coordinate variables" in bench.call("inspect", "without.hdf").out, "without, there is no grid")


def many_files(bench):
    """More than the HDF4 library has places for open files."""
    paths = [write_day(bench, 121)]
    for day in range(122, 170):
        copy = paths[0].with_name(paths[0].name.replace("A2018121", f"A2018{day}"))
        copy.write_bytes(paths[0].read_bytes())
    once = map_of(bench, str(paths[0]), "one")
    bench.expect_equal(map_of(bench, "modis", "many", "--threads", "4"), once, "the median of equal files is the file")


def refusals(bench):
    path = write_day(bench, 121)

    def refused(source, *words):
        done = bench.call("run", bench.document(document(source, "refused", bands=FIELDS)))
        bench.expect(done.code not in (0, 4, 70) and all(word in done.err for word in words), f"{source} is refused with {words}", done)

    for share in (2, 3, 5, 50):
        (bench.folder / f"cut{share}.hdf").write_bytes(path.read_bytes()[: path.stat().st_size // share])
        refused(f"cut{share}.hdf", f"cut{share}.hdf")
    (bench.folder / "text.hdf").write_text("no HDF\n")
    refused("text.hdf", "no HDF4 file")
    (bench.folder / "five.hdf").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    refused("five.hdf", "HDF5", "end in .h5")
    (bench.folder / "four.h5").write_bytes(path.read_bytes())
    refused("four.h5", "HDF4", "end in .hdf")
    refused(f'HDF4:"{path}"://MODIS_Grid_500m_2D/sur_refl_b09_1', "no variable", "sur_refl_b0")
    turned = [{"name": "g", "corners": corners(SIZE, PIXEL), "projection": SINUSOIDAL_EOS,
               "fields": [{"name": FIELDS[0], "pixels": "a", "dims": ["XDim", "YDim"]}]}]
    write(bench, "turned.hdf", turned, {"a": pixels_of(1)[FIELDS[0]]})
    refused("turned.hdf", "not rows (y) and columns (x)")
    for address in ("HDF4:/vsis3/b/a.hdf:v", "HDF4:http://127.0.0.1:1/a.hdf:v", 'HDF4_EOS:EOS_GRID:"/vsizip/a.zip/a.hdf":g:f', "HDF4_EOS:EOS_GRID:a.hdf:f"):
        done = bench.call("inspect", address)
        bench.expect(done.code not in (0, 70), f"{address} is refused", done)


if __name__ == "__main__":
    main([equals_geotiff, what_files_hold, other_projections, many_files, refusals], __doc__)
