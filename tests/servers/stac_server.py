# SPDX-License-Identifier: Apache-2.0
"""A real STAC API on loopback: rustac (PyPI) with its memory backend, given items at its start."""
import contextlib
import json
import pathlib
import socket
import subprocess
import time
import urllib.request


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return response.status == 200
    except OSError:
        return False


@contextlib.contextmanager
def serve(program, folder, items, collections):
    """`collections` are ids; gives the address of the landing page."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for name in collections:
        file = folder / f"{name}.json"
        file.write_text(json.dumps({
            "type": "Collection", "stac_version": "1.0.0", "id": name, "description": name, "license": "other",
            "extent": {"spatial": {"bbox": [[-180, -90, 180, 90]]}, "temporal": {"interval": [[None, None]]}}, "links": []}))
        files.append(file)
    listed = folder / "items.json"
    listed.write_text(json.dumps({"type": "FeatureCollection", "features": items}))
    address = f"127.0.0.1:{free_port()}"
    with (folder / "server.log").open("w") as log:
        process = subprocess.Popen([str(program), "serve", "--addr", address, *map(str, files), str(listed)],
                                   stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        try:
            until = time.monotonic() + 60
            while not answers(f"http://{address}/"):
                if process.poll() is not None or time.monotonic() > until:
                    raise AssertionError(f"no STAC server: {(folder / 'server.log').read_text()[-2000:]}")
                time.sleep(0.05)
            yield f"http://{address}"
        finally:
            process.terminate()
            process.wait(20)
