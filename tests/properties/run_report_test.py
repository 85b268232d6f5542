#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The report of a run, in a browser: it shows the numbers of the records, and nothing of it comes from elsewhere.

    run_report_test.py GEOLOOM [--only TEST]...
"""
import base64
import json
import math
import pathlib
import shutil
import signal
import subprocess
import sys
import zlib

import documents
import scenes
from dispatch_test import serving
from held_series import HeldSeries
from program import VENV_PYTHON, main, skip
from stores import FolderStore, receipts

SIZE = (192, 192)
TILES = 9
# What would show if a text of others became part of the page.
NASTY = "<img src=x onerror=document.title='owned'>"
NASTY_COMMENT = "# </script><script>document.title='owned'</script> <!-- \n"
TWO_ZONES = """geoloom: 1
name: two-zones
store: out
area: {aoi: [5.9, 45.1, 6.1, 45.2], grid: {utm: 5000 m}, resolution: 100 m}
steps:
  first: {over: tiles, do: [{load: {scenes: scenes, bands: [red]}}, {reduce: first}, {save: first}]}
"""
BROWSER = pathlib.Path(__file__).with_name("report_in_browser.py")


def look_at(path, item=None):
    process = subprocess.run([str(VENV_PYTHON), str(BROWSER), str(path), *([item] if item else [])], capture_output=True, text=True, timeout=300)
    if process.returncode != 0:
        raise AssertionError(f"{path} in the browser: {process.stderr[-3000:]}")
    return json.loads(process.stdout)


def report_of(bench):
    """Of the latest run."""
    return max((bench.folder / "out" / "runs").glob("*/report.html"))


def data_of(path):
    text = path.read_text()
    start = text.index(">", text.index('id="data"')) + 1
    return json.loads(text[start:text.index("</script>", start)])


def expect_alone(bench, seen):
    bench.expect(len(set(seen["requests"])) == 1 and seen["requests"][0].startswith("file:"), "one file, no requests", seen["requests"])
    bench.expect_equal((seen["console"], seen["errors"]), ([], []), "no messages of the browser")
    bench.expect_equal(seen["foreign_elements"], 0, "nothing that is loaded")
    bench.expect_equal(seen["scripts"], 2, "the script of the page and its data")
    bench.expect("owned" not in seen["title"], "texts of others stay texts", seen["title"])
    bench.expect_equal(seen["phone"]["overflow"], [], "it fits a phone")
    bench.expect(seen["phone"]["background"] != seen["background"], "dark and light differ", seen["background"])


def broken_series(bench):
    """A scene whose last blocks are missing, under a name that would be markup."""
    paths = scenes.colour_series(bench.folder / "scenes", 4, SIZE)
    broken = paths[2].with_name(paths[2].stem + NASTY + ".tif")
    paths[2].rename(broken)
    whole = broken.read_bytes()
    broken.write_bytes(whole[:int(len(whole) * 0.5)])
    return broken, whole


def failures_and_a_complete_run(bench):
    broken, whole = broken_series(bench)
    document = bench.document(NASTY_COMMENT + documents.colours(tile=64))
    failed = bench.run(document, expect=3)
    steps = failed.steps()
    count = steps["composite"]["failed"]
    bench.expect(0 < count < TILES, "some tiles fail", failed)
    missing = bench.call("runs", "missing", "--json").json()
    seen = look_at(report_of(bench), missing[0]["item"])
    expect_alone(bench, seen)
    failures = sum(step["failed"] for step in steps.values())
    bench.expect_equal(seen["verdict"], f"not complete: {failures} items failed, 0 not started", "the verdict")
    for name, step in steps.items():
        row = seen["steps"][name]
        bench.expect_equal((row["d"], row["e"], row["f"], row["w"]), (step["done"], step["empty"], step["failed"], step["not_started"]), f"{name}: the counts")
    text = " ".join(seen["failures"])
    why = bench.call("runs", "why", "--json").json()
    bench.expect(broken.name in text, "the scene's name as a text", text)
    bench.expect(any(group["message"] in text and group["hint"] in text for group in why), "message and hint", text)
    bench.expect_equal(seen["crs"], "EPSG:32631", "the map is in the run's CRS")
    bench.expect(seen["legend"]["f"].startswith("failed") and seen["legend"]["f"].endswith(str(count)), "the legend counts", seen["legend"])
    shares = seen["map_shares"]
    bench.expect(abs(shares["f"] / (shares["f"] + shares["d"]) - count / TILES) < 0.03, "the map shows as much failed as there is", shares)
    bench.expect_equal(seen["chosen"], f"{missing[0]['item']}: failed", "an item found by its name")
    bench.expect(seen["in_the_middle"].startswith("64_64: "), "the item under the pointer", seen["in_the_middle"])
    bench.expect_equal(sum(seen["map_shares_hidden"].values()), 0, "states can be hidden")
    bench.expect(NASTY_COMMENT.strip() in seen["document_text"], "the document as it was written")
    broken.write_bytes(whole)
    complete = bench.run(document)
    seen = look_at(report_of(bench))
    expect_alone(bench, seen)
    bench.expect_equal((seen["verdict"], seen["failures"]), ("complete", []), "it is complete")
    composite = seen["steps"]["composite"]
    bench.expect_equal((composite["d"], composite["u"]), (TILES, 0), "the scene is another one now, so all is made again")
    bench.expect(any(alt.startswith("map_quicklook") and width > 0 for alt, width, _ in seen["pictures"]), "the quicklook is there", seen["pictures"])
    bench.expect_equal([" done" in row or "done" in row for row in seen["executions"]], [True], "its execution")
    bench.expect(complete.json()["exit_code"] == 0, "the run says so too", complete)


def nearest_rank(values, share):
    return sorted(values)[max(math.ceil(share * len(values)), 1) - 1]


def expect_numbers_of_receipts(bench, data, what):
    for step in data["steps"]:
        made = [receipt for receipt in receipts(FolderStore(bench.folder / "out")) if receipt["step"] == step["name"]]
        wall = [receipt["seconds"]["wall"] for receipt in made]
        bench.expect_equal(step["counts"]["d"], len(made), f"{what}: {step['name']}: items")
        bench.expect_equal([step["durations"][key] for key in ("p50", "p90", "p99", "most")],
                           [nearest_rank(wall, share) for share in (0.5, 0.9, 0.99, 1)], f"{what}: {step['name']}: durations")
        for part, key in (("input", "read"), ("compute", "compute"), ("output", "encode"), ("wall", "wall")):
            total = sum(receipt["seconds"][key] for receipt in made)
            bench.expect(abs(step["seconds"][part] - total) < 1e-6, f"{what}: {step['name']}: seconds of {part}", (step["seconds"], total))
        bench.expect_equal(step["memory_bytes"]["most"], max(receipt["memory_bytes"] for receipt in made), f"{what}: {step['name']}: memory")
        bench.expect_equal(sum(step["durations"]["histogram"]["counts"]), len(made), f"{what}: {step['name']}: the histogram holds all")


def made_by_workers(bench):
    """The process that writes the report did not make the items: it takes the numbers from the store."""
    scenes.colour_series(bench.folder / "scenes", 3, SIZE)
    document = bench.document(documents.colours(tile=64))
    with serving(bench) as worker:
        bench.run(document, "--via", f"http://127.0.0.1:{worker.port}")
    expect_numbers_of_receipts(bench, data_of(report_of(bench)), "made by workers")


def numbers_are_those_of_the_receipts(bench):
    scenes.colour_series(bench.folder / "scenes", 3, SIZE)
    document = bench.document(documents.colours(tile=64))
    bench.run(document, "-p", "results=out")
    live = data_of(report_of(bench))
    said = bench.call("runs", "report", "--output", "mailed.html")
    bench.expect_equal((said.code, said.out.strip()), (0, "mailed.html"), "it says where it is")
    for data, what in ((live, "as the run wrote it"), (data_of(bench.folder / "mailed.html"), "as it is written later"),
                       (bench.call("runs", "report", "--json").json(), "as JSON")):
        expect_numbers_of_receipts(bench, data, what)
    parameters = {entry["name"]: (entry["value"], entry["origin"]) for entry in live["parameters"]}
    bench.expect_equal(parameters["results"][1], "command line", "origins of parameters")
    before = report_of(bench).stat().st_mtime_ns
    bench.run(document, "-p", "results=out")
    bench.expect_equal(report_of(bench).stat().st_mtime_ns, before, "a run that makes nothing writes no report")


def several_zones_are_drawn_in_degrees(bench):
    for number, (epsg, x) in enumerate(((32631, 730000.0), (32632, 260000.0))):
        scenes.write_raster(bench.folder / "scenes" / f"scene_{scenes.day(number):%Y%m%d}.tif", scenes.flat_pixels(number, SIZE),
                            epsg=epsg, origin=(x, 5000000.0), pixel=100.0, names=("red", "green", "blue"))
    bench.run(bench.document(TWO_ZONES))
    seen = look_at(report_of(bench))
    expect_alone(bench, seen)
    bench.expect_equal(seen["crs"], "lon/lat", "several zones are drawn in degrees")
    bench.expect(seen["map_shares"]["d"] > 0.1, "the map fills a good part of its place", seen["map_shares"])


def packed(value):
    return base64.b64encode(zlib.compress(json.dumps(value).encode())).decode()


def page_of_many_items(bench):
    """What a run of 100 000 tiles would write, put into the page of a small one: the browser must be able to show it."""
    scenes.colour_series(bench.folder / "scenes", 2, SIZE)
    bench.run(bench.document(documents.colours(tile=64)))
    text, data, side = report_of(bench).read_text(), data_of(report_of(bench)), 316
    count = side * side
    items = json.loads(zlib.decompress(base64.b64decode(data["places"])))
    rows = [number for _ in range(side) for number in ([64, side - 1], [-64 * (side - 1), 1])]
    x = [0, 1] + [number for pair in rows[:-1] for number in pair]
    y = [0, side] + [number for _ in range(side - 1) for number in (64, 1, 0, side - 1)]
    items["places"] = {"count": count, "zone": [0, count], "x": x, "y": y, "width": [64, 1, 0, count - 1], "height": [64, 1, 0, count - 1]}
    items["names"] = [f"tile_{number}" for number in range(count)] + [""]
    each = [0, 1, 1, count - 1]
    items["steps"] = [{"place": each, "first": each, "second": [count, 1, 0, count - 1]} for _ in items["steps"]]
    for step in data["steps"]:
        step["items"] = count
        step["counts"].update(d=count - 1000, f=1000)
        step["states"] = f"d{count - 1000}f1000"
    data["places"] = packed(items)
    start = text.index(">", text.index('id="data"')) + 1
    page = bench.folder / "many.html"
    page.write_text(text[:start] + json.dumps(data).replace("<", "\\u003c") + text[text.index("</script>", start):])
    bench.expect(page.stat().st_size < 1_500_000, "the page stays small", page.stat().st_size)
    seen = look_at(page, f"tile_{count - 1}")
    expect_alone(bench, seen)
    bench.expect_equal((seen["chosen"], seen["steps"]["composite"]["d"]), (f"tile_{count - 1}: failed", count - 1000), "the last item, and the count")
    shares = seen["map_shares"]
    bench.expect(0.003 < shares["f"] / (shares["f"] + shares["d"]) < 0.05, "the map shows the failed ones", shares)


def while_it_runs(bench):
    with HeldSeries(bench, items=3) as series:
        process = series.start()
        said = bench.call("runs", "report")
        bench.expect_equal(said.code, 0, "a report of a run under way")
        data = data_of(report_of(bench))
        bench.expect(0 < data["steps"][0]["counts"]["d"] < 64, "what is made so far", data["steps"][0]["counts"])
        bench.expect_equal((data["run"]["running"], [each["state"] for each in data["executions"]]), (True, ["under way"]), "it is under way")
        series.server.release()
        outcome = bench.finish(process)
        bench.expect_equal(outcome.code, 0, "the run ends well")
        ended = data_of(report_of(bench))
        bench.expect_equal((ended["steps"][0]["counts"]["d"], ended["run"]["running"], ended["executions"][0]["state"]), (64, False, "done"), "its own report follows")


def a_run_that_is_stopped(bench):
    with HeldSeries(bench, items=3) as series:
        process = series.start()
        process.send_signal(signal.SIGINT)
        bench.expect_equal(bench.finish(process).code, 130, "it is stopped")
        seen = look_at(report_of(bench))
        bench.expect(seen["verdict"].startswith("not complete: ") and "interrupted" in " ".join(seen["executions"]), "the report says so", seen["executions"])
        data = data_of(report_of(bench))
        bench.expect(data["run"]["ended_because"].startswith("interrupted"), "and why", data["run"])
        series.run()
        data = data_of(report_of(bench))
        bench.expect_equal([each["state"] for each in data["executions"]], ["interrupted", "done"], "both executions")


def skipped_steps(bench):
    scenes.colour_series(bench.folder / "scenes", 2, SIZE)
    text = documents.colours(tile=64).replace("  map:\n", "  map:\n    when: = $composite.items.done > 100\n")
    bench.run(bench.document(text))
    data = data_of(report_of(bench))
    (step,) = [step for step in data["steps"] if step["name"] == "map"]
    bench.expect_equal((step["counts"]["x"], bool(step["skipped"])), (1, True), "left out, with the reason")
    seen = look_at(report_of(bench))
    bench.expect_equal(seen["verdict"], "complete", "nothing is missing")


if __name__ == "__main__":
    if not VENV_PYTHON.exists() or shutil.which("chromium") is None:
        skip("Chromium or the Python environment is absent; setup/install.sh test makes them")
    sys.exit(main([failures_and_a_complete_run, numbers_are_those_of_the_receipts, made_by_workers, several_zones_are_drawn_in_degrees, page_of_many_items, while_it_runs,
                   a_run_that_is_stopped, skipped_steps], __doc__))
