#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a command while an object store of another maker serves on loopback.

    node_store.py s3rver|azurite -- COMMAND [ARG]...

COMMAND finds in its environment what GDAL needs, and GEOLOOM_TEST_S3 or GEOLOOM_TEST_AZ. The servers
come from npm (setup/install.sh stores); where they are absent the exit code is 77, "skipped".
"""
import argparse
import base64
import contextlib
import datetime
import hashlib
import hmac
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAMS = ROOT / ".setup" / "node" / "node_modules" / ".bin"
BUCKET = "geoloom-test"
SKIPPED = 77
# Azurite's account and key, published in its documentation.
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def s3rver(port, folder):
    command = ["s3rver", "-d", folder, "-a", "127.0.0.1", "-p", str(port), "--silent", "--configure-bucket", BUCKET]
    return command, {
        "AWS_S3_ENDPOINT": f"127.0.0.1:{port}", "AWS_HTTPS": "NO", "AWS_VIRTUAL_HOSTING": "FALSE",
        "AWS_ACCESS_KEY_ID": "S3RVER", "AWS_SECRET_ACCESS_KEY": "S3RVER", "AWS_REGION": "us-east-1",
        "CPL_VSIL_CURL_NON_CACHED": f"/vsis3/{BUCKET}", "GEOLOOM_TEST_S3": f"s3://{BUCKET}"}


def azurite(port, folder):
    command = ["azurite-blob", "--silent", "--skipApiVersionCheck", "--disableTelemetry", "-l", folder,
               "--blobHost", "127.0.0.1", "--blobPort", str(port)]
    return command, {
        "AZURE_STORAGE_CONNECTION_STRING": f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};"
                                           f"BlobEndpoint=http://127.0.0.1:{port}/{ACCOUNT};",
        "CPL_VSIL_CURL_NON_CACHED": f"/vsiaz/{BUCKET}", "GEOLOOM_TEST_AZ": f"az://{BUCKET}"}


def make_container(port):
    """A signed PUT, as Azure's documentation of shared keys describes it."""
    date = datetime.datetime.now(datetime.timezone.utc).strftime("%a, %d %b %Y %H:%M:%S GMT")
    text = f"PUT\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:{date}\nx-ms-version:2021-08-06\n/{ACCOUNT}/{ACCOUNT}/{BUCKET}\nrestype:container"
    signature = base64.b64encode(hmac.new(base64.b64decode(KEY), text.encode(), hashlib.sha256).digest()).decode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}/{ACCOUNT}/{BUCKET}?restype=container", method="PUT", headers={
        "x-ms-date": date, "x-ms-version": "2021-08-06", "Authorization": f"SharedKey {ACCOUNT}:{signature}"})
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request)


def wait_for(server, kind, port):
    until = time.monotonic() + 60
    while server.poll() is None and time.monotonic() < until:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        time.sleep(0.05)
    sys.exit(f"{kind} did not start")


@contextlib.contextmanager
def serving(kind):
    """The environment in which s3:// or az:// leads to the server."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="geoloom-store-") as folder:
        (program, *arguments), environment = {"s3rver": s3rver, "azurite": azurite}[kind](port, folder)
        if not (PROGRAMS / program).exists():
            print(f"SKIPPED: {program} is absent; setup/install.sh stores installs it")
            sys.exit(SKIPPED)
        server = subprocess.Popen([PROGRAMS / program, *arguments], stdout=subprocess.DEVNULL)
        try:
            wait_for(server, kind, port)
            if kind == "azurite":
                make_container(port)
            yield {**environment, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
        finally:
            server.send_signal(signal.SIGTERM)
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kind", choices=["s3rver", "azurite"])
    parser.add_argument("command", nargs="+", metavar="COMMAND")
    arguments = parser.parse_args()
    with serving(arguments.kind) as environment:
        code = subprocess.run(arguments.command, env={**os.environ, **environment}).returncode
    sys.exit(code if code >= 0 else 128 - code)


if __name__ == "__main__":
    main()
