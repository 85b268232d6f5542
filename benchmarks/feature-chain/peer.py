#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The same chain as Python users write it, on arrays that are in memory already; prints what it took as JSON.

    peer.py {xarray,eo-learn} SCENES --pixels OUT.npz

CPU seconds are those of the computing alone, one thread; memory is the peak of the process less what the decoded arrays
take, so that reading is not counted against anybody.
"""
import argparse
import datetime
import json
import pathlib
import resource
import warnings

import numpy

warnings.filterwarnings("ignore")


def decoded(folder):
    """(dates, red, nir): uint16 with 0 where nothing was seen."""
    import rasterio
    dates, bands = [], {"B04": [], "B08": []}
    for path in sorted((folder / "items").glob("*.json")):
        item = json.loads(path.read_text())
        dates.append(datetime.datetime.fromisoformat(item["properties"]["datetime"].replace("Z", "")))
        for band, planes in bands.items():
            with rasterio.open((path.parent / item["assets"][band]["href"]).resolve()) as file:
                planes.append(file.read(1))
    return dates, numpy.stack(bands["B04"]), numpy.stack(bands["B08"])


def xarray_chain(dates, red, nir):
    import dask
    import xarray
    cube = xarray.Dataset({"red": (("time", "y", "x"), red), "nir": (("time", "y", "x"), nir)},
                          coords={"time": numpy.array(dates, dtype="datetime64[ns]")}).chunk({"time": -1, "y": 256, "x": 256})
    red, nir = (cube[band].where(cube[band] > 0).astype("float32") * numpy.float32(0.0001) for band in ("red", "nir"))
    ndvi = (nir - red) / (nir + red)
    monthly = ndvi.resample(time="1MS").median()
    year = xarray.Dataset({"mean": ndvi.mean("time"), "sd": ndvi.std("time", ddof=1), "min": ndvi.min("time"), "max": ndvi.max("time")})
    with dask.config.set(scheduler="synchronous"):
        monthly, year = dask.compute(monthly, year)
    return monthly.to_numpy(), {name: band.to_numpy() for name, band in year.items()}


def eo_learn_chain(dates, red, nir):
    from eolearn.core import EOPatch, FeatureType
    from eolearn.features import NormalizedDifferenceIndexTask
    from sentinelhub import BBox, CRS
    bands = numpy.stack([red, nir], axis=-1).astype("float32") * numpy.float32(0.0001)
    bands[(red == 0) | (nir == 0)] = numpy.nan
    patch = EOPatch(bbox=BBox((0, 0, 1, 1), CRS.WGS84), timestamps=dates)
    patch[FeatureType.DATA, "BANDS"] = bands
    patch = NormalizedDifferenceIndexTask((FeatureType.DATA, "BANDS"), (FeatureType.DATA, "NDVI"), bands=[1, 0]).execute(patch)
    ndvi = patch[FeatureType.DATA, "NDVI"][..., 0]
    months = numpy.array([date.month for date in dates])
    monthly = numpy.stack([numpy.nanmedian(ndvi[months == month], axis=0) for month in range(1, 13)])
    year = {"mean": numpy.nanmean(ndvi, axis=0), "sd": numpy.nanstd(ndvi, axis=0, ddof=1), "min": numpy.nanmin(ndvi, axis=0),
            "max": numpy.nanmax(ndvi, axis=0)}
    return monthly, year


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("peer", choices=["xarray", "eo-learn"])
    arguments.add_argument("scenes", type=pathlib.Path)
    arguments.add_argument("--pixels", type=pathlib.Path, required=True)
    given = arguments.parse_args()
    dates, red, nir = decoded(given.scenes)
    chain = {"xarray": xarray_chain, "eo-learn": eo_learn_chain}[given.peer]
    chain(dates, red[:, :8, :8], nir[:, :8, :8])  # imports
    before = resource.getrusage(resource.RUSAGE_SELF)
    monthly, year = chain(dates, red, nir)
    after = resource.getrusage(resource.RUSAGE_SELF)
    numpy.savez(given.pixels, monthly=monthly, **year)
    print(json.dumps({"cpu_s": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
                      "peak_mib": after.ru_maxrss / 1024, "decoded_mib": (red.nbytes + nir.nbytes) / 2**20}))


if __name__ == "__main__":
    main()
