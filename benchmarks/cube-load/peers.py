#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Loads a cube into memory the way Python users do, and prints the seconds it took as JSON.

    peers.py {odc-stac,stackstac,rasterio} JOB.json [--exact] [--pixels FILE.npy]

JOB.json holds items (a folder of STAC items), pattern (which of its files), bands, assets (asset and number in its file of bands that are not
assets of their own), crs, left, top, resolution, size, method and threads. --exact
makes rasterio place pixels within 1e-9 pixel (0 it does not take), which is what pixels are compared with; its default
allows 1/8 pixel. Wall time
and CPU time are those from the items to the array, without importing libraries; memory is that of the process by then. The cube is (dates, bands, rows, columns).
"""
import argparse
import json
import pathlib
import resource
import sys
import time


def items_of(job):
    import pystac
    items = []
    for path in sorted(pathlib.Path(job["items"]).glob(job["pattern"])):
        item = pystac.Item.from_dict(json.loads(path.read_text()), href=str(path), preserve_dict=False)
        items.append(item.make_asset_hrefs_absolute())
    return items


def odc_stac(job, _):
    import dask
    import odc.stac
    from odc.geo.geobox import GeoBox
    from affine import Affine
    items = items_of(job)
    r = job["resolution"]
    box = GeoBox((job["size"], job["size"]), Affine(r, 0, job["left"], 0, -r, job["top"]), job["crs"])

    def load():
        cube = odc.stac.load(items, bands=job["bands"], geobox=box, resampling=job["method"], groupby="id",
                             chunks={"x": job["size"], "y": job["size"]})
        with dask.config.set(scheduler="threads", num_workers=job["threads"]):
            return cube.compute()

    return load, lambda cube: cube.to_dataarray().transpose("time", "variable", "y", "x").to_numpy()


def stack_stac(job, _):
    import dask
    import numpy
    import rasterio.enums
    import stackstac
    items = items_of(job)
    side = job["size"] * job["resolution"]
    bounds = (job["left"], job["top"] - side, job["left"] + side, job["top"])

    def load():
        cube = stackstac.stack(items, assets=job["bands"], epsg=int(job["crs"].split(":")[1]), resolution=job["resolution"],
                               bounds=bounds, snap_bounds=False, dtype="uint16", fill_value=numpy.uint16(0), rescale=False, chunksize=job["size"],
                               resampling=rasterio.enums.Resampling[job["method"]], xy_coords=False)
        with dask.config.set(scheduler="threads", num_workers=job["threads"]):
            return cube.compute()

    return load, lambda cube: cube.to_numpy()


def rasterio_threads(job, exact):
    from concurrent.futures import ThreadPoolExecutor
    import numpy
    import rasterio
    from rasterio.enums import Resampling
    from rasterio.vrt import WarpedVRT
    from rasterio.windows import from_bounds
    items = items_of(job)
    size, r = job["size"], job["resolution"]
    side = size * r
    cube = numpy.empty((len(items), len(job["bands"]), size, size), numpy.uint16)
    to = rasterio.Affine(r, 0, job["left"], 0, -r, job["top"])

    def read(place):
        date, band = place
        asset, number = job["assets"].get(job["bands"][band], (job["bands"][band], 1))
        with rasterio.open(items[date].assets[asset].href) as file:
            if job["crs"] == file.crs:
                window = from_bounds(job["left"], job["top"] - side, job["left"] + side, job["top"], file.transform)
                file.read(number, window=window.round(), out=cube[date, band])
                return
            with WarpedVRT(file, crs=job["crs"], transform=to, width=size, height=size, resampling=Resampling[job["method"]],
                           tolerance=1e-9 if exact else 0.125, **({"XSCALE": job["scale"][0], "YSCALE": job["scale"][1]} if exact else {})) as warped:
                warped.read(number, out=cube[date, band])

    def load():
        with ThreadPoolExecutor(job["threads"]) as pool:
            list(pool.map(read, [(date, band) for date in range(len(items)) for band in range(len(job["bands"]))]))
        return cube

    return load, lambda pixels: pixels


def main():
    ways = {"odc-stac": odc_stac, "stackstac": stack_stac, "rasterio": rasterio_threads}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("way", choices=list(ways))
    parser.add_argument("job", type=pathlib.Path)
    parser.add_argument("--exact", action="store_true")
    parser.add_argument("--pixels", type=pathlib.Path)
    arguments = parser.parse_args()
    load, as_array = ways[arguments.way](json.loads(arguments.job.read_text()), arguments.exact)
    start, spent = time.perf_counter(), time.process_time()
    cube = load()
    print(json.dumps({"wall_seconds": time.perf_counter() - start, "cpu_seconds": time.process_time() - spent,
                      "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
    if arguments.pixels:
        import numpy
        numpy.save(arguments.pixels, as_array(cube))
    return 0


if __name__ == "__main__":
    sys.exit(main())
