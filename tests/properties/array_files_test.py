#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""netCDF, HDF5 and Zarr as scenes: written by xarray and read as xarray reads them, and run to the same bytes as the same
pixels in GeoTIFF; what cannot be read is refused with a reason.

    array_files_test.py GEOLOOM [--only TEST]...
"""
import hashlib
import json
import pathlib
import subprocess

import numpy

import scenes
from program import VENV_PYTHON, main

WIDTH, HEIGHT = 150, 110
DATES = ["2018-05-01T10:00:00", "2018-05-11T10:00:00", "2018-05-21T10:00:00"]
BANDS = ["B04", "B08"]

# Writes one cube as users do, and says what xarray reads of it.
WRITE = """
import json, sys
import numpy, pandas, rioxarray, xarray
asked = json.loads(sys.argv[1])
pixels = numpy.load(asked["pixels"])
times = pandas.to_datetime(asked["times"])
x = asked["origin"][0] + 10 * (numpy.arange(pixels.shape[3]) + 0.5)
y = asked["origin"][1] - 10 * (numpy.arange(pixels.shape[2]) + 0.5)
if asked.get("south_up"):
    y, pixels = y[::-1], pixels[:, :, ::-1]
cube = xarray.Dataset({band: (("time", "y", "x"), pixels[:, number]) for number, band in enumerate(asked["bands"])},
                      coords={"time": times, "y": y, "x": x})
if asked.get("crs", True):
    cube = cube.rio.write_crs(asked["epsg"])
for band in asked["bands"]:
    cube[band].attrs.update(scale_factor=0.0001, add_offset=-0.1, _FillValue=numpy.uint16(0))
if asked.get("single") is not None:
    cube = cube.isel(time=asked["single"])
if asked.get("stack"):
    cube = cube.to_dataarray("band", name="s2").transpose("time", "band", "y", "x").to_dataset()
    cube["s2"].attrs.update(scale_factor=0.0001, add_offset=-0.1, _FillValue=numpy.uint16(0), grid_mapping="spatial_ref")
if asked.get("transposed"):
    cube = cube.transpose("time", "x", "y")
if asked.get("calendar"):
    cube["time"].encoding["calendar"] = asked["calendar"]
path, engine = asked["path"], asked["engine"]
encoding = {}
if engine == "zarr":
    cube.to_zarr(path, zarr_format=2, encoding={band: {"chunks": (1, 64, 64)} for band in asked["bands"]})
elif engine == "scipy":
    cube.to_netcdf(path, engine="netcdf4", format="NETCDF3_64BIT", encoding={band: {"dtype": "i2"} for band in asked["bands"]})
else:
    if not asked.get("stack") and asked.get("single") is None:
        encoding = {band: {"chunksizes": (1, 64, 64), "zlib": True} for band in asked["bands"]}
    cube.to_netcdf(path, engine=engine, encoding=encoding)
"""
READ = """
import json, sys
import xarray
path, band, step, out = sys.argv[1:]
import numpy
opened = xarray.open_zarr(path) if path.endswith(".zarr") else xarray.open_dataset(path, engine="h5netcdf" if path.endswith(".h5") else "netcdf4")
plane = opened[band].isel(time=int(step)).sortby("y", ascending=False)
numpy.save(out, plane.values.astype("float64"))
print(str(plane.time.values)[:19])
"""


def pixels_of(dates=len(DATES), seed=7):
    pixels = numpy.random.default_rng(seed).integers(1, 9000, (dates, len(BANDS), HEIGHT, WIDTH)).astype(numpy.uint16)
    pixels[:, :, 20:40, 30:60] = 0
    pixels[1, :, 60:90, :] = 0
    return pixels


def write(bench, name, engine, pixels=None, **more):
    folder = bench.folder / pathlib.Path(name).parent
    folder.mkdir(parents=True, exist_ok=True)
    numpy.save(bench.folder / "pixels.npy", pixels_of() if pixels is None else pixels)
    asked = {"path": str(bench.folder / name), "engine": engine, "pixels": str(bench.folder / "pixels.npy"), "times": DATES,
             "origin": scenes.ORIGIN, "bands": BANDS, "epsg": scenes.EPSG, **more}
    subprocess.run([VENV_PYTHON, "-W", "ignore", "-c", WRITE, json.dumps(asked)], check=True)
    return bench.folder / name


def write_tiffs(bench):
    pixels = pixels_of()
    for number, date in enumerate(DATES):
        path = scenes.write_raster(bench.folder / "tiffs" / f"s2_{date[:10].replace('-', '')}T100000.tif", pixels[number], nodata=0, names=BANDS)
        from osgeo import gdal
        dataset = gdal.Open(str(path), gdal.GA_Update)
        for band in (1, 2):
            dataset.GetRasterBand(band).SetScale(0.0001)
            dataset.GetRasterBand(band).SetOffset(-0.1)
        dataset = None  # noqa: F841  closes the file


def document(source, store, warped=False):
    resolution = 15 if warped else 10
    origin = (scenes.ORIGIN[0] + (3.7 if warped else 0), scenes.ORIGIN[1] - (2.1 if warped else 0))
    return f"""geoloom: 1
name: arrays
store: {store}
area:
  grid: {{crs: "EPSG:{scenes.EPSG}", origin: [{origin[0]}, {origin[1]}], resolution: {resolution}, size: [96, 64]}}
  tiles: 32 px
steps:
  map:
    over: tiles
    do:
      - load: {{scenes: {source}, bands: [B04, B08]}}
      - reduce: median
      - save: {{layer: tiles}}
  whole:
    do: [{{mosaic: {{layer: tiles, as: map}}}}]
"""


def map_of(bench, source, store, *arguments, warped=False):
    done = bench.run(bench.document(document(source, store, warped), f"{store}.yaml"), *arguments)
    path = bench.folder / store / "map.tif"
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else f"no map: {done}"


def equals_geotiff(bench):
    """Aligned and warped, by one thread and by four at once, twice."""
    write_tiffs(bench)
    sources = {"nc": write(bench, "s2.nc", "netcdf4"), "south": write(bench, "south.nc", "netcdf4", south_up=True),
               "h5": write(bench, "s2.h5", "h5netcdf"), "south_h5": write(bench, "south.h5", "h5netcdf", south_up=True),
               "zarr": write(bench, "s2.zarr", "zarr"), "south_zarr": write(bench, "south.zarr", "zarr", south_up=True)}
    for warped in (False, True):
        wanted = map_of(bench, "tiffs", f"tiffs_{warped}", warped=warped)
        bench.expect(len(wanted) == 64, "GeoTIFFs are mapped", wanted)
        for name, path in sources.items():
            for time in ("one", "two"):
                got = map_of(bench, path.name, f"{name}_{time}_{warped}", "--threads", "4", warped=warped)
                bench.expect_equal(got, wanted, f"{name}, warped {warped}, run {time}: the bytes of GeoTIFF")
        bench.expect_equal(map_of(bench, "s2.nc", f"single_{warped}", "--threads", "1", warped=warped), wanted, "one thread")


def agrees_with_xarray(bench):
    from osgeo import gdal
    for name, engine in (("a.nc", "netcdf4"), ("b.h5", "h5netcdf"), ("c.zarr", "zarr"), ("d.nc", "netcdf4")):
        path = write(bench, name, engine, south_up=name == "d.nc")
        said = bench.call("inspect", name, "--json").json()
        variable = {each["name"]: each for each in said["variables"]}["B08"]
        bench.expect_equal([each["name"] for each in said["variables"]], BANDS, f"{name}: its variables")
        bench.expect_equal((variable["crs"], variable["size"], variable["pixel"], variable["nodata"], variable["scale"], variable["offset"]),
                           (f"EPSG:{scenes.EPSG}", [WIDTH, HEIGHT], [10, 10], 0, 0.0001, -0.1), f"{name}: what it is")
        box = [scenes.ORIGIN[0], scenes.ORIGIN[1] - 10 * HEIGHT, scenes.ORIGIN[0] + 10 * WIDTH, scenes.ORIGIN[1]]
        bench.expect_equal(variable["bounds"], box, f"{name}: where it is")
        for step, date in enumerate(DATES):
            out = bench.folder / "plane.npy"
            done = subprocess.run([VENV_PYTHON, "-W", "ignore", "-c", READ, path, "B08", str(step), out], check=True, capture_output=True, text=True)
            bench.expect_equal(variable["dimensions"][0]["times"][step], done.stdout.strip() + "Z", f"{name}: the time xarray reads")
            store = f"{name.replace('.', '_')}_{step}"
            text = f"""geoloom: 1
name: one
store: {store}
area:
  grid: {{crs: "EPSG:{scenes.EPSG}", origin: [{scenes.ORIGIN[0]}, {scenes.ORIGIN[1]}], resolution: 10, size: [{WIDTH}, {HEIGHT}]}}
steps:
  copy:
    do:
      - load: {{scenes: {name}, bands: [B08], period: "{date[:10]}"}}
      - save: {{layer: copy}}
"""
            bench.run(bench.document(text, f"{store}.yaml"))
            files = sorted((bench.folder / store).rglob("copy*.tif"))
            if not bench.expect(len(files) >= 1, f"{name}: a copy is made", list((bench.folder / store).rglob("*"))):
                continue
            stored = gdal.Open(str(files[0])).ReadAsArray()
            values = numpy.where(stored == 0, numpy.nan, stored * 0.0001 - 0.1)
            bench.expect(numpy.allclose(values, numpy.load(out), atol=1e-9, equal_nan=True), f"{name}, {date}: the values xarray reads")


def ways_to_name_them(bench):
    """Folders, globs, lists, addresses, STAC; one file per date; bands as a dimension."""
    write_tiffs(bench)
    wanted = map_of(bench, "tiffs", "tiffs_map")
    for number, date in enumerate(DATES):
        write(bench, f"dates/s2_{date[:10].replace('-', '')}.nc", "netcdf4", single=number)
        write(bench, f"plain/number{number}.nc", "netcdf4", single=number)
    cube = write(bench, "cube.nc", "netcdf4")
    write(bench, "stack.nc", "netcdf4", stack=True)
    lines = [f'NETCDF:"{cube}":{band}' for band in BANDS]
    (bench.folder / "steps.txt").write_text("\n".join(f"{bench.folder}/dates/s2_{date[:10].replace('-', '')}.nc" for date in DATES) + "\n")
    items = [{"type": "Feature", "stac_version": "1.0.0", "id": f"i{number}", "geometry": None, "links": [], "collection": "c",
              "properties": {"datetime": date + "Z"},
              "assets": {"data": {"href": "plain/number%d.nc" % number, "eo:bands": [{"name": band} for band in BANDS]}} if number == 0 else
              {band: {"href": f'NETCDF:"cube.nc":{band}[{number}]'} for band in BANDS}} for number, date in enumerate(DATES)]
    (bench.folder / "items.json").write_text(json.dumps({"type": "FeatureCollection", "features": items}))
    for source in ("dates", '"dates/*.nc"', "plain", "steps.txt", "stack.nc", "items.json"):
        store = "by_" + "".join(c if c.isalnum() else "_" for c in source)
        bench.expect_equal(map_of(bench, source, store), wanted, f"scenes: {source}")
    one = bench.call("inspect", lines[0] + "[1]", "--json").json()
    bench.expect_equal((one["driver"], one["bands"][0]["name"]), ("netCDF", "B04"), "an address is one raster")
    view = bench.call("view", "scenes", bench.document(document("cube.nc", "viewed")), "--bands", "B04", "--png", "view.png")
    bench.expect(view.code == 0 and (bench.folder / "view.png").exists(), "thumbnails of its dates", view)


# Samples that are unsigned and stored as signed ones, and what the netCDF library says of them.
UNSIGNED = """
import sys
import netCDF4, numpy
path, form, store, out, wkt = sys.argv[1:]
values = numpy.linspace(0, 2 ** (8 * int(store[1])) - 1, 600).round().astype("u" + store[1]).reshape(20, 30)
file = netCDF4.Dataset(path, "w", format=form)
for name, count, start, step in (("y", 20, 5000005, -10), ("x", 30, 500005, 10)):
    file.createDimension(name, count)
    coordinate = file.createVariable(name, "f8", (name,))
    coordinate.standard_name = "projection_" + name + "_coordinate"
    coordinate[:] = start + step * numpy.arange(count)
variable = file.createVariable("B04", store, ("y", "x"), fill_value=-1)
variable.setncattr("_Unsigned", "true")
variable.grid_mapping = "crs"
file.createVariable("crs", "i4", ()).crs_wkt = wkt
variable.set_auto_maskandscale(False)
variable[:] = values.view(store)
file.close()
opened = netCDF4.Dataset(path)
numpy.save(out, opened["B04"][:].filled(0).astype("float64"))
"""


def unsigned_values(bench):
    from osgeo import gdal, osr
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32631)
    for store in ("i2", "i4"):
        for name, form in (("three.nc", "NETCDF3_CLASSIC"), ("four.nc", "NETCDF4"), ("five.h5", "NETCDF4")):
            path = bench.folder / f"{store}_{name}"
            subprocess.run([VENV_PYTHON, "-W", "ignore", "-c", UNSIGNED, path, form, store, bench.folder / "truth.npy",
                            reference.ExportToWkt()], check=True)
            grid = 'grid: {crs: "EPSG:32631", origin: [500000, 5000010], resolution: 10, size: [30, 20]}'
            text = f"""geoloom: 1
name: one
store: {store}_{form}_{path.suffix[1:]}
area: {{{grid}}}
sources: {{s: {{scenes: {path.name}}}}}
steps: {{copy: {{do: [{{load: {{source: s, bands: [B04]}}}}, {{save: {{layer: copy}}}}]}}}}
"""
            done = bench.run(bench.document(text))
            copies = sorted((bench.folder / f"{store}_{form}_{path.suffix[1:]}").rglob("copy*.tif"))
            if bench.expect(copies, f"{path.name} is read", done):
                image = gdal.Open(str(copies[0]))
                stored = image.ReadAsArray().astype("float64")
                nodata = image.GetRasterBand(1).GetNoDataValue()
                values = numpy.where(numpy.isnan(stored) if numpy.isnan(nodata) else stored == nodata, 0, stored)
                truth = numpy.load(bench.folder / "truth.npy").astype("float32").astype("float64")
                bench.expect(numpy.array_equal(values, truth), f"{path.name}: the values of the netCDF library", (values[0, :5], truth[0, :5], values[-1, -3:], truth[-1, -3:]))


def refusals(bench):
    def refused(source, *words):
        done = bench.call("run", bench.document(document(source, "refused")))
        bench.expect(done.code not in (0, 4) and all(word in done.err for word in words), f"{source} is refused with {words}", done)

    path = write(bench, "good.nc", "netcdf4")
    (bench.folder / "cut.nc").write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    refused("cut.nc", "cut.nc", "cannot be")
    old = write(bench, "old.nc", "scipy")
    (bench.folder / "old_cut.nc").write_bytes(old.read_bytes()[: old.stat().st_size // 2])
    refused("old_cut.nc", "old_cut.nc")
    (bench.folder / "text.nc").write_text("no netCDF\n")
    refused("text.nc", "no netCDF file")
    (bench.folder / "empty.h5").write_bytes(b"")
    refused("empty.h5", "empty")
    refused("""'NETCDF:"good.nc":B05'""", "no variable 'B05'", "B04")
    refused("""'NETCDF:"nowhere.nc":B04'""", "nowhere.nc")
    write(bench, "no_crs.nc", "netcdf4", crs=False)
    refused("no_crs.nc", "no_crs.nc", "coordinate reference system: none")
    write(bench, "transposed.nc", "netcdf4", transposed=True)
    refused("transposed.nc", "transpose")
    (bench.folder / "fake.zarr").mkdir()
    refused("fake.zarr", "fake.zarr")
    for address in ("NETCDF:http://127.0.0.1:1/a.nc:v", "NETCDF:/vsizip/a.zip/a.nc:v", "HDF5:/vsis3/b/a.h5:v", "ZARR:/etc:/v"):
        done = bench.call("inspect", address)
        bench.expect(done.code not in (0, 70), f"{address} is refused", done)


if __name__ == "__main__":
    main([equals_geotiff, agrees_with_xarray, ways_to_name_them, unsigned_values, refusals], __doc__)
