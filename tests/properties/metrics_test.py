#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What steps measure comes out as it went in: as a table, as JSON, in the report, and through TensorBoard's own reader.

    metrics_test.py GEOLOOM [--only TEST]...
"""
import datetime
import json
import pathlib
import shutil
import subprocess
import sys

import numpy

import documents
import scenes
from program import VENV_PYTHON, main, skip
from run_report_test import expect_alone, look_at, report_of
from stores import FolderStore, receipts

SIZE = (192, 192)
HERE = pathlib.Path(__file__).parent
MEASURE = """  quality:
    do: [{statistics: {layer: brightness, classes: true, as: measured}}]
"""
# No op measures these yet that a test could afford; receipts hold them in this form.
SERIES = {"loss": {"steps": [0, 10, 20, 300], "values": [1.5, 0.75, None, 0.1]}, "<b>accuracy</b>": {"steps": [1, 2], "values": [0.5, 1e-9]}}
CURVES = {"roc": {"x_name": "false positives", "y_name": "true positives", "x": [0, 0.25, 1], "y": [0, 0.8, 1], "thresholds": [1, 0.5, 0]}}
ENCODE = """
import json, sys, xxhash
for line in sys.stdin:
    payload = line.rstrip("\\n")
    print(xxhash.xxh3_64_hexdigest(payload.encode()), payload)
"""


def encoded(payloads):
    process = subprocess.run([str(VENV_PYTHON), "-c", ENCODE], input="".join(payload + "\n" for payload in payloads), capture_output=True, text=True, check=True)
    return process.stdout


def measured(bench, more=False):
    """A run that measured classes; with `more` its receipt holds series and curves as well."""
    scenes.colour_series(bench.folder / "scenes", 3, SIZE)
    bench.run(bench.document(documents.classes() + MEASURE))
    store = FolderStore(bench.folder / "out")
    if more:
        for path in (bench.folder / "out" / "receipts").glob("*.seg"):
            records = [json.loads(line[17:]) for line in path.read_text().splitlines()]
            for record in records:
                for output in record["outputs"]:
                    if "metrics" in output:
                        output["metrics"].update(series=SERIES, curves=CURVES)
            path.write_text(encoded([json.dumps(record, sort_keys=True) for record in records]))
    (receipt,) = [record for record in receipts(store) if record["step"] == "quality"]
    return receipt


def table_and_json(bench):
    receipt = measured(bench, more=True)
    wanted = receipt["outputs"][0]["metrics"]
    (said,) = bench.call("runs", "metrics", "--json").json()
    bench.expect_equal((said["step"], said["layer"], said["item"], said["metrics"]), ("quality", "measured", "all", wanted), "as the receipt has them")
    text = bench.call("runs", "metrics").out
    for words in ("measured/all\n", f"  valid_share = {wanted['scalars']['valid_share']}", "  loss: series of 4 values, the last one 0.1",
                  "  roc: curve, true positives over false positives, 3 points", "  classes: matrix of "):
        bench.expect(words in text, f"the table says '{words.strip()}'", text)
    bench.expect_equal(bench.call("runs", "metrics", "--layer", "brightness", "--json").json(), [], "a layer without metrics")


def tensorboard_reads_them(bench):
    receipt = measured(bench, more=True)
    metrics = receipt["outputs"][0]["metrics"]
    said = bench.call("runs", "metrics", "--tensorboard", "board")
    bench.expect(said.code == 0 and "1 event file" in said.err, "it says what was written", said)
    process = subprocess.run([str(VENV_PYTHON), str(HERE / "read_event_files.py"), str(bench.folder / "board")], capture_output=True, text=True)
    bench.expect_equal(process.returncode, 0, f"TensorBoard reads them: {process.stderr[-2000:]}")
    found = json.loads(process.stdout)
    bench.expect_equal(list(found), [f"{receipt['run']}/measured/all"], "one of TensorBoard's runs for each item")
    (tags,) = found.values()
    numbers = {name: [[0, value]] for name, value in metrics["scalars"].items() if isinstance(value, (int, float))}
    numbers.update({name: list(map(list, zip(series["steps"], series["values"]))) for name, series in SERIES.items()})
    bench.expect_equal(sorted(tags), sorted(numbers), "the same tags")
    made = datetime.datetime.fromisoformat(receipt["finished"].replace("Z", "+00:00")).timestamp()
    for name, points in numbers.items():
        bench.expect_equal([point[0] for point in tags[name]], [step for step, _ in points], f"{name}: the same steps")
        values = numpy.array([numpy.nan if value is None else value for _, value in points], numpy.float32)
        got = numpy.array([point[1] for point in tags[name]], numpy.float32)
        bench.expect(numpy.array_equal(values, got, equal_nan=True), f"{name}: the same values", (values, got))
        bench.expect(all(abs(point[2] - made) < 0.001 for point in tags[name]), f"{name}: when it was made", tags[name])


def report_shows_them(bench):
    receipt = measured(bench, more=True)
    metrics = receipt["outputs"][0]["metrics"]
    bench.expect_equal(bench.call("runs", "report").code, 0, "the report is written")
    seen = look_at(report_of(bench))
    expect_alone(bench, seen)
    bench.expect_equal(seen["metric_plots"], len(SERIES) + len(CURVES), "a plot for each series and curve")
    for name in (*SERIES, *CURVES, *metrics["matrices"]):
        bench.expect(name in seen["metrics"], f"{name} has its title, as a text", seen["metrics"])
    rows = " | ".join(seen["metric_rows"])
    for name, value in metrics["scalars"].items():
        bench.expect(any(row.startswith(name) for row in seen["metric_rows"]), f"{name} is in the table", rows)
    (matrix,) = metrics["matrices"].values()
    for name in matrix["rows"]:
        bench.expect(any(row.startswith(name) for row in seen["metric_rows"]), f"row {name} of the matrix", rows)


if __name__ == "__main__":
    if not VENV_PYTHON.exists() or shutil.which("chromium") is None:
        skip("Chromium or the Python environment is absent; setup/install.sh test makes them")
    sys.exit(main([table_and_json, tensorboard_reads_them, report_shows_them], __doc__))
