#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Scenes on a web server that misbehaves: errors of the right class that name the scene, retries, and no hanging.

    network_faults_test.py GEOLOOM [--only TEST]...
"""
import json
import sys

import documents
import scenes
from program import ROOT, main

sys.path.insert(0, str(ROOT / "tests" / "servers"))
from file_server import FileServer  # noqa: E402

COUNT = 6
# What a stalled or slow server may cost, and so what a test of it takes.
QUICK = {"GDAL_HTTP_LOW_SPEED_TIME": "1", "GDAL_HTTP_TIMEOUT": "3", "GDAL_HTTP_RETRY_DELAY": "0.05", "GDAL_HTTP_MAX_RETRY": "1"}
SECOND = "scene_20180108"  # of the series
# The header is one request; what comes after it are pixels.
PIXELS = {"skip": 1}


class Scenes:
    """A series on a server, and a list of it."""

    def __init__(self, bench):
        self.bench = bench
        files = scenes.colour_series(bench.folder / "served", COUNT, size=(512, 512), cog=True)
        self.server = FileServer(bench.folder / "served")
        self.names = [file.name for file in files]

    def __enter__(self):
        self.server.__enter__()
        self.list = self.bench.folder / "list.txt"
        self.list.write_text("".join(f"{self.server.url}/{name}\n" for name in self.names))
        return self

    def __exit__(self, *problem):
        self.server.__exit__(*problem)

    def document(self, tolerate=0, name="workflow.yaml", step=""):
        more = f", tolerate: {{scenes: {tolerate}}}" if tolerate else ""
        load = f"load: {{scenes: $scenes, bands: [red, green, blue], reject: {{any_band_in: [0, 255]}}{more}}}"
        return self.bench.document(documents.colours(tile=512, load=load).replace("    over: tiles\n", f"    over: tiles\n{step}"), name)

    def run(self, *, faults=(), tolerate=0, expect=0, out="out", timeout=300, step=""):
        self.server.set_faults(faults)
        self.server.forget()
        return self.bench.run(self.document(tolerate, step=step), "-p", f"scenes={self.list}", "-p", f"results={out}",
                              environment=QUICK, expect=expect, timeout=timeout)

    def requests(self, name):
        return self.server.stats.paths.get(name, {"requests": 0})["requests"]


def pixels_of(bench, out):
    return scenes.read_raster(next((bench.folder / out).glob("map.tif"))).tobytes()


def expect_told(bench, outcome, code, what, out="out"):
    """The error names its class and the scene."""
    why = bench.call("runs", "why", "--store", out, "--json")
    bench.expect(f'"{code}"' in why.out, f"{what}: the class is '{code}'", f"{outcome} {why.out}")
    bench.expect(SECOND in outcome.err, f"{what}: the scene is named", outcome)


def fault(kind, **more):
    return [{"path": f"*{SECOND}*", "fault": kind, **more}]


def the_same_map_as_from_a_folder(bench):
    with Scenes(bench) as series:
        series.run()
        bench.run(series.document(), "-p", "scenes=served", "-p", "results=local")
        bench.expect(pixels_of(bench, "out") == pixels_of(bench, "local"), "the same pixels over the network")
        rows = series.server.stats.requests / COUNT
        # Header and one row of blocks each; GDAL asks for the first scene's header too, to know the grid.
        bench.expect(rows <= 6, "few requests", series.server.stats.as_json())


FOR_GOOD = [
    ("404", fault("status", status=404), "missing", 3),
    ("403", fault("status", status=403), "denied", 8),
    ("500", fault("status", status=500), "unavailable", 3),
    ("503", fault("status", status=503), "unavailable", 3),
    ("a body cut short", fault("cut"), "unavailable", 3),
    ("a server that stalls", fault("stall"), "unavailable", 3),
    ("slow bytes", fault("slow", bytes_per_second=50), "unavailable", 3),
    ("the wrong range", fault("wrong_range"), "corrupt", 3),
    ("a server without ranges", fault("whole"), "corrupt", 3),
    ("gzip", fault("gzip"), "corrupt", 3),
]


def faults_of_pixels(bench):
    """The headers come, the pixels do not."""
    with Scenes(bench) as series:
        for what, faults, code, exit_code in FOR_GOOD:
            out = f"out-{what.replace(' ', '-')}"
            outcome = series.run(faults=[{**faults[0], **PIXELS}], expect=exit_code, out=out)
            expect_told(bench, outcome, code, f"{what}, of pixels", out)
            asked = series.requests(f"{SECOND}.tif")  # the header, and the pixels in one request
            bench.expect((asked > 2) == (code == "unavailable"), f"{what}, of pixels: tried again only where that may help", asked)


def faults_of_headers(bench):
    with Scenes(bench) as series:
        for what, faults, code, _ in FOR_GOOD:
            if what == "a server without ranges":
                continue  # GDAL may read such a file whole
            series.server.set_faults(faults)
            outcome = bench.call("run", series.document(), "-p", f"scenes={series.list}", "-p", "results=headers", environment=QUICK, timeout=300)
            bench.expect(outcome.code not in (0, 1) and outcome.code > 0, f"{what}, of headers: it fails", outcome)
            bench.expect(SECOND in outcome.err, f"{what}, of headers: the scene is named", outcome)


def passing_faults_are_retried(bench):
    with Scenes(bench) as series:
        series.run(out="expected")
        expected = pixels_of(bench, "expected")
        for what, faults in (("500", fault("status", status=500, times=1, **PIXELS)),
                             ("503 with Retry-After", fault("status", status=503, retry_after=0.2, times=1, **PIXELS)),
                             ("503 at the header", fault("status", status=503, times=1)),
                             ("429", fault("status", status=429, times=1, **PIXELS)),
                             ("a body cut short", fault("cut", times=1, **PIXELS)),
                             ("a stall", fault("stall", times=1, **PIXELS)),
                             ("chunks", fault("chunked"))):
            out = f"out-{what.replace(' ', '-')}"
            series.run(faults=faults, out=out)
            bench.expect(pixels_of(bench, out) == expected, f"{what}, once: the map is whole")


def unreadable_scenes_are_tolerated(bench):
    with Scenes(bench) as series:
        for what, faults in (("disappears between listing and reading", fault("status", status=404, **PIXELS)),
                             ("was never there", fault("status", status=404)),
                             ("sends the wrong range", fault("wrong_range", **PIXELS)),
                             ("sends the wrong range at once", fault("wrong_range"))):
            outcome = series.run(faults=faults, tolerate=1, out=f"out-{what.replace(' ', '-')}")
            bench.expect_equal(outcome.json().get("scenes_dropped", outcome.json().get("dropped")), 1, f"a scene that {what} is left out ({outcome})")
        series.run(faults=[{"path": f"*{day}.tif", "fault": "status", "status": 404, **PIXELS} for day in ("08", "13")], tolerate=1, expect=3, out="none")


def a_file_that_changes_is_not_mixed(bench):
    with Scenes(bench) as series:
        other = scenes.colour_series(bench.folder / "served" / "other", COUNT, size=(512, 512), seed=9, cog=True)[1]
        faults = fault("changed", other=str(other.relative_to(bench.folder / "served")), **PIXELS)
        outcome = series.run(faults=faults, expect=3)
        expect_told(bench, outcome, "corrupt", "a file that changes")
        bench.expect("changed on its server" in outcome.err + outcome.out, "it says so", outcome)


def documents_are_refused(bench):
    with Scenes(bench) as series:
        served = bench.folder / "served"
        secret = scenes.write_raster(bench.folder / "secret.tif", scenes.colour_pixels(0, (512, 512)), colour=True)
        (served / f"{SECOND}.tif").write_text(
            f'<VRTDataset rasterXSize="512" rasterYSize="512"><VRTRasterBand dataType="Byte" band="1"><SimpleSource>'
            f"<SourceFilename>{secret}</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>")
        outcome = bench.call("run", series.document(), "-p", f"scenes={series.list}", "-p", "results=out", environment=QUICK)
        bench.expect(outcome.code == 2 and "VRT" in outcome.err, "a VRT in a TIFF's name", outcome)
        (served / f"{SECOND}.tif").write_text("<!DOCTYPE html><html>Log in</html>" * 40)
        outcome = bench.call("run", series.document(), "-p", f"scenes={series.list}", "-p", "results=out", environment=QUICK)
        bench.expect(outcome.code == 2 and "web page" in outcome.err, "a web page in a TIFF's name", outcome)


def steps_say_how_often(bench):
    """An item asks for a block of a scene that is refused twice each time: the third attempt gets it."""
    with Scenes(bench) as series:
        refused = {"path": f"*{SECOND}.tif", "fault": "status", "status": 500, **PIXELS}
        once = series.run(faults=[refused], step="    retry: 1\n", expect=3, out="once")
        bench.expect_equal(attempts_of(bench, "once"), [(1, "failed")], "tried once")
        bench.expect("HTTP 500" in once.err, "the cause is told", once.err)
        quick = "    retry: {attempts: 4, first: 10 ms, longest: 20 ms}\n"
        series.run(faults=[{**refused, "times": 4}], step=quick, out="often")
        bench.expect_equal(attempts_of(bench, "often"), [(1, "failed"), (2, "failed"), (3, "done")], "two failures, of two requests each")
        series.run(faults=[{**refused, "times": 4}], step=quick.replace("attempts", "on: [corrupt], attempts"), expect=3, out="other")
        bench.expect_equal(attempts_of(bench, "other"), [(1, "failed")], "an error that is not among those named")


def attempts_of(bench, out):
    """At the composite's item, as the log tells."""
    logged = [json.loads(line) for line in bench.call("runs", "logs", "--store", out, "--json").out.splitlines()]
    return [(each["attempt"], each["state"]) for each in logged if each["step"] == "composite"]


def an_item_takes_too_long(bench):
    """The server answers nobody, and would be waited for much longer."""
    with Scenes(bench) as series:
        series.server.set_faults([{"path": f"*{SECOND}.tif", "fault": "hold", **PIXELS}])
        document = series.document(step="    timeout: 700 ms\n    retry: 2\n")
        patient = {"GDAL_HTTP_TIMEOUT": "100000", "GDAL_HTTP_LOW_SPEED_TIME": "100000"}
        late = bench.run(document, "-p", f"scenes={series.list}", environment=patient, expect=3)
        bench.expect("took longer than its timeout of 700 ms" in late.err and "item 0_0" in late.err, "the time and the item", late.err)
        bench.expect_equal(series.server.held, 2, "it was tried again")
        series.server.release()
        bench.run(series.document(step="    timeout: 1 h\n"), "-p", f"scenes={series.list}")


TESTS = [steps_say_how_often, an_item_takes_too_long, the_same_map_as_from_a_folder, faults_of_pixels, faults_of_headers, passing_faults_are_retried,
         unreadable_scenes_are_tolerated, a_file_that_changes_is_not_mixed, documents_are_refused]

if __name__ == "__main__":
    sys.exit(main(TESTS, __doc__))
