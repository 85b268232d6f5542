# SPDX-License-Identifier: Apache-2.0
"""Runs that are always in the middle of their work when something happens to them."""
import sys

import documents
import scenes
from program import ROOT, wait_until
from stores import FolderStore

sys.path.insert(0, str(ROOT / "tests" / "servers"))
from file_server import FileServer  # noqa: E402

SERIES, TILE, ITEMS = 20, 64, 64

def segments(store):
    return [name for name in store.names() if name.startswith("receipts/")]


class HeldSeries:
    """A run of many items, on a server that answers the requests of the first few; the others when it is told to.

    So a signal always comes in the middle of a run, on machines of any speed.
    """

    def __init__(self, bench, items=3, document=None):
        self.bench = bench
        files = scenes.colour_series(bench.folder / "scenes", SERIES, (512, 512), cog=True)
        self.document = bench.document(document or documents.colours(tile=TILE))
        self.server = FileServer(bench.folder / "scenes")
        self.list = bench.folder / "list.txt"
        self.list.write_text("".join(f"{self.server.url}/{file.name}\n" for file in files))
        # Of each scene the header, then a request an item; of the first one GDAL asks for the header too.
        self.server.set_faults([{"path": f"*{file.name}", "fault": "hold", "skip": items + 2} for file in files])

    def __enter__(self):
        self.server.__enter__()
        return self

    def __exit__(self, *problem):
        self.server.__exit__(*problem)

    def start(self, *options, environment=None):
        """Until some items are done and the next ones wait for the server."""
        patient = {"GDAL_HTTP_TIMEOUT": "100000", "GDAL_HTTP_LOW_SPEED_TIME": "100000", **(environment or {})}
        process = self.bench.start("run", self.document, "-p", f"scenes={self.list}", "--threads", 1, *options, environment=patient)
        self.bench.expect(wait_until(lambda: segments(FolderStore(self.bench.folder / "out")) and self.server.held, process), "it runs")
        return process

    def run(self, *options):
        self.server.release()
        return self.bench.run(self.document, "-p", f"scenes={self.list}", *options)
