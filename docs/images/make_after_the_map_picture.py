#!/usr/bin/python3
"""Makes docs/images/after-the-map.png, the picture of docs/after-the-map.md: a map of two classes from the demo's scenes and what the ops
of that page make of it, drawn by geoloom's `quicklook`.

    docs/images/make_after_the_map_picture.py GEOLOOM [--scenes out/demo/scenes] [--output FILE]

`setup/demo.sh` fetches the scenes.
"""
import argparse
import pathlib
import subprocess
import tempfile

from PIL import Image, ImageDraw, ImageFont

SIDE, GAP, CAPTION = 240, 8, 22
FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"
PANELS = [("cover", "classes"), ("smooth", "majority"), ("sieved", "sieve"), ("fields", "segment"), ("by_field", "zonal_majority")]
DOCUMENT = """
geoloom: 1
name: picture
store: out
params: {scenes: {type: path}}
area: {same_grid_as: $scenes, tiles: 64 px}
steps:
  map:
    over: tiles
    do:
      - load: {scenes: $scenes, bands: [red, nir], period: 2020, mask: {band: SCL, keep: [4, 5, 6]}}
      - reduce: {stat: median, as: median}
      - save: {layer: picture, from: median}
      - index: {names: [NDVI], from: median, as: ndvi}
      - reclass: {rules: [{to: LIMIT, value: 0}, {from: LIMIT, value: 1}], classes: {0: bare, 1: green}, from: ndvi, as: classes}
      - expr: {formula: NDVI, name: greenness, from: ndvi, as: greenness}  # the classes' band has the other name
      - exclude: {from: [classes, greenness], rules: [{when: greenness < WATER}], reason: none, as: kept}
      - save: {layer: cover, from: kept, nodata: 255, colours: {0: "#d9b36c", 1: "#2f7d32"}}
      - majority: {radius: 1, from: kept, as: smoothed}
      - save: {layer: smooth, from: smoothed, nodata: 255, colours: {0: "#d9b36c", 1: "#2f7d32"}}
  whole:
    do:
      - sieve: {layer: cover, smallest: 0.25, unit: ha, as: sieved}
      - segment: {layer: picture, clusters: 20, every: 10, smallest: 40, as: segments}
      - zonal_majority: {layer: cover, segments: segments, as: by_field}
  shades:
    over: tiles
    do:
      - load: {layer: segments}
      - expr: {formula: "segment * 0.6180339887 - floor(segment * 0.6180339887)", name: shade}
      - save: fields
  pictures:
    do:
      - quicklook: {layer: cover, size: SIDE, as: cover_picture}
      - quicklook: {layer: smooth, size: SIDE, as: smooth_picture}
      - quicklook: {layer: sieved, size: SIDE, as: sieved_picture}
      - quicklook: {layer: fields, size: SIDE, colours: viridis, as: fields_picture}
      - quicklook: {layer: by_field, size: SIDE, as: by_field_picture}
"""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("geoloom", type=pathlib.Path)
    parser.add_argument("--scenes", type=pathlib.Path, default=pathlib.Path("out/demo/scenes"))
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path(__file__).with_name("after-the-map.png"))
    parser.add_argument("--limit", default="0.8", help="the NDVI from which on a pixel is green")
    parser.add_argument("--water", default="0.45", help="the NDVI below which a pixel is taken out")
    arguments = parser.parse_args()
    font = ImageFont.truetype(FONT, 13)
    with tempfile.TemporaryDirectory() as folder:
        document = pathlib.Path(folder) / "picture.yaml"
        document.write_text(DOCUMENT.replace("SIDE", str(SIDE)).replace("LIMIT", arguments.limit).replace("WATER", arguments.water))
        subprocess.run([arguments.geoloom.resolve(), "run", document, "-p", f"scenes={arguments.scenes.resolve()}"], cwd=folder, check=True)
        pictures = [Image.open(pathlib.Path(folder) / "out" / f"{layer}_picture.png").convert("RGBA") for layer, _ in PANELS]
        width = max(picture.width for picture in pictures)
        height = max(picture.height for picture in pictures)
        sheet = Image.new("RGB", (len(PANELS) * (width + GAP) - GAP, height + CAPTION), "white")
        draw = ImageDraw.Draw(sheet)
        for number, (picture, (_, caption)) in enumerate(zip(pictures, PANELS)):
            left = number * (width + GAP)
            sheet.paste(picture, (left, CAPTION), picture)
            draw.text((left + 2, 3), caption, "black", font)
    sheet.quantize(128).save(arguments.output, optimize=True)


if __name__ == "__main__":
    main()
