#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Opens a layer's items.json with pystac and odc-stac, and compares the pixels with rasterio's.

    python3 tests/foreign_readers_check.py out/composite/items.json

Needs pystac[validation], odc-stac and rasterio. Exit code 1 says what differs.
"""

import hashlib
import json
import sys
from pathlib import Path

import numpy
import odc.stac
import pystac
import rasterio


def read_items(path):
    collection = json.loads(path.read_text())
    assert pystac.ItemCollection.from_dict(collection)
    for feature in collection["features"]:
        epsg = feature["properties"]["proj:epsg"]
        item = pystac.Item.from_dict(feature)
        assert pystac.Item.from_dict(item.to_dict()).id == item.id
        for asset in item.assets.values():
            asset.href = str(path.parent / asset.href)
        yield item, epsg


def check_file(item, asset, epsg):
    """What the item says against what the file says."""
    data = Path(asset.href).read_bytes()
    fields = asset.extra_fields
    assert fields["file:size"] == len(data), "file:size"
    assert fields["file:checksum"] == "1220" + hashlib.sha256(data).hexdigest(), "file:checksum"
    with rasterio.open(asset.href) as raster:
        transform = list(raster.transform)[:6]
        assert numpy.allclose(item.properties["proj:transform"], transform), "proj:transform"
        assert item.properties["proj:shape"] == [raster.height, raster.width], "proj:shape"
        # As written; pystac makes a proj:code of it.
        if epsg is not None:
            assert raster.crs == rasterio.CRS.from_epsg(epsg), "proj:epsg"
        bands = fields["bands"]
        assert [band["name"] for band in bands] == list(raster.descriptions), "band names"
        assert [band["data_type"] for band in bands] == list(raster.dtypes), "data_type"
        nodata = [float(band["nodata"]) if "nodata" in band else None for band in bands]
        assert numpy.array_equal(
            numpy.array(nodata, float), numpy.array(raster.nodatavals, float), equal_nan=True
        ), "nodata"
        for number, band in enumerate(bands, 1):
            valid = raster.read(number, masked=True).compressed()
            assert band["statistics"]["count"] == valid.size, "statistics.count"
            if valid.size:
                assert numpy.isclose(band["statistics"]["mean"], valid.mean(dtype=float)), "mean"
                assert numpy.isclose(band["statistics"]["minimum"], valid.min()), "minimum"
            assert numpy.isclose(band.get("raster:scale", 1), raster.scales[number - 1]), "scale"
        return raster.read(), [band["name"] for band in bands]


def check_item(item, epsg):
    for key, asset in item.assets.items():
        pixels, names = check_file(item, asset, epsg)
        # A band is asset.number for odc-stac when the asset has several.
        bands = [key] if len(names) == 1 else [f"{key}.{i + 1}" for i in range(len(names))]
        loaded = odc.stac.load([item], bands=bands)
        for i, band in enumerate(bands):
            array = loaded[band].isel(time=0).values
            assert array.dtype == pixels.dtype, f"{key}: type {array.dtype} is not {pixels.dtype}"
            assert numpy.array_equal(
                array, pixels[i], equal_nan=pixels.dtype.kind == "f"
            ), f"{key}: odc-stac reads other pixels in band {names[i]}"


def main():
    path = Path(sys.argv[1]).resolve()
    items = list(read_items(path))
    for item, epsg in items:
        try:
            check_item(item, epsg)
        except AssertionError as error:
            sys.exit(f"{item.id}: {error}")
    print(f"{len(items)} items: pystac, rasterio and odc-stac agree with them")


if __name__ == "__main__":
    main()
