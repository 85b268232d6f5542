#!/usr/bin/python3
"""Makes docs/images/composites.png, the picture of docs/composites.md: composites of one series of real scenes, which geoloom
makes here, with one stretch.

    docs/images/make_composites_picture.py GEOLOOM SERIES [--output FILE]

SERIES is a folder of STAC items of Sentinel-2 level 2A with their files, such as s2-flanders-2018/stac/items.
"""
import argparse
import pathlib
import subprocess
import tempfile

import numpy
from osgeo import gdal
from PIL import Image, ImageDraw, ImageFont

gdal.UseExceptions()
ENLARGED, GAP, CAPTION = 3, 8, 22
DARKEST, BRIGHTEST, GAMMA = 0.02, 0.16, 1.3  # reflectance
FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"
DOCUMENT = """
geoloom: 1
name: composites
store: out
params: {items: {type: path}}
area: {same_grid_as: $items}
steps:
  composites:
    do:
      - load: {scenes: $items, bands: [B04, B03, B02, B08, B11, B12], mask: {band: SCL, keep: [4, 5, 6, 7]}, period: 2018-04..2018-09, as: series}
      - reduce: {stat: mean, from: series}
      - save: {layer: mean}
      - reduce: {stat: median, from: series}
      - save: {layer: median}
      - geomedian: {mads: [smad, emad], from: series}
      - save: {layer: geomedian}
      - pick: {rule: medoid, from: series}
      - save: {layer: medoid}
      - pick: {highest: "(B08 - B04) / (B08 + B04)", from: series}
      - save: {layer: greenest}
"""
PANELS = [("mean", "mean", None), ("median", "median of each band", None), ("geomedian", "geomedian", None),
          ("geomedian", "smad", "smad"), ("medoid", "medoid", None), ("greenest", "greenest date", None),
          ("greenest", "its date", "date"), ("geomedian", "emad", "emad")]


def read(path):
    raster = gdal.Open(str(path))
    bands = [raster.GetRasterBand(n + 1) for n in range(raster.RasterCount)]
    return {band.GetDescription(): band.ReadAsArray() * (band.GetScale() or 1) for band in bands}


def panel(bands, one):
    if one:
        low, high = numpy.nanquantile(bands[one], [0.02, 0.98])
        grey = numpy.clip((bands[one] - low) / (high - low), 0, 1)
        rgb = numpy.stack([grey ** 0.7, grey ** 1.3, 0.25 + 0.3 * (1 - grey)], -1)
    else:
        rgb = numpy.stack([bands[name] for name in ("B04", "B03", "B02")], -1)
        rgb = numpy.clip((rgb - DARKEST) / (BRIGHTEST - DARKEST), 0, 1) ** (1 / GAMMA)
    pixels = numpy.rint(255 * numpy.nan_to_num(rgb, nan=1)).astype(numpy.uint8)
    height, width = pixels.shape[:2]
    return Image.fromarray(pixels).resize((width * ENLARGED, height * ENLARGED), Image.NEAREST)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("geoloom", type=pathlib.Path)
    parser.add_argument("series", type=pathlib.Path)
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path(__file__).parent / "composites.png")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        document = pathlib.Path(folder) / "composites.yaml"
        document.write_text(DOCUMENT)
        subprocess.run([options.geoloom.resolve(), "run", document, "--quiet", "-p", f"items={options.series.resolve()}/S2_*.json"],
                       check=True, cwd=folder)
        layers = {path.stem: read(path) for path in (pathlib.Path(folder) / "out").glob("*.tif")}
    pictures = [(caption, panel(layers[layer], one)) for layer, caption, one in PANELS]
    width, height = pictures[0][1].size
    sheet = Image.new("RGB", (4 * width + 3 * GAP, 2 * (height + CAPTION)), "white")
    draw = ImageDraw.Draw(sheet)
    for number, (caption, picture) in enumerate(pictures):
        x, y = number % 4 * (width + GAP), number // 4 * (height + CAPTION)
        sheet.paste(picture, (x, y))
        draw.text((x, y + height + 2), caption, fill="black", font=ImageFont.truetype(FONT, 14))
    sheet.save(options.output, optimize=True)


if __name__ == "__main__":
    main()
