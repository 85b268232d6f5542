#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""How long a STAC answer of many items takes to become scenes assigned to tiles.

    measure.py ARCHIVE_SEARCH_BENCH ITEM.json [--items 100000] [--page 250] [--bands red,nir]

Items are copies of a real one, moved over the land of a continent, served page by page by an API on loopback
whose pages are made beforehand, so that the server costs little.
"""
import argparse
import copy
import http.server
import json
import pathlib
import resource
import subprocess
import threading
import urllib.parse


def pages_of(item, count, size, url):
    pages = []
    for first in range(0, count, size):
        features = []
        for number in range(first, min(first + size, count)):
            made = copy.copy(item)
            west, south = -10 + (number * 37 % 5000) / 100, 35 + (number * 53 % 3000) / 100
            made["id"] = f"{item['id']}_{number:06d}"
            made["collection"] = "bench"
            made["bbox"] = [west, south, west + 1.4, south + 1.0]
            made["properties"] = {**item["properties"], "datetime": f"2023-{1 + number % 12:02d}-{1 + number // 12 % 28:02d}T10:{number % 60:02d}:00Z"}
            features.append(made)
        page = {"type": "FeatureCollection", "features": features, "links": []}
        if first + size < count:
            page["links"] = [{"rel": "next", "href": f"{url}/search?token={first + size}", "method": "GET"}]
        pages.append(json.dumps(page).encode())
    return pages


class Api(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def do_GET(self):  # noqa: N802
        address = urllib.parse.urlsplit(self.path)
        if address.path == "/search":
            token = int(urllib.parse.parse_qs(address.query).get("token", ["0"])[0])
            body = self.server.pages[token // self.server.page]
        else:
            body = json.dumps({"type": "Catalog", "id": "a", "conformsTo": ["https://api.stacspec.org/v1.0.0/item-search"],
                               "links": [{"rel": "search", "href": f"{self.server.url}/search", "method": "GET"}]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench", type=pathlib.Path)
    parser.add_argument("item", type=pathlib.Path)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--page", type=int, default=250)
    parser.add_argument("--bands", default="red,nir", help="the assets that are kept")
    arguments = parser.parse_args()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Api)
    server.url, server.page = f"http://127.0.0.1:{server.server_address[1]}", arguments.page
    server.pages = pages_of(json.loads(arguments.item.read_text()), arguments.items, arguments.page, server.url)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    size = sum(map(len, server.pages))
    print(f"{arguments.items} items of {size / arguments.items / 1000:.1f} kB, {size / 1e6:.0f} MB in {len(server.pages)} pages", flush=True)
    subprocess.run([arguments.bench, server.url, "bench", "10", *arguments.bands.split(",")], check=True)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"{used.ru_utime + used.ru_stime:.1f} s of CPU")


if __name__ == "__main__":
    main()
