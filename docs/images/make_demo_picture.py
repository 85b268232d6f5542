#!/usr/bin/python3
"""Composes docs/images/demo.png, the picture of the README, from what `make demo` made: one scene of the
archive as it is, beside the finished map, both with one stretch.

    docs/images/make_demo_picture.py [--scene FILE] [--map FILE] [--output FILE]
"""
import argparse
import pathlib

import numpy
from osgeo import gdal
from PIL import Image, ImageDraw, ImageFont

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
DARKEST, BRIGHTEST, GAMMA = 0.01, 0.12, 1.4  # reflectance
ENLARGED = 4
GAP, CAPTION = 16, 28
FONT = pathlib.Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")


def picture(path, bands):
    """Red, green and blue of a raster as an image; pixels without data are white."""
    raster = gdal.Open(str(path))
    planes = []
    missing = numpy.zeros((raster.RasterYSize, raster.RasterXSize), bool)
    by_name = {raster.GetRasterBand(n + 1).GetDescription(): raster.GetRasterBand(n + 1)
               for n in range(raster.RasterCount)}
    for name in bands:
        band = by_name[name]
        stored = band.ReadAsArray()
        if band.GetNoDataValue() is not None:
            missing |= stored == band.GetNoDataValue()
        reflectance = stored * (band.GetScale() or 1) + (band.GetOffset() or 0)
        share = numpy.clip((reflectance - DARKEST) / (BRIGHTEST - DARKEST), 0, 1)
        planes.append(numpy.rint(255 * share ** (1 / GAMMA)).astype(numpy.uint8))
    pixels = numpy.dstack(planes)
    pixels[missing] = 255
    height, width = missing.shape
    return Image.fromarray(pixels).resize((width * ENLARGED, height * ENLARGED), Image.NEAREST)


def main():
    gdal.UseExceptions()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scene", type=pathlib.Path, default=ROOT / "out/demo/scenes/romania_20200730.tif")
    parser.add_argument("--map", type=pathlib.Path, default=ROOT / "out/romania-summer/summer.tif")
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "docs/images/demo.png")
    arguments = parser.parse_args()
    left = picture(arguments.scene, ["B04", "B03", "B02"])
    right = picture(arguments.map, ["red", "green", "blue"])
    both = Image.new("RGB", (left.width + GAP + right.width, left.height + CAPTION), "white")
    both.paste(left, (0, 0))
    both.paste(right, (left.width + GAP, 0))
    draw = ImageDraw.Draw(both)
    for image, x in ((left, 0), (right, left.width + GAP)):  # a white cloud ends somewhere
        draw.rectangle((x, 0, x + image.width - 1, image.height - 1), outline="gray")
    font = ImageFont.truetype(str(FONT), 15) if FONT.exists() else ImageFont.load_default()
    draw.text((2, left.height + 6), "one scene: 30 July 2020", fill="black", font=font)
    draw.text((left.width + GAP + 2, left.height + 6), "the map: median of clear pixels, summer 2020",
              fill="black", font=font)
    both.save(arguments.output, optimize=True)
    print(f"{arguments.output}: {arguments.output.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main()
